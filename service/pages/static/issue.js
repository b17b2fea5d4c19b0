// The page of one issue: where it is, and its print.
document.addEventListener("click", (event) => { if (event.target.closest("[data-print]")) print(); });

const host = document.getElementById("issue-map");
if (host) void showPlace(host);

async function showPlace({ dataset: { lon, lat } }) {
  const [{ baseMap, drawn, showAreas }, { default: L }] = await Promise.all([import("./pin_map.js"), import("./vendor/leaflet.js")]);
  const map = baseMap(host, { scrollWheelZoom: false }), at = drawn([Number(lon), Number(lat)]);
  map.setView(at, 17, { animate: false });
  void showAreas(map);
  L.circleMarker(at, { radius: 9, className: "issue-dot", interactive: false }).addTo(map);
}
