// Acts on issues: a button with data-act opens the form of its kind as a sheet. What is typed outlives closing the sheet, a
// reload and a phone that throws the page away while its camera is open; an act of somebody else in between is told, and
// nothing is lost by it.
import { ActPhotos } from "./act_photos.js";
import { call } from "./api.js";
import { make } from "./elements.js";
import { notice } from "./notice.js";
import { say } from "./words.js";
import { ago, onCityClock } from "./writing.js";

document.documentElement.classList.toggle("touch", navigator.maxTouchPoints > 0); // with a mouse there is no camera to ask for

document.addEventListener("click", (event) => {
  const opener = event.target.closest("button[data-act]");
  if (opener) { opener.closest("details")?.removeAttribute("open"); open(opener.dataset); }
});
// A photo first: its form comes with it.
document.addEventListener("change", ({ target }) => {
  if (!target.matches("input[type=file][data-act]") || !target.files.length) return;
  open(target.dataset, { files: [...target.files] });
  target.value = "";
});

/** Open the form of an act; `files`: just taken by the camera; `text`: typed elsewhere. */
function open({ act, issue, version, what, lon, lat }, { files = [], text = "" } = {}) {
  document.querySelector("dialog.act-sheet")?.remove(); // one at a time: `close` is told later
  const form = document.getElementById(`act-${act}`).content.firstElementChild.cloneNode(true);
  Object.assign(form.dataset, { api: `POST /v1/issues/${issue}/acts`, version, issue, act });
  form.querySelector(".act-what").textContent = what;
  const dialog = make("dialog", { className: "act-sheet", "aria-labelledby": "act-title" }, form);
  const draft = `act-${act}-${issue}`, keep = () => sessionStorage.setItem(draft, JSON.stringify(typed(form)));
  const root = form.querySelector(".act-photos");
  const photos = root && new ActPhotos(root, { there: lon ? { lon: Number(lon), lat: Number(lat) } : null, onChange: keep });
  restore(form, photos, JSON.parse(sessionStorage.getItem(draft) ?? "{}"));
  if (text) form.elements.text.value = text;
  form.addEventListener("input", () => { parts(form); keep(); });
  form.addEventListener("click", ({ target }) => { if (target.matches("[data-phrase]")) { put(form.elements.text, target.textContent); keep(); } });
  form.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  photos?.guard(form);
  form.addEventListener("stale", (event) => { event.preventDefault(); void tellStale(form, { act, issue, what, lon, lat }, dialog); });
  form.addEventListener("acted", ({ detail: { data } }) => {
    sessionStorage.removeItem(draft);
    dialog.close();
    for (const warning of data.warnings) notice(warning, { bad: true });
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  parts(form);
  dialog.showModal();
  if (files.length) photos.add(files, true);
  else if (root && "needed" in root.dataset && navigator.maxTouchPoints > 0) photos.locate();
}

/** Somebody acted between reading and sending: who and what, with the page behind brought up to date. */
async function tellStale(form, opener, dialog) {
  const [{ data: issue }, { data: steps }] = await Promise.all(
    [`/v1/issues/${opener.issue}`, `/v1/issues/${opener.issue}/acts`].map((path) => call("GET", path)));
  const last = steps.filter(({ what }) => what !== "recheck").at(-1);
  const said = last ? say("{who} has acted meanwhile: {what}, {when}.", { who: last.by ?? say("the program"), what: last.label, when: ago(last.at) }) : "";
  const still = issue.possible.some(({ kind }) => kind === opener.act);
  const problem = make("div", { className: "problem", role: "alert" }, make("p", {}, said, " ", make("q", {}, last?.text ?? "")),
    make("p", {}, still ? say("Look at it; if yours still holds, send it again.") : say("Yours can no longer be done. What you have typed stays here.")));
  problem.querySelector("q").hidden = !last?.text;
  if (still) form.dataset.version = issue.version;
  else {
    form.querySelector(".actions button:not([type])").disabled = true;
    const text = form.elements.text.value;
    if (text && issue.possible.some(({ kind }) => kind === "comment")) {
      problem.append(make("button", { type: "button", onclick: () => { dialog.close(); open({ ...opener, act: "comment", version: issue.version }, { text }); } }, say("Leave it as a comment")));
    }
  }
  form.prepend(problem);
  problem.scrollIntoView({ block: "nearest" });
  document.body.dispatchEvent(new CustomEvent("acted"));
}

/** Fields that depend on others: a deadline is a length or a moment; some reasons need words. */
function parts(form) {
  const reason = form.elements.reason;
  if (reason) form.elements.text.required = "needsText" in (reason.selectedOptions[0]?.dataset ?? {});
  const [mode, amount, unit, due] = ["mode", "amount", "unit", "due"].map((name) => form.querySelector(`[data-part=${name}]`));
  if (!mode) return;
  for (const each of form.querySelectorAll("[data-when]")) each.hidden = each.dataset.when !== mode.value;
  due.required = mode.value === "due";
  amount.required = mode.value === "limit";
  const [clock, name] = unit.value.split(" ");
  form.elements.limit.value = mode.value === "limit" && amount.value ? JSON.stringify({ clock, [name]: Number(amount.value) }) : "";
  form.elements.due_at.value = mode.value === "due" && due.value ? onCityClock(due.value) : "";
}

const nameOf = (field) => field.name || field.dataset.part;

function typed(form) {
  const fields = [...form.elements].filter((field) => nameOf(field) && field.name !== "kind" && field.type !== "file");
  return Object.fromEntries(fields.filter((field) => field.type !== "radio" || field.checked).map((field) => [nameOf(field), field.value]));
}

function restore(form, photos, draft) {
  for (const field of form.elements) {
    const value = draft[nameOf(field)];
    if (value === undefined || field.type === "file" || field.name === "photos") continue;
    if (field.type === "radio") field.checked = field.value === value;
    else field.value = value;
  }
  if (photos && draft.photos) photos.restore(JSON.parse(draft.photos));
}

function put(area, phrase) {
  area.value = area.value ? `${area.value.trimEnd()} ${phrase}` : phrase;
  area.focus();
}
