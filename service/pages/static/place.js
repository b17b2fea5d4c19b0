// Where something is, and who says so: the photo's EXIF, the browser, or a pin on the map. Markup: _place.html.
// A place is {lon, lat, source, accuracy_m} in WGS-84, or null; never guessed.
import { whereIAm } from "./here.js";
import { pinMap } from "./pin_map.js";
import { say } from "./words.js";

export { whereIAm };

/** What says where it is, in words. */
export function sourceSaid(place) {
  switch (place?.source) {
    case undefined: return say("no position");
    case "exif": return say("from the photo (EXIF)");
    case "browser": return say("from this browser");
    case "map_pin": return say("pin on the map");
    default: return say("from the device");
  }
}

/** The whole of it: source, how exact, and the degrees. */
export function placeSaid(place) {
  if (!place) return sourceSaid(place);
  const exact = place.accuracy_m ? ` ±${Math.max(1, Math.round(place.accuracy_m))} m` : "";
  return `${sourceSaid(place)}${exact}`;
}

export const degreesSaid = ({ lon, lat }) => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;

export class PlacePicker {
  #root; #said; #problem; #photo; #back; #degrees; #map = null; #onChange; #changes = 0;

  /** @param {{onChange: (place: object|null) => void}} calls a person changed it */
  constructor(root, { onChange }) {
    this.#root = root;
    this.#onChange = onChange;
    this.value = null;
    this.#photo = null;
    [this.#said, this.#problem, this.#back, this.#degrees] = [".place-said", ".place-problem", "[data-place=photo]", ".place-degrees"].map((selector) => root.querySelector(selector));
    root.querySelector("[data-place=browser]").addEventListener("click", (event) => void this.#askBrowser(event.currentTarget));
    this.#degrees.addEventListener("change", () => this.#typed());
    this.#back.addEventListener("click", () => { this.#changed(this.#photo); this.#draw(); });
  }

  /** Show a place; `photo`: what the photo says, to go back to. Call when it is visible: a map needs its size. */
  set(place, photo = null) {
    this.#changes += 1;
    this.#photo = photo;
    this.value = place;
    this.#problem.hidden = true;
    this.#map ??= pinMap(this.#root.querySelector(".pin-map"), { onMove: ([lon, lat]) => this.#changed({ lon, lat, source: "map_pin", accuracy_m: null }) });
    this.#map.refresh();
    this.#draw();
    this.#tell();
  }

  #draw() {
    this.#map.put(this.value ? [this.value.lon, this.value.lat] : null, this.value?.accuracy_m);
  }

  #changed(place) {
    this.#changes += 1;
    this.value = place;
    this.#problem.hidden = true;
    this.#tell();
    this.#onChange(place);
  }

  #tell() {
    const known = this.value !== null;
    this.#said.textContent = known ? placeSaid(this.value) : say("no position yet");
    this.#said.className = `place-said badge ${known ? "" : "warn"}`;
    this.#degrees.value = known ? degreesSaid(this.value) : "";
    this.#degrees.removeAttribute("aria-invalid");
    this.#back.hidden = this.#photo === null || this.value === this.#photo;
  }

  #typed() {
    const numbers = (this.#degrees.value.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
    // Some write longitude first; in China, and wherever it is beyond 90, there is no mistaking it.
    const [lat, lon] = Math.abs(numbers[0]) > 90 ? [numbers[1], numbers[0]] : numbers;
    if (this.#degrees.value.trim() === "") { this.#changed(null); this.#draw(); return; }
    if (numbers.length !== 2 || Math.abs(lat) > 90 || Math.abs(lon) > 180) {
      this.#degrees.setAttribute("aria-invalid", "true");
      Object.assign(this.#problem, { textContent: say("This is no position: expected latitude, longitude, as 30.27410, 120.15510."), hidden: false });
      return;
    }
    this.#changed({ lon, lat, source: "map_pin", accuracy_m: null });
    this.#draw();
  }

  /** It may take long: whoever has said meanwhile where it is, or is at another photo, is not overruled. */
  async #askBrowser(button) {
    const changes = this.#changes;
    button.setAttribute("aria-busy", "true");
    try {
      const place = await whereIAm();
      if (changes === this.#changes) { this.#changed(place); this.#draw(); }
    } catch (error) {
      if (changes === this.#changes) Object.assign(this.#problem, { textContent: error.message, hidden: false });
    }
    button.removeAttribute("aria-busy");
  }
}
