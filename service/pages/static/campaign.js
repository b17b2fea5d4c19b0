// Places of a campaign on a map, by how far each is.
import { make } from "./elements.js";
import { baseMap, drawn, showAreas } from "./pin_map.js";
import L from "./vendor/leaflet.js";

const host = document.getElementById("campaign-map");
if (host) show(JSON.parse(document.getElementById("outlines").textContent));

function show({ features, standing }) {
  const map = baseMap(host, { scrollWheelZoom: false });
  void showAreas(map);
  const all = L.geoJSON({ type: "FeatureCollection", features }, {
    coordsToLatLng: drawn, style: ({ properties: { id } }) => ({ className: `place-of ${standing[id] ?? ""}`, weight: 2 }),
    onEachFeature: ({ properties: { id, name } }, layer) => {
      layer.bindTooltip(make("span", {}, name), { sticky: true });
      if (id) layer.on("click", () => { location.search = `?place=${id}`; location.hash = "ledger"; });
    },
  }).addTo(map);
  map.fitBounds(all.getBounds(), { padding: [16, 16], maxZoom: 17, animate: false });
}
