// A map with one pin, to be put by pointer, touch or keyboard. Everything here is [lon, lat] in WGS-84 degrees; only what
// Leaflet draws is in the system of the tiles (<script type="application/json" id="tiles">, macro `tiles` of parts.html).
import { call } from "./api.js";
import { fromWgs84, toWgs84 } from "./coordinates.js";
import { make } from "./elements.js";
import L from "./vendor/leaflet.js";
import { say } from "./words.js";

const CLOSE_ZOOM = 17, STEP_PX = 10, LAST = "streetsight-last-pin", CHINA = [[18, 73], [54, 135]];
let tilesOfPage = null, outlines = null;

/** url, crs and attribution of the city's tiles; url is null without any. */
export function tiles() {
  tilesOfPage ??= JSON.parse(document.getElementById("tiles").textContent);
  return tilesOfPage;
}

/** WGS-84 [lon, lat] as Leaflet draws it, and back. */
export const drawn = ([lon, lat]) => { const [x, y] = fromWgs84([lon, lat], tiles().crs); return L.latLng(y, x); };
export const meant = ({ lng, lat }) => toWgs84([lng, lat], tiles().crs);

/** A Leaflet map in `host`, with tiles if there are any, and a scale. `leaflet`: vendor/leaflet-draw.js is one of its own. */
export function baseMap(host, options = {}, leaflet = L) {
  const map = leaflet.map(host, { zoomControl: true, attributionControl: false, maxZoom: 20, zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches, ...options });
  map.fitBounds(CHINA);
  leaflet.control.scale({ imperial: false }).addTo(map);
  const { url, attribution } = tiles();
  if (url) {
    leaflet.tileLayer(url, { maxZoom: 20, maxNativeZoom: 18 }).addTo(map);
    if (attribution) leaflet.control.attribution({ prefix: false }).addAttribution(attribution).addTo(map);
  }
  return map;
}

/** Outlines of the city's areas under everything else: where there are no tiles, they tell where one is. */
export async function showAreas(map, leaflet = L) {
  outlines ??= call("GET", "/v1/areas/geojson").then(({ data }) => data, () => ({ type: "FeatureCollection", features: [] }));
  const layer = leaflet.geoJSON(await outlines, { interactive: false, coordsToLatLng: drawn, style: { className: "area-outline", weight: 1, fill: false } });
  return layer.addTo(map).bringToBack();
}

/**
 * A pin in `host`.
 *
 * @param {HTMLElement} host
 * @param {{onMove: (point: [number, number]) => void}} options onMove: a person put the pin there
 * @returns {{map: L.Map, put(point: [number, number]|null, accuracy_m?: number|null): void, refresh(): void}}
 */
export function pinMap(host, { onMove }) {
  const map = baseMap(host);
  const circle = L.circle([0, 0], { radius: 1, interactive: false, className: "accuracy" });
  const pin = L.marker([0, 0], {
    draggable: true, autoPan: true, keyboard: true,
    icon: L.divIcon({ className: "pin", html: make("span"), iconSize: [28, 36], iconAnchor: [14, 36] }),
  });
  const moved = (to) => { circle.remove(); pin.setLatLng(to).addTo(map); keep(meant(to)); onMove(meant(to)); };
  map.on("click", (event) => moved(event.latlng));
  pin.on("dragend", () => moved(pin.getLatLng()));
  pin.on("add", () => { pin.getElement().setAttribute("aria-label", say("The pin; move it by dragging, or with the arrow keys")); byKeys(map, pin, moved); });
  host.addEventListener("keydown", (event) => {
    if (event.target !== host || event.key !== "Enter") return;
    event.preventDefault();
    moved(map.getCenter());
    pin.getElement().focus();
  });
  let placed = false;
  void showAreas(map).then((layer) => { if (!placed) begin(map, layer); });
  return {
    map,
    put(point, accuracy_m = null) {
      circle.remove();
      if (!point) { pin.remove(); return; }
      placed = true;
      pin.setLatLng(drawn(point)).addTo(map);
      if (accuracy_m) circle.setLatLng(drawn(point)).setRadius(accuracy_m).addTo(map);
      map.setView(drawn(point), Math.max(map.getZoom(), CLOSE_ZOOM), { animate: false });
      keep(point);
    },
    refresh: () => map.invalidateSize({ animate: false }),
  };
}

/** Where the last pin was; else where the city is. */
function begin(map, outlines) {
  const last = sessionStorage.getItem(LAST);
  if (last) map.setView(drawn(JSON.parse(last)), CLOSE_ZOOM - 2, { animate: false });
  else if (outlines.getLayers().length) map.fitBounds(outlines.getBounds());
}

const keep = (point) => sessionStorage.setItem(LAST, JSON.stringify(point));

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function byKeys(map, pin, moved) {
  pin.getElement().addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = map.latLngToContainerPoint(pin.getLatLng()).add(L.point(step).multiplyBy(event.shiftKey ? 1 : STEP_PX));
    moved(map.containerPointToLatLng(at));
    map.panInside(pin.getLatLng(), { padding: [40, 40], animate: false });
  });
}
