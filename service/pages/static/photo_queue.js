// Photos that a person has chosen: each is previewed and looked at by itself, a few at a time, whatever becomes of the
// others. All of it is in memory; while the server is away or the session is over, the queue waits and goes on.
import { call, newKey } from "./api.js";
import { make } from "./elements.js";
import { inZone } from "./here.js";

const LOOKED_AT_ONCE = 2, PREVIEW_PX = 1600, THUMB_PX = 160;

/**
 * A photo of the queue.
 *
 * state: waiting, looking, ready or bad; problem says why it is bad. previewed: whether preview and thumb were tried.
 * size: [width, height] of the upright original; result: what POST /v1/detect said.
 * position: {lon, lat, source, accuracy_m} or null; taken_at: ISO, or null; frame: id once it is uploaded.
 */
export class Photo {
  constructor(file, taken) {
    Object.assign(this, {
      id: newKey(), file, name: file.name, state: "waiting", problem: "", size: null, result: null, boxes: [],
      preview: null, thumb: null, previewed: false, position: null, frame: null, key: newKey(),
      taken_at: taken ? inZone(new Date(file.lastModified)) : null, taken,
    });
  }
}

/** Photos in their order. Sends "change" events with the photo as detail (null: several). */
export class PhotoQueue extends EventTarget {
  photos = []; #looking = 0; #previewing = false; #stopped = new AbortController();

  constructor(limit) {
    super();
    this.limit = limit;
  }

  /**
   * Add files.
   *
   * @param {Iterable<File>} files
   * @param {boolean} taken by the device's camera, just now
   * @returns {{added: Photo[], known: number, tooMany: number}}
   */
  add(files, taken = false) {
    const here = new Set(this.photos.map(({ file }) => fingerprint(file)));
    const fresh = [...files].filter((file) => !here.has(fingerprint(file)) && here.add(fingerprint(file)));
    const added = fresh.slice(0, Math.max(0, this.limit - this.photos.length)).map((file) => new Photo(file, taken));
    this.photos.push(...added);
    this.changed(null);
    this.#go();
    return { added, known: [...files].length - fresh.length, tooMany: fresh.length - added.length };
  }

  /** Forget a photo. */
  remove(photo) {
    this.photos = this.photos.filter((each) => each !== photo);
    for (const url of [photo.preview, photo.thumb]) if (url) URL.revokeObjectURL(url);
    this.changed(null);
  }

  /** Look at a photo again that could not be looked at. */
  again(photo) {
    Object.assign(photo, { state: "waiting", problem: "" });
    this.changed(photo);
    this.#go();
  }

  /** Upload a photo, once; gives its frame's id. Raises Problem. */
  async upload(photo) {
    photo.uploading ??= this.#upload(photo).finally(() => { photo.uploading = null; });
    return photo.frame ?? photo.uploading;
  }

  /** How far it has come. */
  get progress() {
    const done = this.photos.filter(({ state }) => state === "ready" || state === "bad").length;
    return { done, all: this.photos.length };
  }

  changed(photo) {
    this.dispatchEvent(new CustomEvent("change", { detail: photo }));
  }

  async #upload(photo) {
    if (photo.frame) return photo.frame;
    const { position, taken_at } = photo, metadata = { name: photo.name.slice(-255) };
    if (position && position.source !== "exif") metadata.position = position;
    if (taken_at) metadata.taken_at = taken_at;
    const form = new FormData();
    form.append("photo", photo.file, photo.name);
    form.append("metadata", JSON.stringify(metadata));
    photo.frame = (await call("POST", "/v1/photos", { form, key: photo.key, patient: true })).data.id;
    return photo.frame;
  }

  #go() {
    void this.#previewAll();
    for (const photo of this.photos) {
      if (this.#looking >= LOOKED_AT_ONCE) return;
      if (photo.state === "waiting") void this.#look(photo);
    }
  }

  async #look(photo) {
    this.#looking += 1;
    photo.state = "looking";
    this.changed(photo);
    try {
      const form = new FormData();
      form.append("photo", photo.file, photo.name);
      const { data } = await call("POST", "/v1/detect", { form, patient: true, signal: this.#stopped.signal });
      if (data.outcome === "accepted") found(photo, data);
      else Object.assign(photo, { state: "bad", problem: data.reason ?? data.outcome });
    } catch (error) {
      Object.assign(photo, { state: "bad", problem: error.message });
    }
    this.#looking -= 1;
    this.changed(photo);
    this.#go();
  }

  /** One after the other: a photo of 12 megapixels takes 48 MB while it is decoded. */
  async #previewAll() {
    if (this.#previewing) return;
    this.#previewing = true;
    for (let photo; (photo = this.photos.find(({ previewed }) => !previewed));) {
      photo.previewed = true;
      try { Object.assign(photo, await preview(photo.file)); } catch { /* no picture that this browser can show; the server says what it is */ }
      this.changed(photo);
    }
    this.#previewing = false;
  }
}

function found(photo, result) {
  const { position, taken_at } = result.file_metadata;
  photo.size = [result.width, result.height];
  photo.result = result;
  photo.state = "ready";
  photo.position ??= position ?? null;
  if (taken_at && /Z|[+-]\d\d:\d\d$/.test(taken_at)) photo.taken_at = taken_at;
  photo.boxes = result.detections.map((detection) => ({ ...detection, id: newKey(), state: "found", detected: detection, key: newKey() }));
}

async function preview(file) {
  const whole = await createImageBitmap(file);
  const urls = { preview: await shrunk(whole, PREVIEW_PX), thumb: await shrunk(whole, THUMB_PX) };
  whole.close();
  return urls;
}

async function shrunk(picture, side) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = make("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
  return URL.createObjectURL(blob);
}

const fingerprint = ({ name, size, lastModified }) => `${name}/${size}/${lastModified}`;
