// Tag photos: they are looked at as they come; boxes are confirmed, corrected and filed by key, pointer or touch.
// All of it is in this page's memory until it is filed; the queue waits out restarts and ended sessions.
import { newKey, Problem } from "./api.js";
import { BoxEditor } from "./box_editor.js";
import { chooseClass } from "./class_choice.js";
import { linesOf } from "./code_picker.js";
import { make } from "./elements.js";
import { confirmed } from "./forms.js";
import { whereIAm } from "./here.js";
import { addToIssue, fileIssue, IssueForm, similarTo } from "./issue_form.js";
import { watchKeys } from "./keys.js";
import { notice } from "./notice.js";
import { PhotoQueue } from "./photo_queue.js";
import { PlacePicker, placeSaid } from "./place.js";
import { takeFiles } from "./taking.js";
import { classes, classNamed } from "./taxonomy.js";
import { say } from "./words.js";

const at = (id) => document.getElementById(id);
const main = document.querySelector("main");
const queue = new PhotoQueue(Number(main.dataset.most));
const editor = new BoxEditor(at("picture"), {
  onSelect: (id) => { chosen = id; showBoxes(); },
  onChange: (id, box) => { const found = boxNamed(id); if (found) { found.box_xyxy_px = box; found.moved = true; } },
  onDraw: (box) => void addBox(box),
});
let current = null, chosen = null, mode = "", lastClass = null, filing = Promise.resolve();

// --- what there is -------------------------------------------------------------------------------------------

const isOpen = (box) => box.state === "found" || box.state === "confirmed";
const counts = (box) => classNamed(box.class).condition !== null || box.state !== "found";
/** Boxes that one walks through: what may be an issue, and the rest where that is wanted. */
const walked = (photo) => photo.boxes.filter((box) => counts(box) || at("context").checked);
const boxNamed = (id) => current?.boxes.find((box) => box.id === id);
const toFile = () => queue.photos.flatMap((photo) => photo.boxes.filter(({ state }) => state === "confirmed").map((box) => ({ photo, box })));
const percent = (score) => (score === null ? "" : ` ${Math.round(score * 100)}%`);

for (const scheme of new Set(classes().flatMap(({ codes }) => codes.slice(0, 1).map((code) => code.scheme)))) linesOf(scheme).catch(() => {}); // asked for again when needed

// --- photos --------------------------------------------------------------------------------------------------

takeFiles(queue, main, {
  afterCamera(photos) {
    // Cameras of phones give no position to pages; where the phone is now is where the photo was just taken.
    whereIAm().then((place) => { for (const photo of photos) { photo.position ??= place; queue.changed(photo); } }, (error) => notice(error.message, { bad: true, key: "place" }));
  },
  afterAdding(photos) { if (!current && photos.length) open(photos[0]); },
});

queue.addEventListener("change", ({ detail: photo }) => {
  if (photo) entry(photo).replaceChildren(...entryContent(photo)); else showStrip();
  showProgress();
  if (photo && photo === current) void showPhoto();
});

const entries = new Map();

function entry(photo) {
  if (!entries.has(photo)) entries.set(photo, make("button", { type: "button", onclick: () => open(photo) }));
  return entries.get(photo);
}

function showStrip() {
  at("drop").hidden = queue.photos.length > 0;
  at("bench").hidden = queue.photos.length === 0;
  at("strip").replaceChildren(...queue.photos.map((photo) => { entry(photo).replaceChildren(...entryContent(photo)); return make("li", {}, entry(photo)); }));
  if (current && !queue.photos.includes(current)) { current = null; if (queue.photos.length) open(queue.photos[0]); else editor.clear(); }
}

function entryContent(photo) {
  const [text, kind] = stateOf(photo);
  const picture = photo.thumb ? make("img", { src: photo.thumb, alt: "" }) : make("span", { className: "no-thumb" });
  return [picture, make("span", { className: "entry-name" }, photo.name), make("span", { className: `badge ${kind}` }, text),
    ...(photo.state === "looking" ? [make("progress", { "aria-label": say("being looked at") })] : [])];
}

function stateOf(photo) {
  if (photo.state === "waiting") return [say("waiting"), ""];
  if (photo.state === "looking") return [say("being looked at"), ""];
  if (photo.state === "bad") return [say("cannot be used"), "bad"];
  const boxes = photo.boxes.filter(counts), number = (state) => boxes.filter((box) => box.state === state).length;
  if (number("found")) return [say("{count} to decide", { count: number("found") }), "warn"];
  if (number("confirmed") + number("filing")) return [say("{count} confirmed", { count: number("confirmed") + number("filing") }), ""];
  return number("filed") ? [say("{count} filed", { count: number("filed") }), "good"] : [say("nothing found"), ""];
}

function showProgress() {
  const { done, all } = queue.progress, bar = at("progress").querySelector("progress");
  at("progress").hidden = all === 0;
  const text = done === all ? say("all photos looked at") : say("{done} of {all} photos looked at", { done, all });
  if (at("progress").firstElementChild.textContent !== text) at("progress").firstElementChild.textContent = text;
  Object.assign(bar, { max: all || 1, value: done, hidden: done === all });
  const ready = toFile().length;
  at("file-all").hidden = ready === 0;
  at("file-all").textContent = say("File {count} confirmed", { count: ready });
}

function open(photo) {
  if (mode) setMode("");
  if (current) entry(current).removeAttribute("aria-current");
  current = photo;
  shown = null;
  const boxes = walked(photo);
  chosen = (boxes.find(({ state }) => state === "found") ?? boxes[0])?.id ?? null;
  entry(photo).setAttribute("aria-current", "true");
  entry(photo).scrollIntoView({ block: "nearest", inline: "nearest" });
  void showPhoto();
}

// --- one photo -----------------------------------------------------------------------------------------------

let shown = null;

async function showPhoto() {
  const photo = current, number = queue.photos.indexOf(photo) + 1;
  at("photo-name").textContent = photo.name;
  at("photo-place").textContent = placeSaid(photo.position);
  at("photo-place").className = `badge ${photo.position ? "" : "warn"}`;
  chosen ??= walked(photo)[0]?.id ?? null;
  showProblem(photo);
  showBoxes();
  if (!photo.preview || !photo.size || shown === photo.id) return;
  shown = photo.id;
  await editor.show(photo.preview, photo.size, say("Photo {number} of {all}: {name}", { number, all: queue.photos.length, name: photo.name }));
  if (photo !== current) return;
  editor.draw(mode === "draw");
  showBoxes();
}

function showProblem(photo) {
  const shownProblem = at("photo-problem");
  shownProblem.hidden = photo.state !== "bad";
  if (photo.state === "bad") shownProblem.replaceChildren(photo.problem, make("div", { className: "row" },
    make("button", { type: "button", onclick: () => queue.again(photo) }, say("Try again")),
    make("button", { type: "button", onclick: () => queue.remove(photo) }, say("Take it out"))));
  if (photo.preview && photo.size) return;
  editor.clear();
  shown = null;
  const waiting = photo.state === "waiting" || photo.state === "looking" || !photo.previewed;
  if (photo.preview) at("picture").replaceChildren(make("img", { src: photo.preview, alt: photo.name, className: waiting ? "looking" : "" }));
  else if (photo.previewed && photo.state === "ready") at("picture").replaceChildren(make("p", { className: "hint" }, say("This browser cannot show the photo; what was found is listed beside it.")));
}

function paint() {
  editor.paint(walked(current).filter(({ state }) => state !== "rejected" || chosen).map((box) => {
    const { label, colour } = classNamed(box.class);
    return { id: box.id, box_xyxy_px: box.box_xyxy_px, colour, text: `${label}${percent(box.score)}`, faded: box.state === "rejected" };
  }), chosen);
}

const STATES = {
  found: () => [say("to be decided"), "warn"], confirmed: () => [say("confirmed"), "good"], rejected: () => [say("not an issue"), ""],
  filing: () => [say("is being filed"), ""], filed: () => [say("filed"), "good"],
};

function showBoxes() {
  const boxes = walked(current);
  if (chosen && !boxes.some(({ id }) => id === chosen)) chosen = boxes[0]?.id ?? null;
  at("boxes").replaceChildren(...boxes.map(boxEntry));
  at("nothing").hidden = boxes.length > 0 || current.state !== "ready";
  at("nothing").textContent = say("Nothing that could be an issue was found here. Draw a box (n) around what you see.");
  showContext();
  for (const button of at("acts").querySelectorAll("[data-act]")) button.disabled = !canAct(button.dataset.act);
  at("acts").querySelector("[data-act=confirm]").firstChild.textContent = `${boxNamed(chosen)?.state === "confirmed" ? say("Take back") : say("Confirm")} `;
  if (editor.ready) paint();
  entry(current).replaceChildren(...entryContent(current));
  showProgress();
}

function boxEntry(box) {
  const { label, colour } = classNamed(box.class), [text, kind] = STATES[box.state](), dot = make("span", { className: "dot" });
  dot.style.background = colour;
  const button = make("button", {
    type: "button", className: `box ${box.state}`, "aria-pressed": String(box.id === chosen),
    onclick: () => { chosen = box.id; showBoxes(); },
  }, dot, make("span", { className: "box-what" }, label), " ", make("span", { className: "hint" }, box.score === null ? say("drawn by hand") : percent(box.score).trim()), " ", make("span", { className: `badge ${kind}` }, text));
  const item = make("li", {}, button);
  if (box.issue) item.append(make("a", { className: "box-issue", href: `/issues/${box.issue.id}`, target: "_blank", rel: "noopener" }, box.issue.number));
  if (box.problem) item.append(make("p", { className: "field-problem", role: "alert" }, say("It was not filed: {reason}", { reason: box.problem })));
  return item;
}

function showContext() {
  const beside = current.boxes.filter((box) => !counts(box)), tally = new Map();
  for (const box of beside) tally.set(box.class, (tally.get(box.class) ?? 0) + 1);
  at("context-line").hidden = beside.length === 0;
  at("context-line").lastElementChild.textContent = say("Also seen: {seen}", { seen: [...tally].map(([name, count]) => `${classNamed(name).label} ${count}`).join(" · ") });
}

at("context").addEventListener("change", () => showBoxes());

// --- acts ----------------------------------------------------------------------------------------------------

function canAct(act) {
  const box = boxNamed(chosen);
  if (act === "draw") return editor.ready;
  return Boolean(box) && isOpenOrRejected(box);
}

const isOpenOrRejected = (box) => isOpen(box) || box.state === "rejected";

const ACTS = {
  confirm() {
    const box = boxNamed(chosen);
    if (box.state === "confirmed") { box.state = "found"; showBoxes(); return; }
    if (confirm(box)) step(1, true);
  },
  reject() {
    const box = boxNamed(chosen);
    if (box.drawn) { current.boxes = current.boxes.filter((each) => each !== box); step(0); return; }
    box.state = box.state === "rejected" ? "found" : "rejected";
    if (box.state === "rejected") step(1, true); else showBoxes();
  },
  async classify() {
    const box = boxNamed(chosen), name = await chooseClass(box.class);
    if (!name) return;
    box.class = lastClass = name;
    box.state = classNamed(name).leads.length ? "confirmed" : "rejected";
    showBoxes();
  },
  draw() { setMode(mode === "draw" ? "" : "draw"); },
  move() { setMode("move"); },
  file() { openForm(current, boxNamed(chosen)); },
  all() {
    for (const box of current.boxes.filter((each) => each.state === "found" && counts(each))) box.state = "confirmed";
    showBoxes();
    go(1);
  },
};

function act(name) {
  if (!current) return;
  if (name === "all" || canAct(name === "move" ? "classify" : name)) void ACTS[name]();
}

function confirm(box) {
  if (!classNamed(box.class).leads.length) { notice(say("This is no issue by itself. Correct what it is (c), or draw another box."), { key: "act" }); return false; }
  box.state = "confirmed";
  delete box.problem;
  return true;
}

/** On to another box; at the end of a photo, to the next one. `undecided`: to one that nobody has decided, if there is one. */
function step(by, undecided = false) {
  const boxes = walked(current), index = boxes.findIndex(({ id }) => id === chosen);
  const ahead = undecided ? boxes.findIndex((box, place) => place > index && box.state === "found") : index + by;
  const next = undecided && ahead < 0 ? boxes.find(({ state }) => state === "found") : boxes[Math.max(ahead, 0)];
  if (next && (undecided || ahead >= 0)) { chosen = next.id; showBoxes(); return; }
  showBoxes();
  if (by) go(by);
}

/** To another photo. */
function go(by) {
  const next = queue.photos[queue.photos.indexOf(current) + by];
  if (next) open(next);
}

async function addBox(box_xyxy_px) {
  setMode("");
  const name = (await chooseClass(lastClass)) ?? null;
  if (!name) { paint(); return; }
  lastClass = name;
  const box = { id: newKey(), class: name, condition: classNamed(name).condition, score: null, box_xyxy_px, state: classNamed(name).leads.length ? "confirmed" : "rejected", drawn: true };
  current.boxes.push(box);
  chosen = box.id;
  showBoxes();
}

// --- drawing and moving by keyboard --------------------------------------------------------------------------

function setMode(wanted) {
  mode = wanted;
  editor.draw(mode === "draw");
  at("mode").hidden = !mode;
  at("mode").textContent = mode === "draw" ? say("Drag a box on the photo. Enter puts one in the middle, to be moved with the arrow keys; Esc stops.")
    : mode === "move" ? say("Arrows move the box, Shift and arrows resize it; Enter or Esc when it is right.") : "";
  at("acts").querySelector("[data-act=draw]").setAttribute("aria-pressed", String(mode === "draw"));
}

async function drawInTheMiddle() {
  const before = current.boxes.length;
  await addBox(editor.middle());
  if (current.boxes.length > before) setMode("move");
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function nudge(event) {
  const [x, y] = MOVES[event.key].map((way) => way * 0.01), box = boxNamed(chosen);
  box.box_xyxy_px = editor.nudged(box.box_xyxy_px, event.shiftKey ? [0, 0, x, y] : [x, y, 0, 0]);
  box.moved = true;
  paint();
}

// --- position ------------------------------------------------------------------------------------------------

let place = null;

function changePlace() {
  const others = queue.photos.filter((photo) => photo !== current && !photo.position && photo.state !== "bad").length;
  at("place-others").checked = false;
  at("place-others-line").hidden = others === 0;
  at("place-others-line").lastElementChild.textContent = say("Place this photo and {count} others that have none", { count: others });
  at("place-dialog").showModal();
  place ??= new PlacePicker(at("place-dialog").querySelector(".place"), { onChange() {} });
  place.set(current.position, fromFile(current));
}

const fromFile = (photo) => photo.result?.file_metadata.position ?? null;

at("change-place").addEventListener("click", changePlace);
at("place-dialog").addEventListener("close", () => {
  if (at("place-dialog").returnValue !== "yes") return;
  const placed = at("place-others").checked ? queue.photos.filter((photo) => photo === current || !photo.position) : [current];
  for (const photo of placed) { photo.position = place.value; queue.changed(photo); }
});

// --- filing --------------------------------------------------------------------------------------------------

let form = null, beingFiled = null;

function openForm(photo, box) {
  if (!classNamed(box.class).leads.length) { notice(say("This is no issue by itself. Correct what it is (c), or draw another box."), { key: "act" }); return; }
  beingFiled = { photo, box };
  at("issue-dialog").showModal();
  crop(photo, box);
  form ??= new IssueForm(at("issue-form"), {
    onSubmit(draft) { at("issue-dialog").close(); void file({ ...draft, photos: [beingFiled.photo], tagged: beingFiled }); },
    onJoin(id, draft) { at("issue-dialog").close(); void file({ ...draft, photos: [beingFiled.photo], tagged: beingFiled, joins: id }); },
  });
  void form.fill({ ...box.draft, code: box.draft?.code ?? classNamed(box.class).codes[0] ?? null, place: box.draft?.place ?? photo.position, photoPlace: fromFile(photo) })
    .then(() => { if (form.draft().code) at("issue-form").querySelector("button.main").focus(); });
  form.problem(box.problem ?? "");
}

at("issue-cancel").addEventListener("click", () => at("issue-dialog").close());
at("issue-dialog").addEventListener("close", () => { if (isOpenOrRejected(beingFiled.box)) beingFiled.box.draft = form.draft(); });

/** File one, or add it to an issue (`joins`); one after the other, in the background. Gives whether that was done. */
function file(draft, told = true) {
  const { photo, box } = draft.tagged;
  Object.assign(box, { state: "filing", problem: "", draft });
  queue.changed(photo);
  if (photo === current && box.id === chosen) step(1, true);
  const done = filing.then(() => (draft.joins ? addToIssue(queue, draft.joins, draft) : fileIssue(queue, draft))).then(({ issue }) => {
    Object.assign(box, { state: "filed", issue: { id: issue.id, number: issue.number } });
    if (told) notice((draft.joins ? say("{what} is added to {number}.", { what: classNamed(box.class).label, number: issue.number }) : say("{what} is filed as {number}.", { what: classNamed(box.class).label, number: issue.number })), { key: "filed" });
    return true;
  }, (error) => {
    Object.assign(box, { state: "confirmed", problem: error.message });
    notice(say("It was not filed: {reason}", { reason: error.message }), { bad: true, key: "not-filed" });
    return false;
  }).finally(() => queue.changed(photo));
  filing = done;
  return done;
}

at("file-all").addEventListener("click", () => void fileAll());

async function fileAll() {
  const all = toFile();
  if (!(await confirmed(say("File {count} issues? Photos are uploaded with them.", { count: all.length })))) return;
  const ended = { filed: 0, left: 0, place: 0, code: 0, similar: 0, failed: 0 };
  for (const { photo, box } of all) ended[await fileUnlessHeld(photo, box)] += 1;
  const said = [say("{count} issues are filed.", { count: ended.filed }),
    ...(ended.failed ? [say("{count} were not filed: try again.", { count: ended.failed })] : []),
    ...(ended.similar ? [say("{count} wait: something similar is open nearby. File these one by one (f).", { count: ended.similar })] : []),
    ...(ended.place ? [say("{count} wait: their photo has no position.", { count: ended.place })] : []),
    ...(ended.code ? [say("{count} wait: choose their code (f).", { count: ended.code })] : [])];
  notice(said.join(" "), { bad: said.length > 1, key: "filed" });
}

/** File a box. Gives what came of it: filed, failed, left (decided otherwise meanwhile), or what it waits for. */
async function fileUnlessHeld(photo, box) {
  const left = () => box.state !== "confirmed" || !photo.boxes.includes(box);
  if (left()) return "left";
  const draft = { description: null, unit: null, words: null, ...box.draft, photos: [photo], tagged: { photo, box }, joins: null };
  draft.place = box.draft?.place ?? photo.position;
  try {
    draft.code = box.draft?.code ?? (await codeOf(box));
    if (!draft.place || !draft.code) return draft.place ? "code" : "place";
    if ((await similarTo(draft.place, draft.code)).some(({ same_code }) => same_code)) return "similar";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return "failed";
  }
  if (left()) return "left";
  return (await file(draft, false)) ? "filed" : "failed";
}

async function codeOf(box) {
  const [wanted] = classNamed(box.class).codes;
  return wanted ? (await linesOf(wanted.scheme)).find(({ code, kind }) => code === wanted.code && kind === wanted.kind) ?? null : null;
}

function crop(photo, box) {
  const canvas = at("crop");
  canvas.hidden = !photo.preview;
  if (!photo.preview) return;
  const picture = new Image();
  picture.onload = () => {
    const scale = picture.naturalWidth / photo.size[0], [x1, y1, x2, y2] = box.box_xyxy_px.map((side) => side * scale);
    const margin = Math.max(x2 - x1, y2 - y1) * 0.4, left = Math.max(0, x1 - margin), top = Math.max(0, y1 - margin);
    const width = Math.min(picture.naturalWidth, x2 + margin) - left, height = Math.min(picture.naturalHeight, y2 + margin) - top;
    Object.assign(canvas, { width: 480, height: Math.max(1, Math.round((480 * height) / width)) });
    const context = canvas.getContext("2d"), enlarged = 480 / width;
    context.drawImage(picture, left, top, width, height, 0, 0, canvas.width, canvas.height);
    Object.assign(context, { strokeStyle: classNamed(box.class).colour, lineWidth: 3 });
    context.strokeRect((x1 - left) * enlarged, (y1 - top) * enlarged, (x2 - x1) * enlarged, (y2 - y1) * enlarged);
  };
  picture.src = photo.preview;
}

// --- keys, buttons, leaving ----------------------------------------------------------------------------------

for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => act(button.dataset.act));

const free = () => current !== null && mode === "", moving = () => mode === "move", drawing = () => mode === "draw";
at("show-keys").addEventListener("click", watchKeys([
  { keys: Object.keys(MOVES).flatMap((key) => [key, `Shift+${key}`]), when: moving, run: nudge, repeats: true },
  { keys: ["Enter", "Escape"], when: moving, run: () => setMode("") },
  { keys: ["Enter"], when: drawing, run: () => void drawInTheMiddle() },
  { keys: ["Escape", "n"], when: drawing, run: () => setMode("") },
  { keys: ["j", "ArrowDown"], when: free, repeats: true, run: () => step(1), does: say("next, previous box, and on to the next photo"), more: ["k", "ArrowUp"] },
  { keys: ["k", "ArrowUp"], when: free, repeats: true, run: () => step(-1) },
  { keys: ["ArrowRight"], when: free, repeats: true, run: () => go(1), does: say("next, previous photo"), more: ["ArrowLeft"] },
  { keys: ["ArrowLeft"], when: free, repeats: true, run: () => go(-1) },
  { keys: ["Enter"], when: free, run: () => act("confirm"), does: say("confirm the box") },
  { keys: ["d", "Delete"], when: free, run: () => act("reject"), does: say("not an issue (again: take that back)") },
  { keys: ["c"], when: free, run: () => act("classify"), does: say("correct what it is") },
  { keys: ["n"], when: free, run: () => act("draw"), does: say("draw a new box") },
  { keys: ["e"], when: free, run: () => act("move"), does: say("move and resize the box") },
  { keys: ["a"], when: free, run: () => act("all"), does: say("confirm all of the photo, and go on") },
  { keys: ["p"], when: free, run: changePlace, does: say("position of the photo") },
  { keys: ["f"], when: free, run: () => act("file"), does: say("file it as an issue") },
  { keys: ["F"], when: () => free() && toFile().length > 0, run: () => void fileAll(), does: say("file all that is confirmed") },
]));

addEventListener("beforeunload", (event) => {
  if (queue.photos.some(({ boxes }) => boxes.some(({ state }) => state === "confirmed" || state === "filing"))) event.preventDefault();
});
