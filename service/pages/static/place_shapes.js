// Shapes of the register on a map: colours by kind, and drawn shapes as GeoJSON in WGS-84.
import { drawn, meant, tiles } from "./pin_map.js";

const COLOURS = { section: "#0b5cad", point: "#b42318", road: "#146c34", compound: "#8a4b00", park: "#2f8f46", toilet: "#6b3fa0", junction: "#00707a", site: "#a0296b", riverbank: "#2375a8", market: "#946200", school: "#7a4fbf", other: "#56606f" };

/** A kind's colour; lighter on a dark ground without tiles. */
export function colourOf(kind) {
  const colour = COLOURS[kind] ?? COLOURS.other;
  if (tiles().url || !matchMedia("(prefers-color-scheme: dark)").matches) return colour;
  return `#${colour.slice(1).match(/../g).map((part) => Math.round((parseInt(part, 16) + 255) / 2).toString(16).padStart(2, "0")).join("")}`;
}

/** A Leaflet layer of a GeoJSON geometry; `leaflet`: vendor/leaflet-draw.js is one of its own. */
export function shapeOf(leaflet, geometry, kind, options = {}) {
  const color = colourOf(kind);
  return leaflet.geoJSON({ type: "Feature", geometry, properties: {} }, {
    coordsToLatLng: drawn, style: { color, weight: 2, fillOpacity: 0.15, ...options },
    pointToLayer: (_, at) => leaflet.circleMarker(at, { radius: 8, color, weight: 2, fillOpacity: 0.4 }), ...options,
  });
}

/** What was drawn, as GeoJSON: polygons closed, lines and points as they are. */
export function geometryOf(layer) {
  if (layer.getLatLng) return { type: "Point", coordinates: meant(layer.getLatLng()) };
  const area = layer.options.fill; // of Leaflet's own options, polygons alone have it
  const line = (points) => (area ? [...points, points[0]] : points).map(meant);
  const deep = (part) => (Array.isArray(part[0]) ? part.map(deep) : line(part));
  const rings = deep(layer.getLatLngs()), depth = (part) => (Array.isArray(part) ? 1 + depth(part[0]) : 0);
  if (area) return { type: depth(rings) === 4 ? "MultiPolygon" : "Polygon", coordinates: rings };
  return { type: depth(rings) === 3 ? "MultiLineString" : "LineString", coordinates: rings };
}
