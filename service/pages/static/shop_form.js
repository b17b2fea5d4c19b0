// A shop as a form: where its front is, by a pin; a front that was drawn stays until the pin is moved.
import { notice } from "./notice.js";
import { PlacePicker } from "./place.js";
import { say } from "./words.js";

const form = document.getElementById("shop"), { lon, lat, geometry } = form.elements;
const picker = new PlacePicker(form.querySelector(".place"), { onChange: put });
picker.set(lon.value ? { lon: Number(lon.value), lat: Number(lat.value), source: "map_pin", accuracy_m: null } : null);

function put(place) {
  for (const [field, value] of [[lon, place?.lon ?? ""], [lat, place?.lat ?? ""]]) Object.assign(field, { value, disabled: false });
  if (geometry) geometry.disabled = true;
}

form.addEventListener("submit", (event) => {
  if (lon.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  notice(say("Put the pin where the front of the shop is."), { bad: true, key: "pin" });
  form.querySelector(".pin-map").focus();
}, { capture: true });
