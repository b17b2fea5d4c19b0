// The month is chosen by the list itself.
document.querySelector("[data-go]").addEventListener("change", ({ target }) => target.form.submit());
