// The city's areas on a map; importing others: checked first, then put in force.
import { call } from "./api.js";
import { CheckedFile, jsonOf } from "./checked_file.js";
import { make } from "./elements.js";
import { baseMap, drawn } from "./pin_map.js";
import L from "./vendor/leaflet.js";
import { say } from "./words.js";

const host = document.getElementById("map"), form = document.getElementById("import");
const LABELLED = 40;
const map = baseMap(host), shapes = new Map();
new CheckedFile(form, document.getElementById("found"), { check, keep });

document.addEventListener("click", ({ target }) => {
  const shape = shapes.get(target.dataset?.code);
  if (!shape) return;
  for (const each of shapes.values()) each.getElement()?.classList.toggle("chosen", each === shape);
  map.fitBounds(shape.getBounds(), { maxZoom: 17 });
  host.scrollIntoView({ block: "nearest" });
});

async function send(content, check) {
  const asked = new URLSearchParams({ reason: form.elements.reason.value, check });
  if (form.elements.crs.value) asked.set("crs", form.elements.crs.value);
  return call("PUT", `/v1/areas?${asked}`, { json: await jsonOf(content), version: host.dataset.number });
}

async function keep(content) {
  const { data } = await send(content, "false");
  sessionStorage.setItem("said", say("{count} areas are in force now. Everything gets its area anew in the background.", { count: data.areas }));
  location.reload();
}

async function check(content) {
  const { data } = await send(content, "true"), found = [make("p", { className: "done" }, say("{count} areas can be used.", { count: data.areas }))];
  const warnings = data.warnings.map((each) => make("li", {}, `${each.area}: ${each.message}`));
  return warnings.length ? [...found, make("p", {}, say("Look at these:")), make("ul", { className: "findings" }, ...warnings)] : found;
}

function show(collection) {
  const paths = collection.features.map(({ properties }) => properties.path);
  const smallest = (path) => !paths.some((each) => each !== path && each.startsWith(path));
  const outlines = L.geoJSON(collection, {
    coordsToLatLng: drawn, style: { className: "area-shape" },
    onEachFeature: ({ properties }, layer) => {
      shapes.set(properties.code, layer);
      if (paths.length <= LABELLED && smallest(properties.path)) layer.bindTooltip(named(properties), { permanent: true, direction: "center", className: "area-label" });
      else layer.bindTooltip(named(properties), { sticky: true });
    },
  }).addTo(map);
  if (collection.features.length) map.fitBounds(outlines.getBounds());
}

const named = ({ name, code }) => make("span", {}, name === code ? code : `${name} ${code}`);

const { data: inForce } = await call("GET", "/v1/areas/geojson");
show(inForce);
