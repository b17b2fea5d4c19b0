// Files of figures: checked as soon as they are chosen, kept by a second press; days are added to those that there are.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const form = document.getElementById("figures"), checked = document.getElementById("checked");

form?.addEventListener("submit", (event) => { event.preventDefault(); void attempt(check); });
form?.elements.file.addEventListener("change", checkChosen);

function checkChosen() {
  if (form.elements.file.files.length) void attempt(check);
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    checked.replaceChildren(make("p", { className: "problem" }, error.message));
  }
}

const send = (query) => {
  const sent = new FormData();
  sent.append("file", form.elements.file.files[0]);
  return call("POST", `${form.dataset.path}?${query}`, { form: sent });
};

/** What a file would bring in, line by line where it cannot. */
async function check() {
  const { data: { kept, left_out } } = await send("check=true");
  checked.replaceChildren();
  if (left_out.length) checked.append(make("p", { className: "problem" }, say("{count} lines cannot be used:", { count: left_out.length })), make("ul", { className: "findings" }, ...left_out.map((each) => make("li", {}, each))));
  checked.append(make("p", { className: kept ? "done" : "note" }, kept ? say("{count} lines can be kept.", { count: kept }) : say("Nothing in this file can be kept.")));
  if (!kept) return;
  const text = left_out.length ? say("Keep the {count} good lines", { count: kept }) : say("Keep {count} lines", { count: kept });
  checked.append(make("button", { type: "button", className: "main", onclick: () => void attempt(keep) }, text));
}

async function keep() {
  const { data: { kept } } = await send("keep_good=true");
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
