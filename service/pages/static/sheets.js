// A button with data-sheet="ID" opens the form of <template id="ID"> as a dialog. data-fill, JSON, fills its fields by name,
// what has data-say by that name, and {name} in its address; an .act-photos in it takes photos. Its data-api sends it.
import { make } from "./elements.js";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("button[data-sheet]");
  if (!opener) return;
  opener.closest("details[data-menu]")?.removeAttribute("open");
  void open(opener.dataset.sheet, JSON.parse(opener.dataset.fill ?? "{}"));
});

async function open(id, fill) {
  const form = document.getElementById(id).content.firstElementChild.cloneNode(true), heading = form.querySelector("h2");
  const dialog = make("dialog", { className: "act-sheet", "aria-label": heading.textContent }, form);
  form.dataset.api = form.dataset.api.replace(/\{(\w+)\}/g, (_, name) => fill[name]);
  for (const [name, value] of Object.entries(fill)) {
    if (form.elements[name]) form.elements[name].value = value;
    for (const each of form.querySelectorAll(`[data-say="${name}"]`)) each.textContent = value;
  }
  form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  form.addEventListener("saved", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  const root = form.querySelector(".act-photos");
  if (root) await takePhotos(form, root);
  document.body.append(dialog);
  dialog.showModal();
}

async function takePhotos(form, root) {
  const { ActPhotos } = await import("./act_photos.js");
  document.documentElement.classList.toggle("touch", navigator.maxTouchPoints > 0); // with a mouse there is no camera to ask for
  new ActPhotos(root, { there: null, onChange: () => {} }).guard(form);
}
