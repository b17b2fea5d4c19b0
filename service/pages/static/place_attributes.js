// Tables of attributes: what each line would change is told first; good lines can be kept without the others.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const MOST = 200;
const form = document.getElementById("attributes"), found = form?.querySelector(".found");
const { kinds, fields } = JSON.parse(document.getElementById("names").textContent);

form?.addEventListener("submit", (event) => { event.preventDefault(); void attempt(check, event.submitter); });
form?.elements.file.addEventListener("change", () => found.replaceChildren());

async function attempt(work, button) {
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const stale = error.status === 412 ? say("The register was changed by somebody else meanwhile. Reload the page, and check again.") : error.message;
    found.replaceChildren(make("p", { className: "problem" }, stale));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function send(more) {
  const { file, kind, from, reason } = form.elements, asked = new URLSearchParams({ reason: reason.value, ...more });
  if (kind.value) asked.set("kind", kind.value);
  if (from.value) asked.set("valid_from", onCityClock(from.value));
  return call("POST", `/v1/places/attributes?${asked}`, { file: new Blob([file.files[0]], { type: "text/csv" }), version: form.dataset.version });
}

async function check() {
  const { data: { changed, refused, warnings } } = await send({ check: "true" }), count = changed.length;
  found.replaceChildren(make("p", { className: count ? "done" : "note" }, count ? say("{count} places would change.", { count }) : say("No place would change.")));
  found.append(...list(changed.map(({ kind, code, fields: which }) => `${kinds[kind] ?? kind} ${code}: ${which.map((each) => fields[each] ?? each).join(", ")}`)), ...list(warnings.map(({ message }) => message)));
  if (refused.length) found.append(make("p", { className: "problem" }, say("{count} lines cannot be used:", { count: refused.length })), ...list(refused.map(({ line, message }) => say("line {line}: {fault}", { line, fault: message }))));
  if (!count) return;
  const text = refused.length ? say("Keep the {count} good lines", { count }) : say("Change {count} places", { count });
  found.append(make("button", { type: "button", className: "main", onclick: ({ currentTarget }) => void attempt(keep, currentTarget) }, text));
}

function list(rows) {
  if (!rows.length) return [];
  const more = rows.length > MOST ? [make("p", { className: "hint" }, say("The first {count} are shown.", { count: MOST }))] : [];
  return [make("ul", { className: "findings" }, ...rows.slice(0, MOST).map((each) => make("li", {}, each))), ...more];
}

async function keep() {
  await send({ partial: "true" });
  sessionStorage.setItem("said", say("The places are in force now."));
  location.assign("/places");
}
