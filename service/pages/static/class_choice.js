// "What is it?" asked in a dialog: one key, one tap.
import { make } from "./elements.js";
import { keyCap } from "./keys.js";
import { classes, conditionLabel } from "./taxonomy.js";
import { say } from "./words.js";

const KEYS = "123456789abcdefghijklmnopqrstuvwxyz";

/** Ask for a class; gives its name, or null. Classes that can be an issue have keys of their own. */
export function chooseClass(current = null) {
  const dialog = make("dialog", { className: "classes", "aria-labelledby": "classes-title" }, make("h2", { id: "classes-title" }, say("What is it?")));
  let resolve;
  const promise = new Promise((asked) => { resolve = asked; });
  // Told at once, not by the event that comes after: the next key may be quicker than that.
  const choose = (name) => { dialog.close(); resolve(name); };
  const byKey = new Map();
  for (const [title, group] of groups()) {
    const list = make("div", { className: "class-list", role: "group", "aria-label": title });
    for (const { name, label, colour } of group) {
      const key = KEYS[byKey.size] ?? "", dot = make("span", { className: "dot" });
      dot.style.background = colour;
      list.append(make("button", { type: "button", className: name === current ? "current" : "", autofocus: name === current, onclick: () => choose(name) }, dot, label, ...(key ? [keyCap(key)] : [])));
      if (key) byKey.set(key, name);
    }
    dialog.append(make("h3", {}, title), list);
  }
  dialog.append(make("form", { method: "dialog" }, make("button", { value: "" }, say("Cancel"))));
  dialog.addEventListener("keydown", (event) => { if (byKey.has(event.key)) { event.preventDefault(); choose(byKey.get(event.key)); } });
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener("close", () => { dialog.remove(); resolve(null); });
  return promise;
}

function groups() {
  const found = new Map();
  for (const each of classes()) {
    const condition = each.leads[0] ?? "";
    found.set(condition, [...(found.get(condition) ?? []), each]);
  }
  return [...found].map(([condition, group]) => [condition ? conditionLabel(condition) : say("no issue"), group]);
}
