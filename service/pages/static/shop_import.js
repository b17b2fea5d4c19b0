// Shops from a file: what would come of each line is told first; good lines can be kept without the others.
import { call } from "./api.js";
import { CheckedFile, problem } from "./checked_file.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const MOST = 200;
const form = document.getElementById("import"), checked = new CheckedFile(form, document.getElementById("found"), { check, keep });

function send(content, more) {
  const { crs, reason } = form.elements, asked = new URLSearchParams({ reason: reason.value, ...more });
  if (crs.value) asked.set("crs", crs.value);
  return call("POST", `/v1/shops/import?${asked}`, { file: new Blob([content], { type: /json$/i.test(content.name) ? "application/geo+json" : "text/csv" }) });
}

async function check(content) {
  const { data: { added, changed, unchanged, refused, ignored, outcomes } } = await send(content, { check: "true" }), good = added + changed;
  const found = [make("p", { className: good ? "done" : "note" }, good || unchanged ? say("{added} new, {changed} changed, {unchanged} as they are.", { added, changed, unchanged }) : say("Nothing in this file can be kept."))];
  if (ignored.length) found.push(make("p", { className: "hint" }, `${say("Columns that mean nothing here:")} ${ignored.join(", ")}`));
  if (refused) found.push(problem(say("{count} lines cannot be used:", { count: refused })), table(outcomes.filter(({ outcome }) => outcome === "refused")));
  const text = refused ? say("Keep the {count} good lines", { count: good }) : say("Import {count} shops", { count: good });
  return good ? [...found, checked.keeping(text, content)] : found;
}

function table(rows) {
  const cells = (row, names) => make("tr", {}, ...names.map((each) => make(row, {}, each)));
  const body = rows.slice(0, MOST).map(({ line, code, reason }) => cells("td", [String(line), code ?? "–", reason]));
  const made = make("div", { className: "table findings", tabIndex: 0, role: "group", "aria-label": say("What is wrong") }, make("table", { className: "dense" },
    make("thead", {}, cells("th", [say("Line"), say("Number of the shop"), say("What is wrong")])), make("tbody", {}, ...body)));
  if (rows.length > MOST) made.append(make("p", { className: "hint" }, say("The first {count} are shown.", { count: MOST })));
  return made;
}

async function keep(content) {
  const { data: { added, changed } } = await send(content, { partial: "true" });
  sessionStorage.setItem("said", say("{count} shops were taken in.", { count: added + changed }));
  location.assign("/shops");
}
