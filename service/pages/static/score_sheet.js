// Where the cases of a sheet lie, in the outline of what is scored.
import { baseMap, drawn, showAreas } from "./pin_map.js";
import L from "./vendor/leaflet.js";
import { say } from "./words.js";

const host = document.getElementById("sheet-map");
if (host) show(JSON.parse(document.getElementById("spots").textContent));

function show({ spots, outline }) {
  const map = baseMap(host, { scrollWheelZoom: false }), all = L.featureGroup().addTo(map);
  void showAreas(map);
  if (outline) L.geoJSON(outline, { coordsToLatLng: drawn, interactive: false, style: { className: "subject-outline" } }).addTo(all);
  for (const { number, lon, lat, points } of spots) {
    const text = say("Issue {number}", { number });
    const dot = L.marker(drawn([lon, lat]), { icon: L.divIcon({ className: points < 0 ? "spot taken" : "spot", iconSize: [14, 14] }), title: `${text} ${points}`, alt: `${text} ${points}` });
    const go = () => point(number);
    dot.on("click", go).on("keypress", ({ originalEvent }) => { if (originalEvent.key === "Enter") go(); }).addTo(all);
  }
  map.fitBounds(all.getBounds(), { padding: [16, 16], maxZoom: 18, animate: false });
}

function point(number) {
  const line = document.getElementById(`issue-${number}`);
  line.closest("details").open = true;
  line.tabIndex = -1;
  line.focus();
  line.scrollIntoView({ block: "center" });
}
