// Where issues lie densely, as circles that lead to their line.
import { make } from "./elements.js";
import { baseMap, drawn, showAreas } from "./pin_map.js";
import L from "./vendor/leaflet.js";

const map = baseMap("places-map"), all = L.featureGroup().addTo(map);
void showAreas(map);
JSON.parse(document.getElementById("clusters").textContent).forEach(([lon, lat, radius, because], index) => {
  L.circle(drawn([lon, lat]), { radius, className: "cluster" }).bindTooltip(make("span", {}, `${index + 1}. ${because}`), { sticky: true })
    .on("click", () => { location.hash = `cluster-${index + 1}`; }).addTo(all);
});
map.fitBounds(all.getBounds(), { padding: [24, 24], maxZoom: 17, animate: false });
