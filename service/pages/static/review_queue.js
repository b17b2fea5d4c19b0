// The leads that this page has: fetched ahead, kept from others, decided one after the other.
import { call, newKey } from "./api.js";

const AHEAD = 6, RENEW_MS = 60_000, IDLE_MS = 20 * 60_000, MOST_NAMED = 200;

/** One page is one desk; the same page loaded anew is still the same one. */
function deskOfThisPage() {
  const name = sessionStorage.getItem("desk") ?? newKey();
  sessionStorage.setItem("desk", name);
  return name;
}

/**
 * Leads in the order of the policy.
 *
 * Calls: onChange() there are others now, or another number; onArrive(item) fetched, long before it is shown;
 * onLost(item) somebody else has decided it, or has it now; onRefused(item, error) a decision was not taken.
 */
export class ReviewQueue {
  #desk = deskOfThisPage(); #query; #calls; #sending = new Map(); #acts = new Map(); #versions = new Map(); #passed = []; #chain = Promise.resolve(); #filling = null; #missing = false; #active = Date.now(); #timer; #dry = false;
  items = [];
  waiting = null;
  decided = 0;

  /** @param {string} query filters, as in the page's address */
  constructor(query, calls) {
    this.#query = query;
    this.#calls = calls;
    this.#timer = setInterval(() => { if (Date.now() - this.#active < IDLE_MS) void this.fill(); }, RENEW_MS);
    addEventListener("pagehide", () => this.#release());
    addEventListener("pageshow", (event) => { if (event.persisted) void this.fill(); });
    addEventListener("beforeunload", (event) => { if (this.#sending.size) event.preventDefault(); });
  }

  /** The lead before the reviewer; undefined when there is none. */
  get current() { return this.items[0]; }

  /** Whether decisions are still on their way. */
  get sending() { return this.#sending.size; }

  /** Whether nothing is left that was not passed over; `passed` says how many were. */
  get dry() { return this.#dry && this.items.length === 0; }
  get passed() { return this.#passed.length; }

  /** Fetch as many as are missing, and keep those that are here; once more, where that was asked for while it was going on. */
  fill() {
    this.#missing = true;
    this.#filling ??= this.#fillUp().finally(() => { this.#filling = null; });
    return this.#filling;
  }

  async #fillUp() {
    while (this.#missing) {
      this.#missing = false;
      await this.#fill();
    }
  }

  async #fill() {
    const wanted = Math.max(0, AHEAD - this.items.length), holding = [...this.items.map(({ id }) => id), ...this.#sending.keys()];
    const before = new Map(this.#acts), pending = new Set(this.#sending.keys());
    const { data } = await call("POST", `/v1/review/next?${this.#with({ count: wanted })}`, {
      patient: true, behind: true, json: { desk: this.#desk, holding: holding.slice(0, MOST_NAMED), passed: this.#passed },
    });
    const holds = (id) => !pending.has(id) && this.#acts.get(id) === before.get(id); // else it was said of a time that is over
    const lost = this.items.filter(({ id }) => data.lost.includes(id) && holds(id));
    this.items = this.items.filter((item) => !lost.includes(item));
    const known = new Set([...this.items.map(({ id }) => id), ...this.#passed]);
    const fresh = data.items.filter(({ id }) => holds(id) && !known.has(id));
    this.items.push(...fresh);
    this.waiting = data.waiting;
    this.#dry = data.items.length < wanted;
    fresh.forEach(this.#calls.onArrive);
    lost.forEach(this.#calls.onLost);
    this.#calls.onChange();
  }

  /** Decide of the current lead, and go on; it is sent behind what was decided before. Gives what came of it. */
  decide(asked) {
    const item = this.items.shift();
    this.decided += 1;
    const made = this.send(item, asked).catch((error) => {
      this.decided -= 1;
      this.#calls.onRefused(item, error);
      return null;
    }).finally(() => void this.fill());
    this.#touch();
    return made;
  }

  /** Send a decision of a lead behind all others; its version is the one that it has by then. */
  send(item, asked) {
    const key = newKey();
    count(this.#acts, item.id);
    count(this.#sending, item.id);
    this.#active = Date.now();
    const sent = this.#chain.then(async () => {
      const version = Math.max(item.version, this.#versions.get(item.id) ?? 0); // an item may be of an earlier reading
      const { data } = await call("POST", `/v1/candidates/${item.id}/decisions`, { json: asked, version, key, patient: true });
      this.#versions.set(item.id, data.version);
      Object.assign(item, { version: data.version, state: data.state });
      return data;
    });
    this.#chain = sent.catch(() => {}).then(() => this.#arrived(item.id));
    return sent;
  }

  #arrived(id) {
    const left = this.#sending.get(id) - 1;
    if (left) this.#sending.set(id, left);
    else this.#sending.delete(id);
    this.#calls.onChange();
  }

  /** Leave the current lead to others. */
  pass() {
    const item = this.items.shift();
    count(this.#acts, item.id);
    this.#passed = [...this.#passed, item.id].slice(-MOST_NAMED);
    this.#touch();
    void this.fill();
    return item;
  }

  /** Put a lead before the reviewer again. */
  putBack(item) {
    this.#passed = this.#passed.filter((id) => id !== item.id);
    this.items = [item, ...this.items.filter(({ id }) => id !== item.id)];
    this.#touch();
    void this.fill();
  }

  /** Read a lead anew, and put it before the reviewer if it still waits, and was not left or decided meanwhile. Gives it. */
  async readAgain(id) {
    const acts = this.#acts.get(id);
    const { data } = await call("GET", `/v1/candidates/${id}`, { patient: true });
    if (data.state !== "open" || this.#acts.get(id) !== acts) return data;
    this.#calls.onArrive(data);
    this.putBack(data);
    return data;
  }

  /** What was passed over may come again. */
  startOver() {
    this.#passed = [];
    return this.fill();
  }

  #touch() {
    this.#active = Date.now();
    this.#calls.onChange();
  }

  #with(more) {
    const query = new URLSearchParams(this.#query);
    for (const [name, value] of [...query]) if (value === "") query.delete(name);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    return query;
  }

  #release() {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]").content };
    void fetch("/v1/review/release", { method: "POST", headers, body: JSON.stringify({ desk: this.#desk }), keepalive: true });
  }
}

const count = (counts, id) => counts.set(id, (counts.get(id) ?? 0) + 1);
