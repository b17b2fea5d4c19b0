// The map: what lies in the window, by the filters and layers that stand in the address.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { named } from "./lead_view.js";
import { outlines } from "./map_outlines.js";
import { notice } from "./notice.js";
import { baseMap, drawn, meant, tiles } from "./pin_map.js";
import { whereIAm } from "./here.js";
import { colourOf } from "./place_shapes.js";
import { conditionColour, conditionLabel } from "./taxonomy.js";
import L from "./vendor/leaflet.js";
import { number } from "./writing.js";
import { say } from "./words.js";

const LEADS = ["area", "condition", "class", "severity", "state", "source"], ISSUES = ["area", "condition", "class", "severity", "source"];
const USUAL = ["leads", "issues", "areas"], GROUND_ZOOM = 13, POINT_ZOOM = 17, SETTLED_MS = 120, DAY_MS = 86_400_000;
const form = document.getElementById("filters"), panel = document.getElementById("panel"), summary = document.getElementById("summary");
if (matchMedia("(max-width: 60rem)").matches) form.querySelector("details").open = false;
const map = baseMap("map", { worldCopyJump: true, zoomSnap: 1 });
const area = outlines(map, { graticule: !tiles().url });
const totals = { leads: 0, issues: 0 };
let settling = 0, opened = null;

/** Marks that stay while the map is moved: only what comes and goes is made and taken away. */
class Marks {
  #layer = L.layerGroup(); #known = new Map(); #asked = null;

  constructor(path, names, mark) { Object.assign(this, { path, names, mark }); }

  async show(on, filters) {
    this.#asked?.abort();
    if (!on) { this.#layer.remove(); this.#known.clear(); this.#layer.clearLayers(); return 0; }
    this.#layer.addTo(map);
    const asked = (this.#asked = new AbortController());
    const query = new URLSearchParams([...filters].filter(([name, value]) => value && this.names.includes(name)));
    for (const [name, value] of Object.entries(this.times?.(filters.get("days")) ?? {})) query.set(name, value);
    query.set("bbox", windowBox());
    query.set("zoom", String(map.getZoom()));
    const { data } = await call("GET", `${this.path}?${query}`, { signal: asked.signal, patient: true });
    const wanted = new Map([...data.points.map((each) => [each.id, each]), ...data.clusters.map((each) => [`${each.bbox.join()} ${JSON.stringify(each)}`, each])]);
    for (const [key, layer] of this.#known) if (!wanted.has(key)) { this.#layer.removeLayer(layer); this.#known.delete(key); }
    for (const [key, each] of wanted) {
      if (this.#known.has(key)) continue;
      const layer = each.bbox ? cluster(each, this.mark) : this.mark.point(each);
      this.#known.set(key, layer);
      this.#layer.addLayer(layer);
    }
    return data.total;
  }
}

const leads = new Marks("/v1/candidates/map", LEADS, {
  kind: "leads", says: ({ count, open }) => say("{count} leads, {open} of them waiting", { count: number(count), open: number(open) }),
  point: (each) => point(each, "lead", `${conditionLabel(each.condition)}, ${named("states", each.state)}`, () => choose("lead", each.id)),
});
leads.times = (days) => (days ? { seen_from: since(days).toISOString() } : {});
const issues = new Marks("/v1/issues/map", ISSUES, {
  kind: "issues", says: ({ count, open, overdue }) => say("{count} issues, {open} of them open, {overdue} overdue", { count: number(count), open: number(open), overdue: number(overdue) }),
  point: (each) => point(each, each.overdue ? "issue overdue" : "issue", `${say("Issue {number}", { number: each.number })}, ${conditionLabel(each.condition)}${each.overdue ? `, ${say("overdue")}` : ""}`, () => choose("issue", each.id)),
});
issues.times = (days) => (days ? { confirmed_from: since(days).toISOString() } : {});

function point(each, kind, text, onChoose) {
  const dot = make("span", { className: `mark ${kind} ${each.state}` });
  dot.style.setProperty("--colour", conditionColour(each.condition));
  const marker = L.marker(drawn([each.lon, each.lat]), { icon: L.divIcon({ className: "", html: dot, iconSize: [24, 24] }), title: text, alt: text, riseOnHover: true });
  return chosen(marker, onChoose);
}

/** Run it when a mark is chosen, by pointer, by touch or by Enter. */
function chosen(marker, run) {
  return marker.on("click", run).on("keypress", ({ originalEvent }) => { if (originalEvent.key === "Enter") run(); });
}

function cluster(each, { kind, says }) {
  const size = Math.round(28 + 8 * Math.log10(each.count)), text = says(each);
  const disc = make("span", { className: `cluster ${kind}` }, number(each.count));
  disc.style.setProperty("--size", `${size}px`);
  disc.style.setProperty("--open", `${(100 * each.open) / each.count}%`);
  const [west, south, east, north] = each.bbox;
  const marker = L.marker(drawn([each.lon, each.lat]), { icon: L.divIcon({ className: "", html: disc, iconSize: [size, size] }), title: text, alt: text });
  return chosen(marker, () => map.fitBounds([drawn([west, south]), drawn([east, north])], { maxZoom: Math.max(POINT_ZOOM, map.getZoom() + 2) }));
}

/** Ground and ways of patrols, when the window is small enough for them. */
class Ground {
  #layer = null; #asked = null; #key = "";

  constructor(path, draw) { Object.assign(this, { path, draw }); }

  async show(on, filters) {
    const near = on && map.getZoom() >= GROUND_ZOOM, key = near ? `${windowBox()} ${filters.get("days")} ${filters.get("area")}` : "";
    if (key === this.#key) return;
    this.#key = key;
    this.#asked?.abort();
    if (!near) { this.#layer?.remove(); this.#layer = null; return; }
    const asked = (this.#asked = new AbortController()), query = new URLSearchParams({ bbox: windowBox() });
    const days = filters.get("days");
    if (days) query.set("first", since(days).toLocaleDateString("sv", { timeZone: document.body.dataset.zone }));
    if (filters.get("area")) query.set("area", filters.get("area"));
    const { data } = await call("GET", `${this.path}?${query}`, { signal: asked.signal, patient: true });
    const fresh = this.draw(data);
    this.#layer?.remove();
    this.#layer = fresh.addTo(map);
    fresh.bringToBack?.();
  }
}

const ground = new Ground("/v1/coverage", (data) => {
  const { seen_m2, passed_m2, dim_m2 } = data.measure, km2 = (m2) => number(Math.round(m2 / 1e4) / 100);
  document.getElementById("measure").textContent = say("Seen {seen} km², in bad light only {dim} km², passed {passed} km²", { seen: km2(seen_m2), dim: km2(dim_m2), passed: km2(passed_m2) });
  return L.geoJSON(data, { coordsToLatLng: drawn, interactive: false, style: ({ properties }) => ({ className: `ground ${properties.kind}`, stroke: false }) });
});
const ways = new Ground("/v1/coverage/ways", (data) => L.geoJSON(data, {
  coordsToLatLng: drawn, style: { className: "way" },
  onEachFeature: ({ properties }, layer) => layer.bindTooltip(say("{device}, {day}", { device: properties.device, day: properties.day ?? say("day unknown") }), { sticky: true })
    .on("click", () => location.assign(`/patrols/${properties.patrol_id}`)),
}));

const sections = ({ properties: { kind } }) => Number(kind === "section"); // large: sent to the back last, they lie under the others
const places = new Ground("/v1/places/geojson", ({ features }) => L.featureGroup([...features].sort((one, other) => sections(one) - sections(other)).map(({ properties: { kind, code, name }, geometry, ground: covered }) => {
  const colour = colourOf(kind), shape = L.geoJSON(covered ?? geometry, { coordsToLatLng: drawn, style: { color: colour, weight: 2, fillOpacity: 0.06 } });
  return shape.bindTooltip(make("span", {}, name), { sticky: true }).on("click", () => location.assign(`/places/${kind}/${code}`));
})));

/** Draw what the address asks for. */
async function draw() {
  const filters = new URLSearchParams(location.search), on = (name) => layersOf(filters).includes(name);
  area.show(on("areas"), on("ground"));
  document.querySelector(".ground-key").hidden = !on("ground");
  const far = (on("ground") || on("ways") || on("places")) && map.getZoom() < GROUND_ZOOM;
  const shown = await Promise.allSettled([leads.show(on("leads"), filters), issues.show(on("issues"), filters), ground.show(on("ground"), filters), ways.show(on("ways"), filters), places.show(on("places"), filters)]);
  const failed = shown.find(({ status, reason }) => status === "rejected" && reason?.name !== "AbortError");
  if (failed) notice(failed.reason.message, { bad: true, key: "map" });
  if (shown[0].status === "fulfilled") totals.leads = shown[0].value;
  if (shown[1].status === "fulfilled") totals.issues = shown[1].value;
  const none = totals.leads + totals.issues === 0 && (on("leads") || on("issues"));
  const here = none ? say("Nothing here by these filters.") : say("{leads} leads · {issues} issues here", { leads: number(totals.leads), issues: number(totals.issues) });
  summary.textContent = far ? `${here} · ${say("Zoom in to see ground, ways and places.")}` : here;
  document.body.dataset.drawn = String(Number(document.body.dataset.drawn ?? 0) + 1);
}

/** Write into the address what is chosen; `push`: so that the browser's Back leads here. */
function write(changes, push) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) if (value === null || value === "") query.delete(name); else query.set(name, value);
  const text = String(query).replaceAll("%2C", ",").replaceAll("%3A", ":"), to = `${location.pathname}${text && `?${text}`}`;
  if (push && to !== location.pathname + location.search) history.pushState(null, "", to); else history.replaceState(null, "", to);
  const list = new URLSearchParams([...query].filter(([name]) => LEADS.includes(name)));
  document.getElementById("as-list").href = `/candidates${list.size ? `?${list}` : ""}`;
}

/** Put form, window and panel to what the address says. */
function read() {
  const query = new URLSearchParams(location.search), layers = layersOf(query);
  for (const field of form.elements) {
    if (field.name === "layer") field.checked = layers.includes(field.value);
    else if (field.name) field.value = query.get(field.name) ?? "";
  }
  const [lon, lat, zoom] = (query.get("at") ?? "").split(",").map(Number);
  if (Number.isFinite(zoom)) map.setView(drawn([lon, lat]), zoom, { animate: false });
  const [kind, id] = (query.get("show") ?? "").split(/:(.*)/s);
  void open(id ? kind : "lead", id || kind);
}

const layersOf = (query) => (query.has("layers") ? query.get("layers").split(".") : USUAL);
const since = (days) => new Date(Date.now() - Number(days) * DAY_MS);

/** The window, WGS-84, a little larger than it is: who moves it a bit sees what is there at once. */
function windowBox() {
  const bounds = map.getBounds().pad(0.15), low = meant(bounds.getSouthWest()), high = meant(bounds.getNorthEast());
  const clip = (value, most) => Math.min(Math.max(value, -most), most).toFixed(6);
  return [clip(low[0], 180), clip(low[1], 90), clip(high[0], 180), clip(high[1], 90)].join();
}

function choose(kind, id) {
  write({ show: `${kind}:${id}` }, true);
  void open(kind, id);
}

/** What was chosen, in the panel; without an id the panel is closed. */
async function open(kind, id) {
  const at = (opened = Symbol());
  if (!id) { panel.hidden = true; return; }
  const path = kind === "issue" ? `/issues/${id}/summary` : `/candidates/${id}/summary`;
  let inside;
  try {
    const { data } = await call("GET", path, { patient: true });
    inside = document.createRange().createContextualFragment(data); // ours, escaped by its template
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    inside = make("p", { className: "problem" }, error.message);
  }
  if (opened !== at) return; // another was chosen meanwhile, or the panel closed
  panel.querySelector(".inside").replaceChildren(inside);
  panel.hidden = false;
  panel.focus({ preventScroll: true });
}

function close() {
  write({ show: null }, true);
  void open();
  map.getContainer().focus({ preventScroll: true });
}

form.addEventListener("change", (event) => {
  const layers = [...form.querySelectorAll("[name=layer]:checked")].map(({ value }) => value);
  const changes = event.target.name === "layer" ? { layers: layers.join() === USUAL.join() ? null : layers.join(".") || "none" } : { [event.target.name]: event.target.value };
  write(changes, true);
  void draw();
});
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("popstate", () => { read(); void draw(); });
panel.querySelector(".close").addEventListener("click", close);
panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
document.getElementById("here").addEventListener("click", async () => {
  try {
    const { lon, lat } = await whereIAm();
    map.setView(drawn([lon, lat]), Math.max(map.getZoom(), POINT_ZOOM));
  } catch (error) {
    notice(error.message, { bad: true, key: "here" });
  }
});
document.querySelectorAll("[data-colour]").forEach((each) => { each.style.background = each.dataset.colour; });
new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());

begin(JSON.parse(document.getElementById("begin").textContent));
read();
void draw();
map.on("moveend", () => {
  clearTimeout(settling);
  const [lon, lat] = meant(map.getCenter());
  write({ at: `${lon.toFixed(5)},${lat.toFixed(5)},${map.getZoom()}` }, false);
  settling = setTimeout(() => void draw(), SETTLED_MS);
});

/** Without a place in the address: where the leads are, or else the areas. */
function begin(leadsAt) {
  if (new URLSearchParams(location.search).has("at")) return;
  if (leadsAt) map.fitBounds([drawn(leadsAt.slice(0, 2)), drawn(leadsAt.slice(2))], { maxZoom: POINT_ZOOM, padding: [24, 24], animate: false });
  else void area.loaded.then((bounds) => { if (bounds) map.fitBounds(bounds, { animate: false }); });
}
