// Files of places: what they would change is told before anything is changed.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const form = document.getElementById("import"), found = document.getElementById("found");
const { kinds, fields } = JSON.parse(document.getElementById("names").textContent);

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  button.setAttribute("aria-busy", "true");
  try {
    await send(button.value === "yes");
  } catch (error) {
    if (!(error instanceof Problem) && !(error instanceof SyntaxError)) throw error;
    found.replaceChildren(...told(error));
  } finally {
    button.removeAttribute("aria-busy");
  }
});

async function send(check) {
  const file = form.elements.file.files[0];
  if (!file) return found.replaceChildren(problem(say("Choose a file first.")));
  const asked = new URLSearchParams({ reason: form.elements.reason.value, check: String(check) });
  if (form.elements.crs.value) asked.set("crs", form.elements.crs.value);
  if (form.elements.from.value) asked.set("valid_from", onCityClock(form.elements.from.value));
  const { data } = await call("PUT", `/v1/places?${asked}`, { json: JSON.parse(await file.text()), version: form.dataset.version });
  if (check) return found.replaceChildren(...diff(data));
  sessionStorage.setItem("said", say("The places are in force now."));
  location.assign("/places");
}

function diff({ counts, added, changed, ended, warnings }) {
  const { added: fresh = 0, changed: other = 0, ended: gone = 0, unchanged = 0 } = counts;
  return [
    make("p", { className: "done" }, say("{added} new, {changed} changed, {ended} ended, {unchanged} as they are.", { added: fresh, changed: other, ended: gone, unchanged })),
    ...list(say("New:"), added.map(named)),
    ...list(say("Changed:"), changed.map(({ kind, code, fields: which }) => `${named(`${kind}/${code}`)}: ${which.map((each) => fields[each] ?? each).join(", ")}`)),
    ...list(say("Ended, because the file has them no more:"), ended.map(named), "findings gone"),
    ...list(say("Look at these:"), warnings.map(({ place, message }) => (message.startsWith(place) ? message : `${place}: ${message}`))),
  ];
}

const named = (key) => { const [kind, code] = key.split("/"); return `${kinds[kind] ?? kind} ${code}`; };
const list = (title, rows, className = "findings") => (rows.length ? [make("p", {}, title), make("ul", { className }, ...rows.map((each) => make("li", {}, each)))] : []);
const problem = (text) => make("p", { className: "problem" }, text);

function told(error) {
  if (error instanceof SyntaxError) return [problem(say("This file is no JSON: {reason}", { reason: error.message }))];
  if (error.status === 412) return [problem(say("The register was changed by somebody else meanwhile. Reload the page, and check again."))];
  const [first, ...rest] = error.message.split("; ");
  return [problem(first), ...list("", rest)];
}
