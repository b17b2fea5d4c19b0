// Outlines of areas and grids, with their names, and a graticule where there are no tiles: one can always tell where one is.
import { call } from "./api.js";
import { drawn, meant } from "./pin_map.js";
import L from "./vendor/leaflet.js";

const FROM_ZOOM = { city: 0, district: 0, subdistrict: 11, community: 14, section: 15, grid: 16 };
const NAMED_FROM = { city: 99, district: 9, subdistrict: 12, community: 15, section: 16, grid: 17 };
const STEPS_DEG = [10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005], LEAST_PX = 130;

/**
 * @returns {{show(on: boolean, unseen: boolean): void, loaded: Promise<L.LatLngBounds|null>}}
 *   unseen: the ground of areas is marked as not seen, under what was; loaded: where the areas are
 */
export function outlines(map, { graticule }) {
  const pane = map.createPane("outlines");
  pane.style.zIndex = "350";
  const renderer = L.svg({ pane: "outlines" }), kinds = new Map(), lines = L.layerGroup();
  let wanted = { on: false, unseen: false };
  const loaded = call("GET", "/v1/areas/geojson", { patient: true }).then(({ data }) => {
    for (const feature of data.features) {
      const { kind, name } = feature.properties;
      const layer = L.geoJSON(feature, { renderer, pane: "outlines", interactive: false, coordsToLatLng: drawn, style: { className: `area-outline ${kind}` } });
      kinds.set(kind, [...(kinds.get(kind) ?? []), { layer, label: label(layer.getBounds().getCenter(), name) }]);
    }
    show();
    const all = [...kinds.values()].flat().map(({ layer }) => layer.getBounds());
    return all.length ? all.reduce((one, other) => one.extend(other), L.latLngBounds(all[0].getSouthWest(), all[0].getNorthEast())) : null;
  });

  function show() {
    const zoom = map.getZoom(), view = map.getBounds().pad(0.3);
    pane.classList.toggle("unseen", wanted.unseen);
    for (const [kind, all] of kinds) {
      const from = FROM_ZOOM[kind] ?? 0, from_name = NAMED_FROM[kind] ?? 99;
      for (const { layer, label } of all) {
        const near = (wanted.on || wanted.unseen) && zoom >= from && view.intersects(layer.getBounds());
        toggle(map, layer, near);
        toggle(map, label, near && wanted.on && zoom >= from_name && zoom < from_name + 4);
      }
    }
    if (graticule) drawGraticule(map, lines.addTo(map), renderer);
  }

  map.on("moveend", show);
  return { loaded, show(on, unseen) { wanted = { on, unseen }; show(); } };
}

const toggle = (map, layer, on) => { if (on !== map.hasLayer(layer)) { if (on) layer.addTo(map); else layer.remove(); } };

const label = (at, text) => L.marker(at, { pane: "outlines", interactive: false, keyboard: false, icon: L.divIcon({ className: "area-name", html: span(text), iconSize: [0, 0] }) });

function span(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}

/** Lines of round degrees, as far apart as can be read; their degrees at the edge. */
function drawGraticule(map, lines, renderer) {
  lines.clearLayers();
  const bounds = map.getBounds(), [west, south] = meant(bounds.getSouthWest()), [east, north] = meant(bounds.getNorthEast());
  const perPixel = (east - west) / map.getSize().x, step = STEPS_DEG.findLast((each) => each / perPixel >= LEAST_PX) ?? STEPS_DEG[0];
  const places = Math.max(0, Math.ceil(-Math.log10(step)));
  for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) line([[lon, south], [lon, north]], `${lon.toFixed(places)}°`, "meridian");
  for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) line([[west, lat], [east, lat]], `${lat.toFixed(places)}°`, "parallel");

  function line(points, text, kind) {
    const at = points.map(drawn);
    L.polyline(at, { renderer, pane: "outlines", interactive: false, className: "graticule" }).addTo(lines);
    const edge = kind === "meridian" ? L.latLng(bounds.getNorth(), at[0].lng) : L.latLng(at[0].lat, bounds.getEast());
    L.marker(edge, { pane: "outlines", interactive: false, keyboard: false, icon: L.divIcon({ className: `degrees ${kind}`, html: span(text), iconSize: [0, 0] }) }).addTo(lines);
  }
}
