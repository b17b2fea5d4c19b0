// One lead in full: its pictures and history as in review, and where it is.
import { LeadView } from "./lead_view.js";
import { baseMap, drawn, showAreas } from "./pin_map.js";
import { shownNow } from "./shots.js";
import L from "./vendor/leaflet.js";

const CLOSE_ZOOM = 18, SIGMAS_95 = 2.448;
const item = JSON.parse(document.getElementById("lead-json").textContent);

document.getElementById("lead").append(new LeadView(item).element);
shownNow();
if (item.position) showPlace(document.getElementById("lead-map"));

/** The place with the circle that holds it 19 times of 20, and each sighting. */
function showPlace(host) {
  const map = baseMap(host, { scrollWheelZoom: false }), { lon, lat, covariance_m2: spread } = item.position;
  map.setView(drawn([lon, lat]), CLOSE_ZOOM, { animate: false });
  void showAreas(map);
  if (spread) L.circle(drawn([lon, lat]), { radius: SIGMAS_95 * Math.sqrt(Math.max(spread[0], spread[2])), className: "accuracy", interactive: false }).addTo(map);
  for (const seen of item.traced) if (seen.lon !== null) L.circleMarker(drawn([seen.lon, seen.lat]), { radius: 4, className: "sighting-dot", interactive: false }).addTo(map);
  L.circleMarker(drawn([lon, lat]), { radius: 9, className: "lead-dot", interactive: false }).addTo(map);
}
