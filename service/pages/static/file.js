// File by hand: any code, with or without photos. What photos say (place, what is on them) is proposed, never insisted on.
import { make } from "./elements.js";
import { addToIssue, fileIssue, IssueForm } from "./issue_form.js";
import { notice } from "./notice.js";
import { PhotoQueue } from "./photo_queue.js";
import { whereIAm } from "./here.js";
import { takeFiles } from "./taking.js";
import { classNamed } from "./taxonomy.js";
import { say } from "./words.js";

const main = document.querySelector("main"), list = document.getElementById("photos"), filed = document.getElementById("filed");
const form = new IssueForm(document.getElementById("issue-form"), { onSubmit: (draft) => void file(draft), onJoin: (id, draft) => void file(draft, id) });
const queue = new PhotoQueue(Number(main.dataset.most));

queue.addEventListener("change", show);
takeFiles(queue, main, {
  afterCamera: () => whereIAm().then((place) => form.suggest({ place }), () => {}), // the map is there as well
});
void form.fill({});

function show() {
  list.replaceChildren(...queue.photos.map((photo) => make("li", {},
    photo.thumb ? make("img", { src: photo.thumb, alt: photo.name }) : make("span", { className: "no-thumb" }),
    make("span", { className: photo.state === "bad" ? "field-problem" : "hint" }, saidOf(photo)),
    make("button", { type: "button", onclick: () => queue.remove(photo) }, say("Take it out")))));
  for (const photo of queue.photos.filter(({ state, heard }) => state === "ready" && !heard)) {
    photo.heard = true;
    form.suggest({ place: photo.position, code: likeliest(photo)?.codes[0] ?? null });
  }
}

function saidOf(photo) {
  if (photo.state === "waiting") return say("waiting");
  if (photo.state === "looking") return say("being looked at");
  if (photo.state === "bad") return `${say("cannot be used")}: ${photo.problem}`;
  const what = likeliest(photo);
  return what ? say("found: {what}", { what: what.label }) : say("nothing found");
}

/** The class of the surest box that can be an issue by itself. */
function likeliest({ boxes }) {
  const [best] = boxes.filter((box) => classNamed(box.class).condition).sort((one, other) => other.score - one.score);
  return best ? classNamed(best.class) : null;
}

/** File it, or add it to the issue `joins`. */
async function file(draft, joins = null) {
  const taken = [...queue.photos], photos = taken.filter(({ state }) => state !== "bad");
  try {
    for (const [index, photo] of photos.entries()) {
      form.busy(say("Uploading photo {number} of {all}…", { number: index + 1, all: photos.length }));
      await queue.upload(photo);
    }
    form.busy(say("Filing…"));
    const { issue, warnings } = await (joins ? addToIssue(queue, joins, { ...draft, photos }) : fileIssue(queue, { ...draft, photos }));
    done(issue, warnings, joins !== null);
    await beginAnew(taken);
  } catch (error) {
    form.problem(error.message);
  } finally {
    form.busy(null);
  }
}

function done(issue, warnings, joined) {
  notice(joined ? say("It is added to {number}.", { number: issue.number }) : say("It is filed as {number}.", { number: issue.number }), { action: { text: say("Open it"), run: () => location.assign(`/issues/${issue.id}`) }, key: "filed" });
  for (const warning of warnings) notice(warning, { bad: true });
  filed.hidden = false;
  filed.querySelector("ul").prepend(make("li", {}, make("a", { href: `/issues/${issue.id}` }, issue.number), ` ${issue.code?.name ?? ""}`));
}

/** The form for the next issue; photos that came while the last one was being sent are of it. */
async function beginAnew(taken) {
  for (const photo of taken) queue.remove(photo);
  await form.fill({});
  for (const photo of queue.photos) photo.heard = false;
  show();
}
