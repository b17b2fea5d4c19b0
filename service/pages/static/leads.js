// A photo that retention has taken, or that nobody may see, leaves words in its place.
import { make } from "./elements.js";
import { say } from "./words.js";

const without = (image) => image.replaceWith(make("span", { className: "no-picture" }, say("no photo")));

document.addEventListener("error", ({ target }) => { if (target.matches?.(".lead-cards img")) without(target); }, true);
for (const image of document.querySelectorAll(".lead-cards img")) if (image.complete && !image.naturalWidth && image.currentSrc) without(image);
