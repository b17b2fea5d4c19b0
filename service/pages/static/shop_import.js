// Shops from a file: what would come of each line is told first; good lines can be kept without the others.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const MOST = 200;
const form = document.getElementById("import"), found = document.getElementById("found");

form.addEventListener("submit", (event) => { event.preventDefault(); void attempt(check, event.submitter); });
form.elements.file.addEventListener("change", () => found.replaceChildren());

async function attempt(work, button) {
  button?.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    found.replaceChildren(make("p", { className: "problem" }, error.message));
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

function send(more) {
  const { file, crs, reason } = form.elements, asked = new URLSearchParams({ reason: reason.value, ...more });
  if (crs.value) asked.set("crs", crs.value);
  return call("POST", `/v1/shops/import?${asked}`, { file: new Blob([file.files[0]], { type: /json$/i.test(file.files[0].name) ? "application/geo+json" : "text/csv" }) });
}

async function check() {
  const { data: { added, changed, unchanged, refused, ignored, outcomes } } = await send({ check: "true" }), good = added + changed;
  found.replaceChildren(make("p", { className: good ? "done" : "note" }, good || unchanged ? say("{added} new, {changed} changed, {unchanged} as they are.", { added, changed, unchanged }) : say("Nothing in this file can be kept.")));
  if (ignored.length) found.append(make("p", { className: "hint" }, `${say("Columns that mean nothing here:")} ${ignored.join(", ")}`));
  if (refused) found.append(make("p", { className: "problem" }, say("{count} lines cannot be used:", { count: refused })), table(outcomes.filter(({ outcome }) => outcome === "refused")));
  if (!good) return;
  const text = refused ? say("Keep the {count} good lines", { count: good }) : say("Import {count} shops", { count: good });
  found.append(make("button", { type: "button", className: "main", onclick: ({ currentTarget }) => void attempt(keep, currentTarget) }, text));
}

function table(rows) {
  const cells = (row, names) => make("tr", {}, ...names.map((each) => make(row, {}, each)));
  const body = rows.slice(0, MOST).map(({ line, code, reason }) => cells("td", [String(line), code ?? "–", reason]));
  const made = make("div", { className: "table findings", tabIndex: 0, role: "group", "aria-label": say("What is wrong") }, make("table", { className: "dense" },
    make("thead", {}, cells("th", [say("Line"), say("Number of the shop"), say("What is wrong")])), make("tbody", {}, ...body)));
  if (rows.length > MOST) made.append(make("p", { className: "hint" }, say("The first {count} are shown.", { count: MOST })));
  return made;
}

async function keep() {
  const { data: { added, changed } } = await send({ partial: "true" });
  sessionStorage.setItem("said", say("{count} shops were taken in.", { count: added + changed }));
  location.assign("/shops");
}
