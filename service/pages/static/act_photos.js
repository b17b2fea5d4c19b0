// Photos of an act: uploaded as soon as they are there, while one goes on typing. Those of the camera carry where this
// browser is; those that are chosen say themselves where they were taken, or do not. Markup: .act-photos of act_forms.html.
import { call, newKey } from "./api.js";
import { make } from "./elements.js";
import { inZone, whereIAm } from "./here.js";
import { say } from "./words.js";
import { number } from "./writing.js";

const FRESH_MS = 60_000, MOST = 20, EARTH_M = 6_371_008.8;
const SOURCES = { exif: "from the photo (EXIF)", browser: "from this browser", map_pin: "pin on the map" };

export class ActPhotos {
  #root; #list; #field; #problem; #hint; #onChange; #there; #place = null; #asked = 0;
  #uploads = new Set(); #shots = [];

  /**
   * @param {HTMLElement} root
   * @param {{there: {lon: number, lat: number}|null, onChange: () => void}} options there: where the issue is
   */
  constructor(root, { there, onChange }) {
    this.#root = root;
    this.#there = there;
    this.#onChange = onChange;
    [this.#list, this.#field, this.#problem, this.#hint] = [".shots", "[name=photos]", ".field-problem", ".no-position"].map((selector) => root.querySelector(selector));
    for (const input of root.querySelectorAll("[data-photos]")) {
      input.addEventListener("change", () => { this.add([...input.files], input.dataset.photos === "camera"); input.value = ""; });
    }
  }

  /** Frames that were uploaded. */
  get frames() {
    return this.#shots.map(({ frame }) => frame).filter(Boolean);
  }

  /** Whether photos are on their way. */
  get pending() {
    return this.#uploads.size > 0;
  }

  /** Resolves when none is any more. */
  async settled() {
    while (this.pending) await Promise.allSettled(this.#uploads);
  }

  /** Whether an act may be sent; says why not. */
  isWhole() {
    const missing = "needed" in this.#root.dataset && this.frames.length === 0;
    this.#say(missing ? say("Add a photo: it shows that it is done.") : "");
    if (missing) this.#root.querySelector("input[type=file]").focus();
    return !missing;
  }

  /** Photos that are on their way are waited for before the form is sent; one that is needed is asked for. */
  guard(form) {
    form.addEventListener("submit", (event) => {
      if (!this.pending && this.isWhole()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (!this.pending) return;
      const { submitter } = event;
      submitter?.setAttribute("aria-busy", "true");
      void this.settled().then(() => { submitter?.removeAttribute("aria-busy"); form.requestSubmit(submitter); });
    }, { capture: true });
  }

  /** Ask where this browser is, so that it is known when the photo is taken. */
  locate() {
    if (Date.now() - this.#asked < FRESH_MS) return this.#place;
    this.#asked = Date.now();
    this.#place = whereIAm().catch(() => { this.#hint.hidden = false; return null; });
    return this.#place;
  }

  /** Take files and upload them. `taken`: by the camera, just now. */
  add(files, taken) {
    for (const file of files.slice(0, MOST - this.#shots.length)) {
      const shot = { file, taken, frame: null, key: newKey(), url: URL.createObjectURL(file) };
      this.#show(shot);
      this.#upload(shot);
    }
  }

  /** Show frames that were uploaded before. */
  restore(frames) {
    for (const frame of frames) {
      const shot = { frame, url: `/v1/frames/${frame}/photo?size=320` };
      this.#show(shot);
      shot.said.textContent = say("uploaded");
    }
    this.#changed();
  }

  #upload(shot) {
    const going = this.#send(shot).catch((error) => {
      shot.said.replaceChildren(make("span", { className: "warning" }, error.message), " ",
        make("button", { type: "button", onclick: () => this.#upload(shot) }, say("Try again")));
    }).finally(() => { this.#uploads.delete(going); this.#changed(); });
    this.#uploads.add(going);
  }

  async #send(shot) {
    const metadata = { name: shot.file.name.slice(-255) };
    if (shot.taken) {
      shot.said.textContent = say("finding the position…");
      metadata.taken_at = inZone(new Date(shot.file.lastModified));
      const place = await this.locate();
      if (place) metadata.position = place;
    }
    shot.said.textContent = say("being uploaded");
    const form = new FormData();
    form.append("photo", shot.file, shot.file.name);
    form.append("metadata", new Blob([JSON.stringify(metadata)], { type: "application/json" }));
    const { data } = await call("POST", "/v1/photos", { form, key: shot.key, patient: true });
    shot.frame = data.id;
    shot.said.textContent = this.#placed(data.position);
  }

  #placed(position) {
    if (!position) return say("no position");
    const away = this.#there ? `${say("{metres} m from the place", { metres: number(Math.round(distance_m(this.#there, position))) })} · ` : "";
    return away + (position.source in SOURCES ? say(SOURCES[position.source]) : position.source);
  }

  #show(shot) {
    this.#shots.push(shot);
    shot.said = make("p", { className: "hint", role: "status" });
    const image = make("img", { src: shot.url, alt: say("Photo {number}", { number: this.#shots.length }) });
    image.addEventListener("error", () => { if (shot.frame) image.src = `/v1/frames/${shot.frame}/photo?size=320`; }, { once: true });
    const item = make("li", {}, image, shot.said,
      make("button", { type: "button", onclick: () => { item.remove(); this.#shots = this.#shots.filter((each) => each !== shot); this.#changed(); } }, say("Take it out")));
    this.#list.append(item);
  }

  #changed() {
    this.#field.value = this.frames.length ? JSON.stringify(this.frames) : "";
    if (this.frames.length) this.#say("");
    this.#onChange();
  }

  #say(text) {
    Object.assign(this.#problem, { textContent: text, hidden: !text });
  }
}

function distance_m(from, to) {
  const radians = Math.PI / 180, north = (to.lat - from.lat) * radians;
  return EARTH_M * Math.hypot(north, (to.lon - from.lon) * radians * Math.cos(((from.lat + to.lat) / 2) * radians));
}
