// What goes on is shown anew: <div hx-get="..." hx-trigger="live from:body"> while the page is looked at.
// Nobody has touched it for long: it rests, so that a forgotten page neither asks for ever nor keeps a session.
const EVERY_MS = 4000, REST_AFTER_MS = 30 * 60_000;
let touched = Date.now();

for (const kind of ["pointerdown", "keydown", "focus", "scroll"]) addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
document.addEventListener("visibilitychange", tell);
setInterval(tell, EVERY_MS);

function tell() {
  if (!document.hidden && Date.now() - touched < REST_AFTER_MS) document.body.dispatchEvent(new CustomEvent("live"));
}
