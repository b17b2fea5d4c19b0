// Rules of a city as JSON: an example is put into the form, to be changed there; those in force are spread over lines.
const examples = JSON.parse(document.getElementById("examples").textContent), spread = (rules) => JSON.stringify(rules, null, 1);

for (const field of document.querySelectorAll("textarea[name=document]")) if (field.value) field.value = spread(JSON.parse(field.value));

document.addEventListener("click", ({ target }) => {
  const name = target.dataset?.example;
  if (name) target.form.elements.document.value = spread(examples[name]);
});
