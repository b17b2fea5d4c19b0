// Review: one lead after the other, by keys, by touch. Decisions are shown at once and sent behind one another.
import { call, Problem } from "./api.js";
import { BoxEditor } from "./box_editor.js";
import { chooseClass } from "./class_choice.js";
import { metresBetween } from "./coordinates.js";
import { make } from "./elements.js";
import { keyCap, watchKeys } from "./keys.js";
import { LeadView, named, titleOf } from "./lead_view.js";
import { notice } from "./notice.js";
import { ReviewQueue } from "./review_queue.js";
import { cutOut, forget, photoUrl, shownNow } from "./shots.js";
import { number } from "./writing.js";
import { say } from "./words.js";

const MERGE_WITHIN_M = 150, MOST_TO_MERGE = 9, NUDGE = 0.005;
const desk = document.getElementById("desk"), told = document.getElementById("told"), counts = document.getElementById("counts");
const reasons = JSON.parse(document.getElementById("reasons").textContent);
const views = new WeakMap(); // item -> LeadView
const history = [];
let shown = null, boxes = null, originals = null;

const queue = new ReviewQueue(location.search, {
  onArrive: (item) => { views.set(item, new LeadView(item)); },
  onChange: draw,
  onLost: (item) => {
    forget(views.get(item).element);
    if (item.id === shown?.item.id) notice(say("Somebody else has decided this one meanwhile; here is the next."));
  },
  onRefused: refused,
});

/** Show what is before the reviewer now. */
function draw() {
  const waiting = queue.waiting === null ? null : Math.max(0, queue.waiting - queue.sending);
  counts.dataset.sending = String(queue.sending);
  counts.textContent = waiting === null ? "" : say("{waiting} waiting · {decided} decided now", { waiting: number(waiting), decided: number(queue.decided) });
  const item = queue.current;
  document.getElementById("empty").hidden = !(queue.dry && !item);
  document.getElementById("loading").hidden = Boolean(item) || queue.dry;
  document.getElementById("passed").hidden = !(queue.dry && queue.passed);
  document.querySelectorAll("#actions button").forEach((button) => { button.disabled = button.dataset.do === "undo" ? history.length === 0 : !item; });
  if (item === shown?.item) return;
  closeBox();
  originals = null;
  shown = item ? views.get(item) : null;
  desk.replaceChildren(...(shown ? [shown.element] : []));
  shownNow();
  desk.scrollTop = 0;
}

/** Run what a key or a button asks for, and measure until the next lead is painted. */
function goOn(act) {
  const begun = performance.now(), before = shown;
  act();
  if (shown && shown !== before) {
    told.textContent = `${said ?? ""} ${titleOf(shown.item)}`;
    requestAnimationFrame(() => setTimeout(() => performance.measure("review:next", { start: begun })));
  }
}
let said = null;

function accept() {
  const item = queue.current;
  remember({ kind: "decision", item });
  said = say("Accepted.");
  goOn(() => void queue.decide({ kind: "confirm" }));
}

async function reject() {
  const item = queue.current, chosen = await chooseReason();
  if (!chosen || queue.current !== item) return;
  remember({ kind: "decision", item });
  said = say("Rejected.");
  goOn(() => void queue.decide({ kind: "reject", ...chosen }));
}

function next() {
  remember({ kind: "passed", item: queue.current });
  said = say("Left to others.");
  goOn(() => void queue.pass());
}

/** Take the latest step back: what was decided is opened again, what was corrected is as before. */
async function undo() {
  const step = history.pop();
  if (!step) return;
  if (step.kind === "passed") { goOn(() => queue.putBack(step.item)); return; }
  try {
    await queue.send(step.item, step.kind === "corrected" ? asBefore(step.item, await step.made) : { kind: "reopen" });
    if (step.kind === "decision") queue.decided -= 1;
    await queue.readAgain(step.item.id);
    notice(say("Taken back."), { key: "undo" });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    notice(error.message, { bad: true, key: "undo" });
  }
}

function remember(step) {
  history.push(step);
  if (history.length > 50) history.shift();
}

/** What would make a correction undone. */
function asBefore(item, { decision: { before } }) {
  const asked = { kind: "correct" };
  if (before.class_name) asked.class = before.class_name;
  if (before.condition) asked.condition = before.condition;
  if (before.best_box) asked.box = { frame_id: before.best_frame_id ?? item.best_frame_id, box_xyxy_px: before.best_box };
  return asked;
}

/** Correct, and show the lead as it is then; who goes on at once is not called back. */
async function correct(asked) {
  const item = queue.current, made = queue.send(item, { kind: "correct", ...asked });
  remember({ kind: "corrected", item, made });
  try {
    await made;
    const now = await queue.readAgain(item.id);
    if (queue.current === now) notice(say("Corrected; accept or reject it now."), { key: "corrected" });
    else if (now.version >= item.version) views.set(Object.assign(item, now), new LeadView(item)); // for the case that it is put back
  } catch (error) {
    refused(item, error);
  }
}

async function correctClass() {
  const item = queue.current, chosen = await chooseClass(item.class);
  if (chosen && chosen !== item.class && queue.current === item) await correct({ class: chosen });
}

/** The box on the photo that is shown, to be moved and drawn once the photo is there; until then it can be left. */
async function correctBox() {
  if (boxes) return;
  const view = shown, shot = view?.best;
  if (!shot?.size) { notice(say("The size of this photo is not known, so that no box can be drawn on it."), { bad: true }); return; }
  const change = (box) => { boxes.box = box; };
  const editor = new BoxEditor(view.stage, { onSelect() {}, onChange: (_, box) => change(box), onDraw: (box) => { change(box); paint(); } });
  boxes = { view, shot, box: shot.box, editor };
  showBar(false);
  try {
    await editor.show(photoUrl(shot.frame), shot.size, titleOf(view.item));
  } catch {
    if (boxes?.editor !== editor) return;
    closeBox();
    notice(say("This photo cannot be shown, so that no box can be drawn on it."), { bad: true });
    return;
  }
  if (boxes?.editor !== editor) return;
  boxes.box ??= editor.middle();
  paint();
  showBar(true);
}

function showBar(ready) {
  const bar = document.getElementById("box-bar");
  bar.hidden = false;
  for (const each of bar.querySelectorAll("[data-box=save], [data-box=draw]")) each.disabled = !ready;
  if (ready) bar.querySelector("button").focus();
}

const canDraw = () => Boolean(boxes?.editor.ready);

function paint() {
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--box").trim() || "#ff3b30";
  boxes.editor.paint([{ id: "box", box_xyxy_px: boxes.box, colour, text: "" }], "box");
}

function nudge(dx, dy, resize) {
  boxes.box = boxes.editor.nudged(boxes.box, resize ? [0, 0, dx, dy] : [dx, dy, 0, 0]);
  paint();
}

function closeBox() {
  if (!boxes) return;
  const { view, editor } = boxes;
  boxes = null;
  editor.clear();
  document.getElementById("box-bar").hidden = true;
  view.turn(0);
}

async function saveBox() {
  const { shot, box } = boxes;
  closeBox();
  await correct({ box: { frame_id: shot.frame, box_xyxy_px: box.map((value) => Math.round(value * 10) / 10) } });
}

/** The unredacted photo, where one may see it; each look is written down. */
async function showOriginal() {
  const view = shown;
  if (originals === view) { originals = null; view.turn(0); return; }
  const reason = document.body.dataset.originalReason === "needed" ? await askWhy() : "";
  if (reason === null || shown !== view) return;
  originals = view;
  view.choose(0, { original: true, reason });
  notice(say("This look at the original was written down."), { key: "original" });
}

/** Why it is rejected: a key or a tap each. Gives {reason, text?}, or null. */
function chooseReason() {
  const dialog = make("dialog", { className: "choices", "aria-labelledby": "reasons-title" }, make("h2", { id: "reasons-title" }, say("Why is it rejected?")));
  const text = make("input", { maxLength: 2000, "aria-label": say("In your own words"), placeholder: say("In your own words"), required: true });
  const own = make("form", { className: "row", hidden: true }, text, make("button", { className: "main" }, say("Reject")));
  const { answer, ask } = asked(dialog);
  const choose = ({ code, needs_text }) => {
    if (needs_text) { own.hidden = false; own.dataset.code = code; text.focus(); return; }
    answer({ reason: code });
  };
  own.addEventListener("submit", (event) => { event.preventDefault(); answer({ reason: own.dataset.code, text: text.value.trim() }); });
  reasons.forEach((reason, index) => dialog.append(make("button", { type: "button", onclick: () => choose(reason) }, keyCap(String(index + 1)), reason.text)));
  dialog.append(own, cancelButton());
  dialog.addEventListener("keydown", (event) => {
    if (event.target === text) return;
    const found = reasons[Number(event.key) - 1];
    if (found) { event.preventDefault(); choose(found); }
  });
  return ask();
}

/** Which lead nearby is the same one: a key or a tap. */
async function merge() {
  const item = queue.current;
  if (!item.position) { notice(say("The place of this one is not known, so that nothing near it can be."), { bad: true }); return; }
  const near = `${item.position.lon},${item.position.lat},${MERGE_WITHIN_M}`;
  const { data } = await call("GET", `/v1/candidates?${new URLSearchParams([["near", near], ["condition", item.condition], ["state", "open"], ["state", "confirmed"], ["limit", "50"]])}`);
  const others = data.items.filter(({ id }) => id !== item.id).map((each) => ({ ...each, away: metresBetween([item.position.lon, item.position.lat], [each.position.lon, each.position.lat]) }))
    .sort((one, other) => one.away - other.away).slice(0, MOST_TO_MERGE);
  const into = await chooseOther(others);
  if (!into || queue.current !== item) return;
  remember({ kind: "decision", item });
  said = say("Merged.");
  goOn(() => void queue.decide({ kind: "merge", into }));
}

function chooseOther(others) {
  const dialog = make("dialog", { className: "choices wide", "aria-labelledby": "merge-title" }, make("h2", { id: "merge-title" }, say("Which one is the same?")));
  const { answer, ask } = asked(dialog);
  if (!others.length) dialog.append(make("p", {}, say("Nothing else of this kind is known within {metres} m.", { metres: MERGE_WITHIN_M })));
  others.forEach((other, index) => {
    const picture = other.best_box && cutOut(other.best_frame_id, other.best_box);
    dialog.append(make("button", { type: "button", onclick: () => answer(other.id) }, keyCap(String(index + 1)), ...(picture ? [picture] : []),
      make("span", {}, titleOf(other), make("br"), `${number(Math.round(other.away))} m · ${named("states", other.state)}`)));
  });
  dialog.append(cancelButton());
  dialog.addEventListener("keydown", (event) => { const found = others[Number(event.key) - 1]; if (found) { event.preventDefault(); answer(found.id); } });
  return ask();
}

function askWhy() {
  const text = make("input", { maxLength: 500, required: true, "aria-label": say("Why do you need the original?") });
  const dialog = make("dialog", { "aria-labelledby": "why-title" }, make("h2", { id: "why-title" }, say("Why do you need the original?")));
  const { answer, ask } = asked(dialog);
  const form = make("form", { className: "row" }, text, make("button", { className: "main" }, say("Show the original")));
  form.addEventListener("submit", (event) => { event.preventDefault(); answer(text.value.trim()); });
  dialog.append(form, cancelButton());
  return ask();
}

/** A dialog to be answered; `ask` gives the answer, null when it is closed without one. */
function asked(dialog) {
  let resolve;
  const promise = new Promise((told) => { resolve = told; });
  dialog.addEventListener("close", () => { dialog.remove(); resolve(null); });
  return {
    answer(value) { resolve(value); dialog.close(); }, // told at once, not by the event that comes after: the next key may be quicker than that
    ask() { document.body.append(dialog); dialog.showModal(); shownNow(); return promise; },
  };
}

const cancelButton = () => make("form", { method: "dialog" }, make("button", {}, say("Cancel"), keyCap("Escape")));

/** A decision was not taken: say why, and offer the lead as it is now. */
function refused(item, error) {
  if (!(error instanceof Problem)) throw error;
  const at = history.findLastIndex((step) => step.item.id === item.id);
  if (at >= 0) history.splice(at, 1);
  const text = error.status === 412 ? say("{lead} was changed by somebody else meanwhile; your decision was not taken.", { lead: titleOf(item) }) : `${titleOf(item)}: ${error.message}`;
  notice(text, { bad: true, key: item.id, action: { text: say("Look again"), run: () => void lookAgain(item) } });
}

async function lookAgain(item) {
  const now = await queue.readAgain(item.id);
  if (now.state !== "open") notice(say("It is decided by now: {state}.", { state: named("states", now.state) }), { key: item.id });
}

const has = () => Boolean(queue.current) && !boxes;
const ACTS = { accept, reject, class: correctClass, box: correctBox, merge, next, undo, original: showOriginal };
const showHelp = watchKeys([
  { keys: ["a"], does: say("accept: it is an issue"), run: accept, when: has },
  { keys: ["r"], does: say("reject, then a digit for the reason"), run: () => void reject(), when: has },
  { keys: ["c"], does: say("correct the class"), run: () => void correctClass(), when: has },
  { keys: ["b"], does: say("correct the box"), run: () => void correctBox(), when: has },
  { keys: ["m"], does: say("merge with another lead"), run: () => void merge(), when: has },
  { keys: ["n", " "], does: say("next: leave it to others"), run: next, when: has },
  { keys: ["z", "u"], does: say("undo the latest step"), run: () => void undo(), when: () => !boxes },
  { keys: ["ArrowRight", "ArrowLeft"], does: say("other photos of it"), run: (event) => shown.turn(event.key === "ArrowRight" ? 1 : -1), when: has, repeats: true },
  ...(document.querySelector("[data-do=original]") ? [{ keys: ["o"], does: say("original photo, and back"), run: () => void showOriginal(), when: has }] : []),
  { keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], does: say("box: move it"), run: (event) => nudge(...STEPS[event.key], false), when: canDraw, repeats: true },
  { keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"], does: say("box: make it larger or smaller"), run: (event) => nudge(...STEPS[event.key], true), when: canDraw, repeats: true },
  { keys: ["Enter"], does: say("box: save it"), run: () => void saveBox(), when: canDraw },
  { keys: ["Escape"], does: say("box: leave it as it was"), run: closeBox, when: () => Boolean(boxes) },
]);
const STEPS = { ArrowLeft: [-NUDGE, 0], ArrowRight: [NUDGE, 0], ArrowUp: [0, -NUDGE], ArrowDown: [0, NUDGE] };

document.getElementById("actions").addEventListener("click", (event) => {
  const wanted = event.target.closest("button")?.dataset.do;
  if (wanted === "help") showHelp();
  else if (wanted) void ACTS[wanted]();
});
document.getElementById("box-bar").addEventListener("click", (event) => {
  const wanted = event.target.closest("button")?.dataset.box;
  if (wanted === "save") void saveBox();
  else if (wanted === "draw") boxes.editor.draw(true);
  else if (wanted === "cancel") closeBox();
});
document.getElementById("passed").addEventListener("click", () => void queue.startOver());
document.getElementById("look").addEventListener("click", () => void queue.fill());
document.getElementById("filters").addEventListener("change", (event) => event.currentTarget.requestSubmit());
if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".filtering").open = false;

void queue.fill();
