// Where one place lies.
import { baseMap, drawn, showAreas } from "./pin_map.js";
import { colourOf } from "./place_shapes.js";
import L from "./vendor/leaflet.js";

const { properties: { kind }, geometry, ground } = JSON.parse(document.getElementById("feature").textContent);
const map = baseMap("place-map", { scrollWheelZoom: false });
void showAreas(map);
const shape = L.geoJSON(ground ?? geometry, { coordsToLatLng: drawn, interactive: false, style: { color: colourOf(kind), weight: 3, fillOpacity: 0.15 } }).addTo(map);
map.fitBounds(shape.getBounds(), { padding: [20, 20], maxZoom: 18, animate: false });
