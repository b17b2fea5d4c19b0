// Boxes on a photo, to be looked at, moved and drawn: Annotorious on a picture that may be smaller than the photo.
// Boxes are [x1, y1, x2, y2] in pixels of the upright original, as everywhere. Annotorious' own styles are style
// attributes, which the policy forbids; colours go through a sheet of rules instead.
import { make } from "./elements.js";
import { createImageAnnotator } from "./vendor/annotorious.js";

const LEAST_SIDE_PX = 4;
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/**
 * A photo with boxes in `host`.
 *
 * Calls: onSelect(id | null) a person chose a box; onChange(id, box) moved or resized one; onDraw(box) drew one.
 * A box to show: {id, box_xyxy_px, colour, text, faded?: boolean}.
 */
export class BoxEditor {
  #host; #calls; #annotator = null; #labels = null; #scale = [1, 1]; #size = [1, 1]; #boxes = []; #selected = null; #quiet = false; #turn = 0;

  constructor(host, calls) {
    this.#host = host;
    this.#calls = calls;
  }

  /**
   * Show another photo.
   *
   * @param {string} url of the picture
   * @param {[number, number]} size width and height of the upright original
   * @param {string} alt what it shows, in words
   */
  async show(url, size, alt) {
    this.#drop(); // its picture stays until the next one is there
    const turn = this.#turn, image = new Image();
    Object.assign(image, { src: url, alt, draggable: false });
    await image.decode();
    if (turn !== this.#turn) return;
    this.#size = size;
    this.#scale = [image.naturalWidth / size[0], image.naturalHeight / size[1]];
    this.#host.replaceChildren(image);
    this.#annotator = createImageAnnotator(image, { drawingEnabled: false, drawingMode: "drag", userSelectAction: "EDIT", theme: "light" });
    this.#annotator.element.classList.add("boxes");
    this.#labels = make("div", { className: "box-labels", "aria-hidden": "true" });
    this.#annotator.element.append(this.#labels);
    const layer = this.#annotator.element.querySelector("svg");
    layer.setAttribute("aria-label", alt);
    layer.removeAttribute("tabindex");
    // Annotorious' handles are buttons without a name that no key moves; the list of boxes is the way by keyboard.
    new MutationObserver(() => { for (const handle of layer.querySelectorAll("[role=button]")) { handle.removeAttribute("role"); handle.removeAttribute("tabindex"); } })
      .observe(layer, { childList: true, subtree: true });
    this.#annotator.state.store.observe((event) => this.#observed(event.changes));
    // Its event selectionChanged comes later, when keys may have chosen another box; this is told at once.
    this.#annotator.state.selection.subscribe(({ selected: [first] }) => this.#chose(first?.id ?? null));
  }

  /** Take the photo away. */
  clear() {
    this.#drop();
    this.#host.replaceChildren();
  }

  /** Whether the photo is there, and its boxes can be painted. */
  get ready() { return this.#annotator !== null; }

  /** Show exactly these boxes, this one chosen. */
  paint(boxes, selected = null) {
    if (!this.#annotator) return;
    this.#boxes = boxes;
    this.#selected = selected;
    const chosen = boxes.find(({ id }) => id === selected);
    this.#annotator.element.style.setProperty("--chosen", chosen?.colour ?? "#fff");
    sheet.replaceSync(boxes.map(({ id, colour, faded }) =>
      `.boxes .a9s-annotationlayer .a9s-annotation[data-id="${id}"] .a9s-inner { stroke: ${colour}; ${faded ? "stroke-dasharray: 4 4; opacity: .6;" : ""} }`).join("\n"));
    this.#silently(() => {
      this.#annotator.setAnnotations(boxes.map((box) => this.#annotation(box.id, box.box_xyxy_px)), true);
      if (chosen) this.#annotator.setSelected(selected, true);
      else this.#annotator.cancelSelected();
    });
    this.#label();
  }

  /** Let the next drag draw a box, or not. */
  draw(on) {
    if (on) this.#silently(() => this.#annotator?.cancelSelected()); // while a box is being edited, none is drawn
    this.#annotator?.setDrawingEnabled(on);
    this.#annotator?.element.classList.toggle("drawing", on);
  }

  /** A box of a sensible size in the middle, for who draws by keyboard. */
  middle() {
    const [width, height] = this.#size;
    return [width * 0.4, height * 0.4, width * 0.6, height * 0.6];
  }

  /** A box moved (by its first two) or resized (by its last two), kept on the photo. Fractions of the photo's longer side. */
  nudged([x1, y1, x2, y2], [dx, dy, dw, dh]) {
    const step = Math.max(...this.#size), [width, height] = this.#size;
    const w = clip(x2 - x1 + dw * step, LEAST_SIDE_PX, width), h = clip(y2 - y1 + dh * step, LEAST_SIDE_PX, height);
    const x = clip(x1 + dx * step, 0, width - w), y = clip(y1 + dy * step, 0, height - h);
    return [x, y, x + w, y + h];
  }

  #drop() {
    this.#turn += 1;
    this.#annotator?.destroy();
    this.#annotator = null;
    this.#boxes = [];
    this.#selected = null;
  }

  #observed({ created = [], updated = [] }) {
    if (this.#quiet) return;
    for (const { id, target } of created) {
      const box = this.#box(target.selector.geometry);
      queueMicrotask(() => { this.#silently(() => this.#annotator.removeAnnotation(id)); this.draw(false); this.#calls.onDraw(box); });
    }
    for (const { newValue } of updated) {
      const box = this.#box(newValue.target.selector.geometry), known = this.#boxes.find(({ id }) => id === newValue.id);
      if (known) known.box_xyxy_px = box;
      this.#calls.onChange(newValue.id, box);
    }
    this.#label();
  }

  #chose(id) {
    if (this.#quiet || id === this.#selected || (id && !this.#boxes.some((box) => box.id === id))) return;
    this.#selected = id;
    this.#calls.onSelect(id);
  }

  #silently(change) {
    this.#quiet = true;
    try { change(); } finally { this.#quiet = false; }
  }

  #annotation(id, [x1, y1, x2, y2]) {
    const [sx, sy] = this.#scale, x = x1 * sx, y = y1 * sy, w = (x2 - x1) * sx, h = (y2 - y1) * sy;
    const bounds = { minX: x, minY: y, maxX: x + w, maxY: y + h };
    return { id, bodies: [], target: { annotation: id, selector: { type: "RECTANGLE", geometry: { x, y, w, h, rot: 0, bounds } } } };
  }

  #box({ x, y, w, h }) {
    const [sx, sy] = this.#scale, [width, height] = this.#size;
    const x1 = clip(x / sx, 0, width - LEAST_SIDE_PX), y1 = clip(y / sy, 0, height - LEAST_SIDE_PX);
    return [x1, y1, clip((x + w) / sx, x1 + LEAST_SIDE_PX, width), clip((y + h) / sy, y1 + LEAST_SIDE_PX, height)];
  }

  #label() {
    const [width, height] = this.#size;
    this.#labels.replaceChildren(...this.#boxes.filter(({ text }) => text).map(({ id, box_xyxy_px: [x1, y1, x2], colour, text, faded }) => {
      const label = make("span", { className: `box-label${id === this.#selected ? " chosen" : ""}${faded ? " faded" : ""}` }, text);
      if (x1 / width < 0.6) label.style.left = `${(x1 / width) * 100}%`;
      else label.style.right = `${(1 - x2 / width) * 100}%`;
      label.style.top = `${(y1 / height) * 100}%`;
      label.style.setProperty("--colour", colour);
      if (y1 / height < 0.06) label.classList.add("inside");
      return label;
    }));
  }
}

const clip = (value, low, high) => Math.min(Math.max(value, low), high);
