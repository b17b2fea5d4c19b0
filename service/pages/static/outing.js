// An outing of one's own: where by a pin or this browser, when by the city's clock, photos as on acts.
import { ActPhotos } from "./act_photos.js";
import { notice } from "./notice.js";
import { PlacePicker } from "./place.js";
import { say } from "./words.js";
import { onCityClock } from "./writing.js";

const form = document.getElementById("outing"), { position, at } = form.elements, when = document.getElementById("when");
document.documentElement.classList.toggle("touch", navigator.maxTouchPoints > 0); // with a mouse there is no camera to ask for
new PlacePicker(form.querySelector(".place"), { onChange: (place) => { position.value = place ? JSON.stringify(place) : ""; } }).set(null);
new ActPhotos(form.querySelector(".act-photos"), { there: null, onChange: () => {} }).guard(form);

form.addEventListener("submit", (event) => {
  at.value = when.value ? onCityClock(when.value) : "";
  if (position.value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  notice(say("Say where you were: put the pin, or take the position of this browser."), { bad: true, key: "pin" });
  form.querySelector(".pin-map").focus();
}, { capture: true });
