// Short messages at the lower edge, read out by screen readers.
import { make } from "./elements.js";
import { say } from "./words.js";

/** Show a message. `action`: {text, run}; `bad` ones and those with an action stay until closed. */
export function notice(text, { bad = false, action = null, key = "" } = {}) {
  const all = document.getElementById("notices");
  if (key) all.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
  const shown = make("div", { className: bad ? "notice bad" : "notice", dataset: { key } }, make("span", {}, text));
  if (action) shown.append(make("button", { type: "button", onclick: () => { shown.remove(); action.run(); } }, action.text));
  shown.append(make("button", { type: "button", title: say("Close"), onclick: () => shown.remove() }, "×"));
  all.append(shown);
  if (!bad && !action) setTimeout(() => shown.remove(), 5000);
  return shown;
}
