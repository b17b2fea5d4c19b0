// One place: drawn or changed on the map, with what is said of it.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { fields } from "./forms.js";
import { notice } from "./notice.js";
import { baseMap, showAreas } from "./pin_map.js";
import { geometryOf, shapeOf } from "./place_shapes.js";
import L from "./vendor/leaflet-draw.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const form = document.getElementById("place"), outline = document.getElementById("outline"), refused = document.getElementById("refused");
const feature = JSON.parse(document.getElementById("feature").textContent);
const { kind, code, version } = form.dataset;
const map = baseMap("place-map", {}, L);
const GUIDES = {
  Polygon: say("Click the corners; click the first one again to end. Escape takes it back."),
  Line: say("Click the points of the line; click the last one again to end. Escape takes it back."),
  Marker: say("Click where it is."),
};
let layer = null, touched = false;

map.pm.setLang(document.documentElement.lang.startsWith("zh") ? "zh" : "en");
map.pm.setGlobalOptions({ allowSelfIntersection: false, snapDistance: 12, markerEditable: true });
if (feature) {
  put(shapeOf(L, feature.geometry, feature.properties.kind).getLayers()[0]);
  fit();
}
void showAreas(map, L).then((areas) => { if (!layer && areas.getLayers().length) map.fitBounds(areas.getBounds()); });

/** The shape of the place from now on. */
function put(shape) {
  layer?.remove();
  layer = shape.addTo(map);
  layer.on("pm:edit pm:dragend", () => { touched = true; tell(); });
  tell();
}

function tell() {
  const geometry = geometryOf(layer), type = geometry.type.replace("Multi", "");
  outline.value = JSON.stringify(geometry);
  for (const each of form.querySelectorAll("[data-for]")) each.hidden = each.dataset.for !== { LineString: "line", Point: "point" }[type];
  form.elements.width_m.required = type === "LineString";
  form.elements.radius_m.required = type === "Point";
}

function fit() {
  if (layer.getBounds) map.fitBounds(layer.getBounds(), { maxZoom: 18, padding: [20, 20] });
  else map.setView(layer.getLatLng(), 17);
}

form.addEventListener("click", ({ target }) => {
  const tool = target.dataset?.draw;
  if (tool) {
    map.pm.enableDraw(tool, { finishOn: "dblclick", continueDrawing: false });
    notice(GUIDES[tool], { key: "drawing" });
  }
  if (target.id === "corners") layer?.pm?.toggleEdit();
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.pm.disableDraw(); });
map.on("pm:create", ({ layer: made }) => { touched = true; put(made); });

outline.addEventListener("change", () => {
  try {
    put(shapeOf(L, JSON.parse(outline.value), kind ?? form.elements.kind.value).getLayers()[0]);
    touched = true;
    refused.replaceChildren();
    fit();
  } catch (error) {
    refused.replaceChildren(make("p", { className: "problem" }, say("This is no outline: {reason}", { reason: error.message })));
  }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  refused.replaceChildren();
  if (!layer) return complain(say("Draw it on the map first, or paste its outline."));
  event.submitter?.setAttribute("aria-busy", "true");
  try {
    const { kind: madeKind, code: madeCode } = await send();
    sessionStorage.setItem("said", say("It is in the register."));
    touched = false;
    location.assign(`/places/${madeKind}/${madeCode}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(error.status === 412 ? say("This was changed by somebody else meanwhile. Reload to see it; what you have typed stays until then.") : error.message, error.errors);
  } finally {
    event.submitter?.removeAttribute("aria-busy");
  }
});

async function send() {
  const { from, reason, kind: newKind, code: newCode, ...attributes } = fields(form);
  attributes.co_units ??= [];
  const common = { reason, ...(from ? { valid_from: onCityClock(from) } : {}) };
  if (!code) {
    const { data } = await call("POST", "/v1/places", { json: { ...common, ...attributes, kind: newKind, code: newCode, geometry: geometryOf(layer) } });
    return data.properties;
  }
  const { data } = await call("PATCH", `/v1/places/${kind}/${code}`, { version, json: { ...common, attributes, ...(touched ? { geometry: geometryOf(layer) } : {}) } });
  return data.properties;
}

function complain(text, errors = []) {
  const problem = make("p", { className: "problem" }, text);
  for (const { field, message } of errors) problem.append(make("br"), `${field.replace(/^body\./, "")}: ${message}`);
  refused.replaceChildren(problem);
  problem.scrollIntoView({ block: "center" });
}

addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
