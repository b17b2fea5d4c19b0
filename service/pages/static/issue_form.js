// The form for an issue: what, where, words, photos; what is open nearby already is shown while one fills it in.
// Markup: _issue_form.html. Filing is POST /v1/issues after POST /v1/photos.
import { call, newKey } from "./api.js";
import { CodePicker } from "./code_picker.js";
import { make } from "./elements.js";
import { PlacePicker } from "./place.js";
import { conditionLabel } from "./taxonomy.js";
import { say } from "./words.js";

const NEARBY_M = 50;

/**
 * File an issue; its photos are uploaded first. Sent again while the server is away, it is filed once.
 *
 * @param {PhotoQueue} queue
 * @param {object} draft {code, place, area?, words?, description?, unit?, photos: Photo[], tagged?: {photo, box}}
 * @returns {Promise<{issue: object, warnings: string[]}>} what POST /v1/issues answers
 * @throws {Problem} nothing is filed
 */
export async function fileIssue(queue, { code, place, area, words, description, unit, photos, tagged }) {
  const frames = await uploadAll(queue, photos);
  const taken_at = (tagged?.photo ?? photos[0])?.taken_at;
  const json = {
    code: { scheme: code.scheme, code: code.code, kind: code.kind },
    ...(place && { position: { lon: place.lon, lat: place.lat, source: place.source, ...(place.accuracy_m && { accuracy_m: Math.min(place.accuracy_m, 10_000) }) } }),
    ...(area && { area }), ...(words && { place: words }), ...(description && { description }), ...(unit && { unit }),
    ...(taken_at && { found_at: taken_at }), photos: frames,
    ...(tagged && { detection: { frame_id: tagged.photo.frame, class: tagged.box.class, box_xyxy_px: tagged.box.box_xyxy_px, score: tagged.box.score } }),
  };
  return (await call("POST", "/v1/issues", { json, key: newKey(), patient: true })).data;
}

/**
 * Add photos and words to an issue that is there already, instead of filing it twice.
 *
 * @returns {Promise<{issue: object, warnings: string[]}>} the issue, and what is odd about the photos
 * @throws {Problem} nothing is added
 */
export async function addToIssue(queue, id, { photos, description }) {
  const frames = await uploadAll(queue, photos);
  const { version } = (await call("GET", `/v1/issues/${id}`, { patient: true })).data;
  const json = { kind: "comment", photos: frames, ...(description && { text: description }) };
  return (await call("POST", `/v1/issues/${id}/acts`, { json, version, key: newKey(), patient: true })).data;
}

async function uploadAll(queue, photos) {
  const frames = [];
  for (const photo of photos) frames.push(await queue.upload(photo));
  return frames;
}

/** Open issues and leads near a place, those of the same code first. */
export async function similarTo(place, code, signal) {
  const asked = new URLSearchParams({ lon: place.lon, lat: place.lat, radius_m: NEARBY_M, ...(code && { code: code.code, condition: code.condition }) });
  return (await call("GET", `/v1/issues/similar?${asked}`, { signal, patient: true })).data;
}

/** Where an issue or a lead is shown. */
export const pageOf = ({ what, id }) => (what === "candidate" ? `/candidates/${id}` : `/issues/${id}`);

export class IssueForm {
  #form; #codes; #place; #similar; #onJoin; #asking = null;

  /**
   * @param {HTMLFormElement} form
   * @param {{onSubmit: (draft: object) => void, onJoin: (id: string, draft: object) => void}} calls
   *   onSubmit: the draft is whole, but for its photos; onJoin: it is to be added to an issue that is there already
   */
  constructor(form, { onSubmit, onJoin }) {
    this.#form = form;
    this.#onJoin = onJoin;
    this.#similar = form.querySelector(".similar");
    this.#codes = new CodePicker(form.querySelector(".code-picker"), { onChange: () => this.#look() });
    this.#place = new PlacePicker(form.querySelector(".place"), { onChange: () => this.#look() });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!form.dataset.busy && this.#isWhole()) onSubmit(this.draft());
    });
  }

  /** Fill the form in. Call when it is visible. */
  fill({ code = null, place = null, photoPlace = null, area = "", words = "", description = "", unit = "" }) {
    this.problem("");
    Object.entries({ area, words, description, unit }).forEach(([name, value]) => { if (this.#form.elements[name]) this.#form.elements[name].value = value; });
    this.#asking?.abort();
    this.#similar.hidden = true; // it was of another place
    this.#place.set(place, photoPlace);
    return this.#codes.set(code).then(() => { if (!this.#codes.value) this.#codes.focus(); });
  }

  /** What a photo says, where nothing was said yet. */
  suggest({ code = null, place = null }) {
    if (code && !this.#codes.value) void this.#codes.set(code);
    if (place && !this.#place.value) { this.#place.set(place, place); this.#look(); }
  }

  /** What is filled in. */
  draft() {
    const text = (name) => this.#form.elements[name]?.value.trim() || null;
    return { code: this.#codes.value, place: this.#place.value, area: text("area"), words: text("words"), description: text("description"), unit: text("unit") };
  }

  /** Say what is wrong, or nothing. */
  problem(text) {
    const shown = this.#form.querySelector(".form-problem");
    Object.assign(shown, { textContent: text, hidden: !text });
    if (text) shown.scrollIntoView({ block: "nearest" });
  }

  /** @param {string|null} doing what is being done, in words; null: nothing */
  busy(doing) {
    const button = this.#form.querySelector("button.main");
    button.dataset.text ??= button.textContent;
    button.textContent = doing ?? button.dataset.text;
    button.setAttribute("aria-busy", String(doing !== null));
    if (doing) this.#form.dataset.busy = "yes"; else delete this.#form.dataset.busy;
  }

  #isWhole() {
    const { code, place, area, words } = this.draft();
    const combobox = this.#form.querySelector("[role=combobox]");
    if (!code) {
      combobox.setAttribute("aria-invalid", "true");
      combobox.focus();
      this.problem(say("Choose what it is: a code of the list."));
      return false;
    }
    if (!place && !(area && words)) {
      this.problem(this.#form.elements.area ? say("Say where it is: put the pin on the map, or name the area and the place in words.") : say("Say where it is: put the pin on the map, or use where you are."));
      this.#form.querySelector(".pin-map").focus();
      return false;
    }
    this.problem("");
    return true;
  }

  #look() {
    this.#asking?.abort();
    const { code, place } = this.draft(), asking = (this.#asking = new AbortController());
    if (!place) { this.#similar.hidden = true; return; }
    similarTo(place, code, asking.signal).then(
      (found) => { if (!asking.signal.aborted) this.#showSimilar(found); },
      () => { if (!asking.signal.aborted) this.#similar.hidden = true; }); // it is only a warning; filing says what is wrong
  }

  #showSimilar(found) {
    const same = found.filter(({ same_code }) => same_code).length;
    this.#similar.hidden = found.length === 0;
    this.#similar.className = same ? "similar note" : "similar";
    this.#similar.replaceChildren(
      make("h3", {}, same ? say("Perhaps it is filed already") : say("Open nearby")),
      make("ul", {}, ...found.slice(0, 5).map((each) => make("li", {},
        make("a", { href: pageOf(each), target: "_blank", rel: "noopener" }, each.number ?? say("lead")), " ",
        each.code?.name ? `${each.code.code} ${each.code.name}` : conditionLabel(each.condition), ` · ${Math.round(each.distance_m)} m `,
        ...(each.what === "issue" ? [make("button", { type: "button", onclick: () => this.#onJoin(each.id, this.draft()) }, say("Add to it"))] : [])))));
  }
}
