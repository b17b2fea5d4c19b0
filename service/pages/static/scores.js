// Pages about scores: sheets that buttons open, and what came of reckoning once more.
import { say } from "./words.js";

document.addEventListener("click", ({ target }) => {
  const opener = target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens).showModal();
  if (target.closest("[data-closes]")) target.closest("dialog").close();
  if (target.closest("[data-print]")) void printWhole();
});

/** Paper shows what was not scrolled to, too. */
async function printWhole() {
  const pictures = [...document.querySelectorAll("details[open] img[loading=lazy], img[loading=lazy]:not(details *)")];
  for (const each of pictures) each.loading = "eager";
  await Promise.allSettled(pictures.map((each) => each.decode()));
  print();
}

// Who chooses another scheme or period wants to see it.
const which = document.querySelector("form.which");
which?.addEventListener("change", () => which.requestSubmit());
which?.querySelector("button")?.setAttribute("hidden", "");

const shown = document.getElementById("recomputed");
document.addEventListener("recomputed", ({ detail: { data: { sheets, different } } }) => {
  shown.className = different.length ? "problem" : "done";
  shown.textContent = different.length
    ? say("{count} of {all} sheets came out otherwise: {codes}. Somebody changed the database or the program; look at the audit log and at backups.", { count: different.length, all: sheets, codes: different.slice(0, 20).join(", ") })
    : say("{count} sheets reckoned once more: equal byte for byte.", { count: sheets });
  shown.hidden = false;
});
