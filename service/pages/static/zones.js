// Zones drawn on the map: corners, kind, hours; put in force all at once, as a version that one can go back to.
// Everything kept is GeoJSON in WGS-84; only what Leaflet draws is in the system of the tiles.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { notice } from "./notice.js";
import { baseMap, drawn, meant, showAreas } from "./pin_map.js";
import L from "./vendor/leaflet-draw.js";
import { say } from "./words.js";

const COLOURS = ["#b42318", "#0b5cad", "#146c34", "#8a4b00", "#6b3fa0", "#00707a", "#a0296b", "#56606f"];
const byId = (id) => document.getElementById(id);
const kinds = JSON.parse(byId("kinds").textContent), form = byId("zone"), host = byId("map");
const map = baseMap(host, {}, L);
let version = 0, zones = [], chosen = null, changed = 0, timeZone = null, saving = false;

const set = (object, name, values) => { if (values.length) object[name] = values; else delete object[name]; };
const colourOf = (kind) => COLOURS[Math.max(0, kinds.indexOf(kind)) % COLOURS.length];

map.pm.setLang(document.documentElement.lang.startsWith("zh") ? "zh" : "en");
map.pm.setGlobalOptions({ allowSelfIntersection: false, snapDistance: 12 });
const changing = [byId("draw"), byId("save").querySelector("button")];
for (const each of changing) each.disabled = true; // until it is known what is there: all are saved at once
void load().catch((error) => notice(error.message, { bad: true, key: "zones" }));

async function load() {
  const [areas, { data }] = await Promise.all([showAreas(map, L), call("GET", "/v1/zones", { patient: true })]);
  ({ version } = data);
  timeZone = data.time_zone;
  zones = data.features.map((feature) => add(feature));
  if (zones.length) map.fitBounds(L.featureGroup(zones.map((each) => each.layer)).getBounds(), { maxZoom: 17 });
  else if (areas.getLayers().length) map.fitBounds(areas.getBounds());
  for (const each of changing) each.disabled = false;
  list();
}

/** A zone: its properties, and the layer that shows it. */
function add({ properties, geometry }) {
  const layer = L.geoJSON({ type: "Feature", geometry, properties: {} }, { coordsToLatLng: drawn }).getLayers()[0];
  const zone = { properties, layer: layer.addTo(map) };
  watch(zone);
  return zone;
}

function watch(zone) {
  paint(zone);
  zone.layer.on("click", () => choose(zone));
  zone.layer.on("pm:edit pm:dragend", () => note());
}

function paint(zone) {
  const colour = colourOf(zone.properties.kind);
  zone.layer.setStyle({ color: colour, weight: zone === chosen ? 4 : 2, fillOpacity: zone === chosen ? 0.35 : 0.15 });
}

function choose(zone) {
  chosen?.layer.pm.disable();
  chosen = zone;
  zones.forEach(paint);
  form.hidden = zone === null;
  if (zone) fill(zone.properties);
  list();
}

function fill(properties) {
  form.elements.name.value = properties.name ?? "";
  if (![...form.elements.kind.options].some(({ value }) => value === properties.kind)) form.elements.kind.append(make("option", { value: properties.kind }, properties.kind));
  form.elements.kind.value = properties.kind;
  for (const box of form.elements.classes) box.checked = (properties.classes ?? []).includes(box.value);
  byId("windows").replaceChildren(...(properties.windows ?? []).map(windowOf));
  explain();
}

function explain() {
  for (const each of form.querySelectorAll("[data-kind]")) each.hidden = each.dataset.kind !== form.elements.kind.value;
}

form.addEventListener("input", read);
form.addEventListener("submit", (event) => event.preventDefault());
byId("add-window").addEventListener("click", () => { byId("windows").append(windowOf({})); read(); });
byId("draw").addEventListener("click", () => {
  choose(null);
  host.scrollIntoView({ block: "nearest" });
  map.pm.enableDraw("Polygon", { finishOn: "dblclick", pathOptions: { color: colourOf(kinds[0]) } });
  notice(say("Click the corners; click the first one again to end. Escape takes it back."), { key: "drawing" });
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.pm.disableDraw(); });
byId("corners").addEventListener("click", () => chosen.layer.pm.toggleEdit());
byId("remove").addEventListener("click", () => {
  chosen.layer.remove();
  zones = zones.filter((each) => each !== chosen);
  note();
  choose(null);
});

map.on("pm:create", ({ layer }) => {
  const zone = { properties: { kind: kinds[0], name: "" }, layer };
  zones.push(zone);
  watch(zone);
  note();
  choose(zone);
  form.elements.name.focus();
});

/** The form into the chosen zone. */
function read() {
  const { properties } = chosen;
  properties.name = form.elements.name.value.trim();
  properties.kind = form.elements.kind.value;
  const classes = [...form.elements.classes].filter((box) => box.checked).map((box) => box.value);
  const windows = [...byId("windows").children].map(windowIn);
  set(properties, "classes", classes);
  set(properties, "windows", windows);
  if (windows.length && !timeZone) properties.time_zone ??= byId("save").dataset.zone;
  explain();
  paint(chosen);
  note();
}

function windowOf({ days = "daily", from = "07:00", to = "21:00" }) {
  const row = byId("window").content.firstElementChild.cloneNode(true);
  const all = [...row.querySelectorAll("[type=checkbox]")].map((box) => box.value), on = daysIn(days, all);
  for (const box of row.querySelectorAll("[type=checkbox]")) box.checked = on.has(box.value);
  row.querySelector(".from").value = from === "24:00" ? "00:00" : from;
  row.querySelector(".to").value = to === "24:00" ? "00:00" : to;
  const remove = row.querySelector(".remove-window");
  remove.title = say("Remove this window");
  remove.setAttribute("aria-label", say("Remove this window"));
  remove.addEventListener("click", () => { row.remove(); read(); });
  return row;
}

function windowIn(row) {
  const boxes = [...row.querySelectorAll("[type=checkbox]")], days = boxes.filter((box) => box.checked).map((box) => box.value);
  const to = row.querySelector(".to").value, from = row.querySelector(".from").value;
  return { days: days.length === boxes.length || !days.length ? "daily" : days, from, to: to === "00:00" ? "24:00" : to };
}

/** Days as the file has them (daily, "mon-fri", ["sat", "sun"]) as a set of names. */
function daysIn(days, all) {
  if (days === "daily") return new Set(all);
  return new Set([days].flat().flatMap((each) => {
    const [first, last = first] = each.toLowerCase().split("-"), begin = all.indexOf(first), end = all.indexOf(last);
    return Array.from({ length: ((end - begin + 7) % 7) + 1 }, (_, step) => all[(begin + step) % 7]);
  }));
}

function list() {
  byId("list").replaceChildren(...zones.map((zone) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = colourOf(zone.properties.kind);
    return make("li", {}, make("button", { type: "button", "aria-pressed": String(zone === chosen), onclick: () => { choose(zone); map.fitBounds(zone.layer.getBounds(), { maxZoom: 18 }); } },
      swatch, make("span", {}, zone.properties.name || say("a zone without a name"))));
  }));
  const count = zones.length;
  byId("state").textContent = count === 0 && changed === 0 ? say("No zones yet. Choose “Draw a zone”, then click the corners on the map.")
    : changed ? say("{count} zones, {changed} changes not saved", { count, changed }) : say("{count} zones", { count });
}

function note() {
  changed += 1;
  list();
}

function collection() {
  const features = zones.map(({ properties, layer }) => ({ type: "Feature", properties, geometry: geometryOf(layer) }));
  return { type: "FeatureCollection", coordinates: "wgs84", ...(timeZone ? { time_zone: timeZone } : {}), features };
}

/** Rings as GeoJSON: WGS-84, closed. */
function geometryOf(layer) {
  const ring = (points) => [...points, points[0]].map(meant), deep = (part) => (Array.isArray(part[0]) ? part.map(deep) : ring(part));
  const rings = deep(layer.getLatLngs());
  const depth = (part) => (Array.isArray(part) ? 1 + depth(part[0]) : 0);
  return { type: depth(rings) === 4 ? "MultiPolygon" : "Polygon", coordinates: rings };
}

byId("download").addEventListener("click", (event) => {
  event.currentTarget.href = URL.createObjectURL(new Blob([JSON.stringify(collection(), null, 1)], { type: "application/geo+json" }));
});

byId("save").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (saving) return;
  saving = true;
  const refused = byId("refused"), sent = changed;
  refused.replaceChildren();
  try {
    const asked = new URLSearchParams({ reason: event.target.elements.reason.value });
    const { data } = await call("PUT", `/v1/zones?${asked}`, { json: collection(), version });
    version = data.number;
    changed -= sent;
    saved();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    saving = false;
    const text = error.status === 412 ? say("Zones were changed by somebody else meanwhile. Reload to see them; what you drew is lost then. You can download it first.") : error.message;
    refused.replaceChildren(...text.split("; ").map((line) => make("p", { className: "problem" }, line)));
  }
});

/** The page is loaded anew, unless something was changed while it was being saved. */
function saved() {
  if (changed) {
    saving = false;
    notice(say("The zones are in force. What you have changed since is not saved yet."));
    return list();
  }
  sessionStorage.setItem("said", say("The zones are in force."));
  location.reload();
}

addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
