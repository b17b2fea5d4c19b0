// Tables of attributes: what each line would change is told first; good lines can be kept without the others.
import { call } from "./api.js";
import { CheckedFile, problem } from "./checked_file.js";
import { make } from "./elements.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const MOST = 200;
const form = document.getElementById("attributes"), checked = form && new CheckedFile(form, form.querySelector(".found"), { check, keep, told });
const { kinds, fields } = JSON.parse(document.getElementById("names").textContent);

function send(content, more) {
  const { kind, from, reason } = form.elements, asked = new URLSearchParams({ reason: reason.value, ...more });
  if (kind.value) asked.set("kind", kind.value);
  if (from.value) asked.set("valid_from", onCityClock(from.value));
  return call("POST", `/v1/places/attributes?${asked}`, { file: new Blob([content], { type: "text/csv" }), version: form.dataset.version });
}

async function check(content) {
  const { data: { changed, refused, warnings } } = await send(content, { check: "true" }), count = changed.length;
  const found = [make("p", { className: count ? "done" : "note" }, count ? say("{count} places would change.", { count }) : say("No place would change."))];
  found.push(...list(changed.map(({ kind, code, fields: which }) => `${kinds[kind] ?? kind} ${code}: ${which.map((each) => fields[each] ?? each).join(", ")}`)), ...list(warnings.map(({ message }) => message)));
  if (refused.length) found.push(problem(say("{count} lines cannot be used:", { count: refused.length })), ...list(refused.map(({ line, message }) => say("line {line}: {fault}", { line, fault: message }))));
  const text = refused.length ? say("Keep the {count} good lines", { count }) : say("Change {count} places", { count });
  return count ? [...found, checked.keeping(text, content)] : found;
}

function told({ status, message }) {
  return [problem(status === 412 ? say("The register was changed by somebody else meanwhile. Reload the page, and check again.") : message)];
}

function list(rows) {
  if (!rows.length) return [];
  const more = rows.length > MOST ? [make("p", { className: "hint" }, say("The first {count} are shown.", { count: MOST }))] : [];
  return [make("ul", { className: "findings" }, ...rows.slice(0, MOST).map((each) => make("li", {}, each))), ...more];
}

async function keep(content) {
  await send(content, { partial: "true" });
  sessionStorage.setItem("said", say("The places are in force now."));
  location.assign("/places");
}
