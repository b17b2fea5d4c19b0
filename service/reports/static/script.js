"use strict";
// What the form does more with a script: the browser's position, and a look at the chosen photos.
// Nothing is asked for, read or sent before somebody presses the button.
const byId = (id) => document.getElementById(id);
const locate = byId("locate");
const located = byId("located");

if (locate && "geolocation" in navigator) {
  locate.hidden = false;
  locate.addEventListener("click", () => {
    locate.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        byId("lon").value = coords.longitude.toFixed(7);
        byId("lat").value = coords.latitude.toFixed(7);
        byId("accuracy_m").value = Math.max(1, coords.accuracy).toFixed(1);
        located.textContent = located.dataset.found.replace("%m", Math.ceil(coords.accuracy));
        locate.disabled = false;
      },
      () => {
        located.textContent = located.dataset.refused;
        locate.disabled = false;
      },
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
    );
  });
}

const photo = byId("photo");
const preview = byId("preview");
if (photo && preview) {
  photo.addEventListener("change", () => {
    preview.replaceChildren(
      ...[...photo.files].slice(0, 3).map((file) => {
        const image = new Image();
        image.src = URL.createObjectURL(file);
        image.alt = file.name;
        image.onload = () => URL.revokeObjectURL(image.src);
        return image;
      }),
    );
    preview.hidden = photo.files.length === 0;
  });
}
