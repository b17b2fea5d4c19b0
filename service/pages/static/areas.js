// The city's areas on a map; importing others: checked first, then put in force.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { baseMap, drawn } from "./pin_map.js";
import L from "./vendor/leaflet.js";
import { say } from "./words.js";

const host = document.getElementById("map"), form = document.getElementById("import"), found = document.getElementById("found");
const LABELLED = 40;
const map = baseMap(host), shapes = new Map();

document.addEventListener("click", ({ target }) => {
  const shape = shapes.get(target.dataset?.code);
  if (!shape) return;
  for (const each of shapes.values()) each.getElement()?.classList.toggle("chosen", each === shape);
  map.fitBounds(shape.getBounds(), { maxZoom: 17 });
  host.scrollIntoView({ block: "nearest" });
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter, check = button.value === "yes";
  button.setAttribute("aria-busy", "true");
  try {
    await send(check);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    found.replaceChildren(problem(error.message));
  } finally {
    button.removeAttribute("aria-busy");
  }
});

async function send(check) {
  const file = form.elements.file.files[0];
  if (!file) return found.replaceChildren(problem(say("Choose a file first.")));
  let json;
  try {
    json = JSON.parse(await file.text());
  } catch (error) {
    return found.replaceChildren(problem(say("This file is no JSON: {reason}", { reason: error.message })));
  }
  const asked = new URLSearchParams({ reason: form.elements.reason.value, check: String(check) });
  if (form.elements.crs.value) asked.set("crs", form.elements.crs.value);
  const { data } = await call("PUT", `/v1/areas?${asked}`, { json, version: host.dataset.number });
  if (!check) {
    sessionStorage.setItem("said", say("{count} areas are in force now. Everything gets its area anew in the background.", { count: data.areas }));
    return location.reload();
  }
  const warnings = data.warnings.map((each) => make("li", {}, `${each.area}: ${each.message}`));
  found.replaceChildren(make("p", { className: "done" }, say("{count} areas can be used.", { count: data.areas })));
  if (warnings.length) found.append(make("p", {}, say("Look at these:")), make("ul", { className: "findings" }, ...warnings));
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
const problem = (text) => make("p", { className: "problem" }, text);

const { data: inForce } = await call("GET", "/v1/areas/geojson");
show(inForce);
