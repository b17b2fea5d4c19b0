// A shop's card: its month, and the telephone when somebody asks for it.
import { say } from "./words.js";

document.querySelector("[data-go]").addEventListener("change", ({ target }) => target.form.submit());
document.addEventListener("contact", ({ target, detail: { data } }) => {
  target.querySelector("output").textContent = data.telephone ?? say("no telephone is written down");
  target.querySelector("button").hidden = true;
});
