// Photos of a lead: whole, or close to the box, with the box drawn. Boxes are [x1, y1, x2, y2] in pixels of the upright
// original, and so are sizes; what a server sends is redacted unless an original is asked for.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const AT_ONCE = 3; // pictures: browsers open six connections, and decisions must not wait behind pictures
const AROUND = 0.6, LEAST_PX = 240; // of a close-up: margin by the box's longer side; its least side

/** All photos that show a lead, the best one first: {frame, box, size, at, score}; box and size may be null. */
export function shotsOf(item) {
  const named = [item.evidence.close_up, item.evidence.panorama, ...(item.evidence.pair ?? [])].filter((each) => each?.frame);
  const seen = item.traced.map(({ best }) => ({ frame: best.frame_id, box_xyxy_px: best.box_xyxy_px, size_wh: best.size_wh, score: best.score }));
  const size = item.result?.width ? [item.result.width, item.result.height] : null;
  const best = { frame: item.best_frame_id, box_xyxy_px: item.best_box, size_wh: size };
  const reported = item.reports.flatMap(({ frame_ids }) => frame_ids.map((frame) => ({ frame })));
  const shots = new Map();
  for (const { frame, box_xyxy_px, size_wh, score } of [best, ...named, ...seen, ...reported]) {
    if (!frame) continue;
    const known = shots.get(frame);
    if (known) { known.size ??= size_wh ?? null; known.score ??= score ?? null; known.box ??= box_xyxy_px ?? null; continue; }
    shots.set(frame, { frame, box: box_xyxy_px ?? null, size: size_wh ?? null, score: score ?? null, at: item.frames_shown[frame]?.taken_at ?? null });
  }
  return [...shots.values()];
}

/** What shows where it is: the panorama of the evidence, or the whole of the best photo. */
export function panoramaOf(item, shots) {
  const wanted = item.evidence.panorama?.frame;
  return shots.find(({ frame }) => frame === wanted) ?? shots[0] ?? null;
}

/** Where a frame's photo is. `original`: unredacted, for `reason`; each look is written down. */
export function photoUrl(frame, { size = "1600", box = null, original = false, reason = "" } = {}) {
  if (original) return `/v1/frames/${frame}/original${reason ? `?reason=${encodeURIComponent(reason)}` : ""}`;
  return `/v1/frames/${frame}/photo?size=${size}${box ? `&box=${box.join(",")}` : ""}`;
}

/** The whole photo, with its box. */
export function whole(shot, alt, options = {}) {
  return framed(photoUrl(shot.frame, options), shot.size ? [0, 0, ...shot.size] : null, shot.box, alt);
}

/** The photo around its box; null where no box is known. */
export function closeUp(shot, alt) {
  const area = shot.box && shot.size ? around(shot.box, shot.size) : null;
  return area && framed(photoUrl(shot.frame, { box: area }), area, shot.box, alt);
}

/** What is in the box, for lists, where the photo's size is not known. */
export function cutOut(frame, box) {
  const area = around(box, [Infinity, Infinity]);
  return framed(photoUrl(frame, { size: "320", box: area }), area, null, "", true);
}

/** A small picture of it. */
export function thumbnail(shot, alt) {
  return framed(photoUrl(shot.frame, { size: "320" }), shot.size ? [0, 0, ...shot.size] : null, shot.box, alt, true);
}

const queue = [];
let loading = 0;

/** Fetch a picture when it is its turn: what is shown comes before what will be, large ones before small ones. */
function load(image, url, small) {
  queue.push({ image, url, small });
  queueMicrotask(next);
}

function next() {
  while (loading < AT_ONCE && queue.length) {
    const urgency = ({ image, small }) => (image.isConnected ? 2 : 0) + (small ? 0 : 1);
    const first = queue.reduce((one, other) => (urgency(other) > urgency(one) ? other : one));
    if (first.small && !first.image.isConnected) return; // small ones are fetched once they are shown
    queue.splice(queue.indexOf(first), 1);
    loading += 1;
    first.image.src = first.url;
    first.image.decode().catch(() => {}).finally(() => { first.image.dataset.loaded = "yes"; loading -= 1; next(); });
  }
}

/** What has come into the page is fetched now. */
export const shownNow = () => next();

/** What has left the page for good is fetched no more. */
export function forget(element) {
  for (let index = queue.length - 1; index >= 0; index -= 1) if (element.contains(queue[index].image)) queue.splice(index, 1);
}

function framed(url, area, box, alt, small = false) {
  const image = make("img", { alt, draggable: false });
  const frame = make("div", { className: "framed" }, image);
  if (area) {
    frame.style.setProperty("--ratio", String((area[2] - area[0]) / (area[3] - area[1])));
    if (box) frame.append(drawnBox(area, box));
  }
  image.addEventListener("error", () => void explain(frame, image, url, small), { once: true });
  load(image, url, small);
  return frame;
}

function drawnBox([left, top, right, bottom], [x1, y1, x2, y2]) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const name of ["under", "over"]) {
    const drawn = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ class: name, x: x1, y: y1, width: x2 - x1, height: y2 - y1 })) drawn.setAttribute(key, value);
    svg.append(drawn);
  }
  return svg;
}

function around([x1, y1, x2, y2], [width, height]) {
  const side = Math.max(x2 - x1, y2 - y1), pad = Math.max(side * AROUND, (LEAST_PX - side) / 2);
  return [Math.max(0, Math.floor(x1 - pad)), Math.max(0, Math.floor(y1 - pad)), Math.min(width, Math.ceil(x2 + pad)), Math.min(height, Math.ceil(y2 + pad))];
}

/** Why there is no picture, in words, in its place; a session that had ended meanwhile is begun anew by `call`. */
async function explain(frame, image, url, small) {
  try {
    await call("GET", url, { patient: true, behind: true });
    image.src = url;
  } catch (error) {
    if (error instanceof Problem) frame.replaceChildren(...(small ? [] : [make("p", { className: "no-picture" }, error.message)]));
  }
}
