// Files of places: what they would change is told before anything is changed.
import { call } from "./api.js";
import { CheckedFile, jsonOf, problem } from "./checked_file.js";
import { make } from "./elements.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const form = document.getElementById("import");
const { kinds, fields } = JSON.parse(document.getElementById("names").textContent);
if (form) new CheckedFile(form, document.getElementById("found"), { check, keep, told });

async function send(content, check) {
  const asked = new URLSearchParams({ reason: form.elements.reason.value, check });
  if (form.elements.crs.value) asked.set("crs", form.elements.crs.value);
  if (form.elements.from.value) asked.set("valid_from", onCityClock(form.elements.from.value));
  return call("PUT", `/v1/places?${asked}`, { json: await jsonOf(content), version: form.dataset.version });
}

async function keep(content) {
  await send(content, "false");
  sessionStorage.setItem("said", say("The places are in force now."));
  location.assign("/places");
}

async function check(content) {
  const { data: { counts, added, changed, ended, warnings } } = await send(content, "true");
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

function told(error) {
  if (error.status === 412) return [problem(say("The register was changed by somebody else meanwhile. Reload the page, and check again."))];
  const [first, ...rest] = error.message.split("; ");
  return [problem(first), ...list("", rest)];
}
