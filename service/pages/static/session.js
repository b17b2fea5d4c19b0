// A session that ends in mid-work: sign in again where one is, and go on with what was to be sent.
import { make } from "./elements.js";
import { say } from "./words.js";

const LOOK_MS = 250;
let asking = null;

/** How often somebody has signed in on this page. */
export let signIns = 0;

/**
 * Ask for login and password until they are right. Everybody who waits goes on then.
 *
 * @param {{behind?: boolean}} options behind: nobody asked for what was refused, so that nobody is asked for a password between
 *   two letters that they type into a dialog
 * @param {number} before how often somebody had signed in when what was refused was sent: nobody is asked twice for one session
 */
export async function signInAgain({ behind = false } = {}, before = signIns) {
  while (behind && !asking && signIns === before && document.querySelector("dialog[open]")) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  if (signIns !== before) return;
  asking ??= ask().finally(() => { asking = null; });
  await asking;
}

function ask() {
  const problem = make("p", { className: "problem", role: "alert", hidden: true });
  const login = make("input", { name: "login", autocomplete: "username", required: true, maxLength: 100 });
  const password = make("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const form = make("form", {},
    make("label", {}, say("Login"), login), make("label", {}, say("Password"), password),
    make("button", { className: "main" }, say("Sign in")));
  const title = make("h2", { id: "again" }, say("Your session is over. Sign in again; nothing you have typed is lost."));
  const dialog = make("dialog", { "aria-labelledby": "again" }, title, problem, form);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => { if (dialog.isConnected) dialog.showModal(); }); // browsers let a second Escape through
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = await tryToSignIn(login.value, password.value);
      problem.textContent = said ?? "";
      problem.hidden = said === null;
      if (said !== null) return;
      signIns += 1;
      dialog.remove();
      resolve();
    });
  });
}

/** What is wrong, or null: signed in. */
async function tryToSignIn(login, password) {
  let answer, told;
  try {
    answer = await fetch("/v1/session", {
      method: "POST", body: JSON.stringify({ login, password }),
      headers: { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang },
    });
    told = await answer.json();
  } catch { // no network, or a page of something between
    return say("The server does not answer. Try again.");
  }
  if (!answer.ok) return told.detail;
  document.querySelector("meta[name=csrf]").content = told.csrf_token;
  const before = document.body.dataset.login;
  return before && before !== told.person.id
    ? say("You are {login} now; this page was opened by somebody else. Reload it.", { login: told.person.login }) : null;
}
