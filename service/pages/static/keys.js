// What keys do on a page, and a list of them under "?". Keys typed into a field, or while a dialog is open, are left alone.
import { make } from "./elements.js";
import { say } from "./words.js";

const TYPED_INTO = "input:not([type=checkbox], [type=radio], [type=button], [type=file]), textarea, select, [contenteditable]";

/**
 * @param {{keys: string[], run: (event: KeyboardEvent) => void, does?: string, more?: string[], when?: () => boolean, repeats?: boolean}[]} bindings
 *   keys: as KeyboardEvent.key, with "Shift+" before those that have names; does: what they and `more` do, in words;
 *   those without are not listed; when: whether it is for this binding, the first that may takes it; repeats: while it is held
 * @returns {() => void} shows the list
 */
export function watchKeys(bindings) {
  const show = () => showKeys(bindings);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest(TYPED_INTO) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") { event.preventDefault(); show(); return; }
    // On a button or a link, Enter and Space are its own.
    if ((event.key === "Enter" || event.key === " ") && event.target.closest("button, a, summary, [role=button]")) return;
    const pressed = event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
    const found = bindings.find(({ keys, when }) => keys.includes(pressed) && (!when || when()));
    if (!found) return;
    event.preventDefault();
    if (event.repeat && !found.repeats) return; // a key that is held decides once
    found.run(event);
  });
  return show;
}

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "␣", Delete: "Del", Escape: "Esc" };

/** A key as it stands on keyboards. */
export const keyCap = (key) => make("kbd", {}, key.split("+").map((part) => SHOWN[part] ?? part).join("+") || "+");

function showKeys(bindings) {
  const list = make("dl", { className: "facts" });
  for (const { keys, does, more = [] } of bindings.filter((each) => each.does)) {
    const caps = [...keys, ...more].flatMap((key, index) => (index ? [" ", keyCap(key)] : [keyCap(key)]));
    list.append(make("dt", {}, ...caps), make("dd", {}, does));
  }
  list.append(make("dt", {}, keyCap("?")), make("dd", {}, say("This list")));
  const dialog = make("dialog", { "aria-labelledby": "keys-title" }, make("h2", { id: "keys-title" }, say("Keys")), list,
    make("form", { method: "dialog" }, make("button", { autofocus: true }, say("Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
