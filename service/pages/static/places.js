// The register on a map: kinds as layers, what the filters of the page choose.
import { call } from "./api.js";
import { make } from "./elements.js";
import { notice } from "./notice.js";
import { baseMap, drawn, showAreas } from "./pin_map.js";
import { colourOf } from "./place_shapes.js";
import L from "./vendor/leaflet.js";
import { say } from "./words.js";

const form = document.getElementById("place-filters"), layers = document.getElementById("layers"), list = document.getElementById("place-list");
const names = JSON.parse(document.getElementById("kinds").textContent), off = new Set();
const map = baseMap("places-map", { preferCanvas: true }), shown = new Map();
let byKind = new Map(), asked = null, outlines = null;

form.addEventListener("change", () => void load());
addEventListener("popstate", () => location.reload());
list.addEventListener("pointerover", ({ target }) => light(target.closest("[data-place]")?.dataset.place));
void showAreas(map).then((layer) => { outlines = layer; void load(); });

async function load() {
  asked?.abort();
  asked = new AbortController();
  const fields = [...new FormData(form)].filter(([name, value]) => value && name !== "incomplete");
  try {
    const { data } = await call("GET", `/v1/places/geojson?${new URLSearchParams(fields)}`, { signal: asked.signal, patient: true });
    draw(form.elements.incomplete.checked ? data.features.filter(({ properties }) => properties.missing.length) : data.features);
  } catch (error) {
    if (error.name === "AbortError") return;
    notice(error.message, { bad: true, key: "places" });
  }
}

function draw(features) {
  for (const group of byKind.values()) group.remove();
  byKind = new Map();
  shown.clear();
  const wide = [...features].sort((one, other) => Number(other.properties.kind === "section") - Number(one.properties.kind === "section")); // large ones under small ones
  for (const { properties, geometry, ground } of wide) {
    const { kind, code, name } = properties, color = colourOf(kind);
    const shape = L.geoJSON(ground ?? geometry, { coordsToLatLng: drawn, style: { color, weight: 2, fillOpacity: kind === "section" ? 0.08 : 0.2 } });
    shape.bindTooltip(make("span", {}, `${name} · ${names[kind]}`), { sticky: true }).bindPopup(() => card(properties));
    shown.set(`${kind}/${code}`, shape);
    if (!byKind.has(kind)) byKind.set(kind, L.featureGroup());
    byKind.get(kind).addLayer(shape);
  }
  for (const [kind, group] of byKind) if (!off.has(kind)) group.addTo(map);
  legend();
  document.getElementById("on-map").textContent = say("{count} places on the map", { count: features.length });
  const bounds = [...byKind.values()].reduce((all, group) => all.extend(group.getBounds()), L.latLngBounds([]));
  if (bounds.isValid()) map.fitBounds(bounds, { maxZoom: 17, padding: [12, 12], animate: false });
  else if (outlines?.getLayers().length) map.fitBounds(outlines.getBounds(), { animate: false });
}

function card({ kind, code, name, unit, missing }) {
  return make("div", {}, make("strong", {}, name), make("br"), `${names[kind]} ${code}${unit ? ` · ${unit}` : ""}`, make("br"),
    say("five-fixed: {count} of 5", { count: 5 - missing.length }), make("br"), make("a", { href: `/places/${kind}/${code}` }, say("Open it")));
}

function legend() {
  const rows = [...byKind].map(([kind, group]) => {
    const swatch = make("span", { className: "swatch" }), box = make("input", { type: "checkbox", checked: !off.has(kind) });
    swatch.style.background = colourOf(kind);
    box.addEventListener("change", () => { if (box.checked) { off.delete(kind); group.addTo(map); } else { off.add(kind); group.remove(); } });
    return make("label", { className: "check" }, box, swatch, `${names[kind]} (${group.getLayers().length})`);
  });
  layers.hidden = rows.length === 0;
  layers.replaceChildren(layers.querySelector("legend"), ...rows);
}

function light(place) {
  for (const [key, shape] of shown) shape.setStyle({ weight: key === place ? 5 : 2 });
}
