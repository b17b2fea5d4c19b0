// Files of figures: checked as soon as they are chosen, kept by a second press; days are added to those that there are.
import { call } from "./api.js";
import { CheckedFile, problem } from "./checked_file.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const form = document.getElementById("figures"), checked = form && new CheckedFile(form, document.getElementById("checked"), { check, keep });

form?.addEventListener("change", checkChosen);

function checkChosen() {
  if (form.elements.file.files.length) void checked.check();
}

function send(content, query) {
  const sent = new FormData();
  sent.append("file", content);
  return call("POST", `${form.dataset.path}?${query}`, { form: sent });
}

/** What a file would bring in, line by line where it cannot. */
async function check(content) {
  const { data: { kept, left_out } } = await send(content, "check=true"), found = [];
  if (left_out.length) found.push(problem(say("{count} lines cannot be used:", { count: left_out.length })), make("ul", { className: "findings" }, ...left_out.map((each) => make("li", {}, each))));
  found.push(make("p", { className: kept ? "done" : "note" }, kept ? say("{count} lines can be kept.", { count: kept }) : say("Nothing in this file can be kept.")));
  const text = left_out.length ? say("Keep the {count} good lines", { count: kept }) : say("Keep {count} lines", { count: kept });
  return kept ? [...found, checked.keeping(text, content)] : found;
}

async function keep(content) {
  const { data: { kept } } = await send(content, "keep_good=true");
  sessionStorage.setItem("said", say("{count} figures are kept.", { count: kept }));
  location.reload();
}

const day = document.getElementById("day");
day?.addEventListener("submit", () => {
  const [on, note] = ["day", "note"].map((name) => day.querySelector(`[data-part=${name}]`).value.trim());
  const others = JSON.parse(day.dataset.days).filter((each) => each.day !== on);
  day.elements.items.value = JSON.stringify([...others, { day: on, note }]);
}, { capture: true });

if (form) checkChosen(); // it may have been chosen before this was there
