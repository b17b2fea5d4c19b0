// The profile of a camera: groups of fields that are known or not; unknown ones are not sent.
const form = document.getElementById("profile");
for (const group of form?.querySelectorAll("[data-optional]") ?? []) {
  const whether = group.querySelector(".whether");
  const show = () => {
    for (const field of group.querySelectorAll("input[name]")) {
      field.disabled = !whether.checked;
      field.closest("label").hidden = !whether.checked;
    }
  };
  whether.addEventListener("change", show);
  show();
}
