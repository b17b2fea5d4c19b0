// One lead as it is looked at: panorama, close-up, what is known of it, the passes that saw it.
import { make } from "./elements.js";
import { closeUp, panoramaOf, shotsOf, thumbnail, whole } from "./shots.js";
import { classNamed, conditionLabel } from "./taxonomy.js";
import { ago, moment, number, percent } from "./writing.js";
import { say } from "./words.js";

let names = null;

/** What states, severities and the like are called: <script type="application/json" id="names">. */
export function named(kind, name) {
  names ??= JSON.parse(document.getElementById("names").textContent);
  return names[kind]?.[name] ?? name ?? "–";
}

/** The smallest area of a path that has a name here; "" without one. */
export const areaNamed = (path) => (path ?? "").split("/").map((code) => named("areas", code || undefined)).findLast((name, index, all) => name !== "–" && !/^\d+$/.test(name)) ?? "";

/** What it is, in a few words. */
export const titleOf = (item) => (item.class ? `${conditionLabel(item.condition)} · ${classNamed(item.class).label}` : conditionLabel(item.condition));

/** A lead's pictures and facts, made before they are shown, so that the pictures are there by then. */
export class LeadView {
  #item; #shots; #whole; #close; #strip; #chosen = 0;

  constructor(item) {
    this.#item = item;
    this.#shots = shotsOf(item);
    this.#whole = make("figure", { className: "whole" });
    this.#close = make("figure", { className: "close" });
    this.#strip = make("ol", { className: "passes" });
    const facts = make("div", { className: "facts-of-lead" }, this.#head(), this.#close, this.#facts(), this.#history(), this.#findings(), this.#words());
    this.element = make("article", { className: "lead", "aria-label": titleOf(item), dataset: { id: item.id } }, this.#whole, facts);
    this.choose(0);
  }

  get item() { return this.#item; }

  /** The photo that is shown whole, {frame, box, size, ...}; undefined without any. */
  get shot() { return this.#chosen === 0 ? panoramaOf(this.#item, this.#shots) ?? undefined : this.#shots[this.#chosen]; }

  /** The photo that a box is corrected on. */
  get best() { return this.#shots[this.#chosen]; }

  /** Where a box can be drawn. */
  get stage() { return this.#whole; }

  /** Show another photo: 0 is the best one. */
  choose(index, options = {}) {
    const count = this.#shots.length;
    if (!count) { this.#whole.replaceChildren(make("p", { className: "no-picture" }, say("No photo came with this."))); return; }
    this.#chosen = (index + count) % count;
    const shot = options.exactly ? this.best : this.shot, alt = `${titleOf(this.#item)}, ${moment(shot.at)}`;
    this.#whole.replaceChildren(whole(shot, alt, options), make("figcaption", {}, make("span", {}, moment(shot.at)), make("span", {}, `${this.#chosen + 1} / ${count}`)));
    const close = closeUp(this.best, say("close-up"));
    this.#close.replaceChildren(...(close ? [close] : []));
    this.#strip.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(Number(each.dataset.shot) === this.#chosen)));
  }

  turn(by) { this.choose(this.#chosen + by); }

  #head() {
    const item = this.#item, head = make("header", {}, make("h2", { tabIndex: -1 }, titleOf(item)));
    const badges = make("p", { className: "badges" });
    if (item.severity) badges.append(badge(named("severities", item.severity), { high: "bad", medium: "warn" }[item.severity] ?? ""));
    if (item.source !== "patrol") badges.append(badge(named("sources", item.source)));
    if (item.needs_second_look) badges.append(badge(say("look twice"), "warn"));
    if (item.state !== "open") badges.append(badge(named("states", item.state)));
    head.append(badges);
    if (item.score !== null) {
      const id = `score-${item.id}`;
      head.append(make("p", { className: "confidence" }, make("span", { id }, say("confidence")), make("meter", { min: 0, max: 1, value: item.score, "aria-labelledby": id }), make("strong", {}, percent(item.score))));
    }
    return head;
  }

  #facts() {
    const item = this.#item, list = make("dl", { className: "facts" });
    const fact = (name, ...value) => list.append(make("dt", {}, name), make("dd", {}, ...value));
    const seen = item.last_seen_at ? `${moment(item.last_seen_at)} (${ago(item.last_seen_at)})` : "–";
    fact(say("last seen"), seen);
    if (item.sightings) fact(say("seen"), say("sightings: {sightings} · patrols: {patrols} · photos: {frames}", { sightings: number(item.sightings), patrols: number(item.patrols), frames: number(item.frames) }));
    if (item.code) fact(say("code"), `${item.code.code} ${item.code.name ?? ""}`, make("span", { className: "hint" }, ` ${item.code.scheme}`));
    fact(say("place"), ...this.#place());
    if (item.area_m2) fact(say("size"), say("about {m2} m²", { m2: number(Math.round(item.area_m2[0] * 10) / 10) }));
    if (item.release) fact(say("model"), make("code", {}, item.release));
    if (item.detected) fact(say("model said"), [item.detected.class && classNamed(item.detected.class).label, item.detected.severity && named("severities", item.detected.severity)].filter(Boolean).join(", ") || say("another box"));
    return list;
  }

  #place() {
    const { position, area_path } = this.#item, area = areaNamed(area_path);
    if (!position) return [area || say("unknown")];
    const href = `/map?at=${position.lon.toFixed(5)},${position.lat.toFixed(5)},18&show=${this.#item.id}`;
    return [area && `${area} · `, make("a", { href, target: "_blank", rel: "noopener" }, `${position.lat.toFixed(5)}, ${position.lon.toFixed(5)}`)];
  }

  #history() {
    const told = [
      ...this.#item.traced.map((each) => ({ at: each.first_seen_at, seen: each })),
      ...this.#item.rechecks.map((each) => ({ at: each.at, recheck: each })),
      ...this.#item.reports.map((each) => ({ at: each.reported_at ?? each.received_at, report: each })),
      ...this.#item.decisions.map((each) => ({ at: each.at, decision: each })),
    ].sort((one, other) => String(other.at ?? "").localeCompare(String(one.at ?? "")));
    this.#strip.append(...told.map((each) => this.#told(each)));
    return make("section", { className: "history" }, make("h3", {}, say("History")), this.#strip);
  }

  #told({ at, seen, recheck, report, decision }) {
    const when = make("time", { dateTime: at ?? "", title: moment(at) }, moment(at));
    if (seen) return make("li", {}, this.#thumb(seen.best.frame_id), make("div", {}, when, make("span", {}, `${percent(seen.score)}, ${say("photos: {count}", { count: number(seen.frames) })}`), ...(seen.late ? [badge(say("after the decision"))] : [])));
    if (recheck) return make("li", {}, make("div", {}, when, make("span", { className: `recheck ${recheck.outcome}` }, say("a later pass:"), " ", named("outcomes", recheck.outcome), ["gone", "still_present"].includes(recheck.outcome) ? ` (${percent(recheck.outcome === "gone" ? recheck.gone : recheck.matched)})` : "")));
    if (report) return make("li", {}, ...report.frame_ids.slice(0, 1).map((frame) => this.#thumb(frame)), make("div", {}, when, make("span", {}, `${named("sources", report.source)}: `, make("q", {}, report.description ?? "–"))));
    const why = [decision.reason_text, decision.text].filter(Boolean).join(": ");
    return make("li", {}, make("div", {}, when, make("span", {}, `${decision.by}: ${named("decisions", decision.kind)}${why ? ` (${why})` : ""}`)));
  }

  #thumb(frame) {
    const index = this.#shots.findIndex((each) => each.frame === frame);
    if (index < 0) return "";
    const title = say("show this photo");
    return make("button", { type: "button", className: "thumb", title, "aria-label": `${title}, ${moment(this.#shots[index].at)}`, dataset: { shot: index }, onclick: () => this.choose(index, { exactly: true }) }, thumbnail(this.#shots[index], ""));
  }

  #findings() {
    if (!this.#item.findings.length) return "";
    const list = make("ul", { className: "findings" }, ...this.#item.findings.map(({ state, says }) => make("li", { className: state }, make("span", { className: "sr" }, `${named("findings", state)}: `), says)));
    return make("details", { open: true }, make("summary", {}, say("What the rules found")), list);
  }

  #words() {
    return this.#item.description ? make("blockquote", {}, this.#item.description) : "";
  }
}

const badge = (text, kind = "") => make("span", { className: `badge ${kind}` }, text);
