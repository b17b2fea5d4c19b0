// On every page: forms that talk to the API, fragments by htmx, sessions that end meanwhile.
import "./vendor/htmx.js";
import { watchForms } from "./forms.js";
import { notice } from "./notice.js";
import { signInAgain } from "./session.js";
import { say } from "./words.js";

watchForms();

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["Accept-Language"] = document.documentElement.lang;
});
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response?.raw?.status === 401) void signInAgain({ behind: true });
});
document.addEventListener("htmx:error", () => notice(say("The server does not answer. Trying again…"), { bad: true, key: "away" }));

// A menu that stays open over the page after a choice elsewhere is in the way on a phone.
document.addEventListener("click", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});
