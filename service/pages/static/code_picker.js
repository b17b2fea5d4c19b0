// Any code of a national table, by typing a part of its number or name: a combobox after the ARIA pattern.
// Markup: _code_picker.html. The lines of a table are read once; searching needs no server.
import { call } from "./api.js";
import { make } from "./elements.js";
import { conditionLabel } from "./taxonomy.js";
import { say } from "./words.js";

const SHOWN = 60, KEPT = 5, STORE = "streetsight-codes";
const tables = new Map();

/** The lines of a table: matters before the components that they are faults of. */
export function linesOf(scheme) {
  if (!tables.has(scheme)) {
    const asked = call("GET", `/v1/codes?scheme=${encodeURIComponent(scheme)}&limit=1000`, { patient: true });
    tables.set(scheme, asked.then(({ data }) => data, (error) => { tables.delete(scheme); throw error; }));
  }
  return tables.get(scheme);
}

export class CodePicker {
  #input; #popup; #list; #hint; #scheme; #said; #lines = []; #active = -1; #onChange;

  /** @param {{onChange: (code: object|null) => void}} calls a line of GET /v1/codes was chosen, or none is */
  constructor(root, { onChange }) {
    this.#onChange = onChange;
    this.value = null;
    [this.#input, this.#popup, this.#list, this.#hint, this.#scheme, this.#said] = ["[role=combobox]", ".code-popup", "[role=listbox]", ".hint", "select", ".chosen-code"].map((selector) => root.querySelector(selector));
    this.#input.addEventListener("input", () => { this.#take(null); void this.#search(); });
    this.#input.addEventListener("focus", () => this.#input.select());
    this.#input.addEventListener("click", () => void this.#search());
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => this.#close());
    this.#popup.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    this.#list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) this.#choose(Number(option.dataset.index)); });
    this.#scheme.addEventListener("change", () => { this.set(null); this.#input.focus(); void this.#search(); });
  }

  /** Choose a line by {scheme, code, kind}, or none. */
  async set(wanted) {
    if (!wanted) { this.#input.value = ""; this.#take(null); return; }
    this.#scheme.value = wanted.scheme;
    const line = (await linesOf(wanted.scheme)).find(({ code, kind }) => code === wanted.code && (!wanted.kind || kind === wanted.kind));
    if (line) this.#take(line);
  }

  focus() { this.#input.focus(); }

  #take(line) {
    this.value = line;
    if (line) { this.#input.value = `${line.code} ${line.label}`; remember(line); }
    this.#said.textContent = line ? conditionLabel(line.condition) : "";
    this.#said.hidden = !line;
    this.#input.removeAttribute("aria-invalid");
    this.#close();
    this.#onChange(line);
  }

  async #search() {
    const words = this.value ? [] : this.#input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const all = await linesOf(this.#scheme.value);
    const found = all.filter((line) => { const text = `${line.code} ${line.name} ${line.label}`.toLowerCase(); return words.every((word) => text.includes(word)); });
    const begins = (line) => words.length > 0 && (line.code.startsWith(words[0]) || line.label.toLowerCase().startsWith(words[0]));
    found.sort((one, other) => begins(other) - begins(one));
    const used = words.length ? [] : remembered().map((key) => all.find((line) => keyOf(line) === key)).filter(Boolean);
    this.#lines = [...used, ...found.filter((line) => !used.includes(line))].slice(0, SHOWN);
    if (document.activeElement !== this.#input) return;
    this.#list.replaceChildren(...this.#lines.map((line, index) => make("li", { role: "option", id: `${this.#list.id}-${index}`, "aria-selected": "false", dataset: { index } },
      make("b", {}, line.code), ` ${line.label} `, make("span", { className: "hint" }, line.kind === "部件" ? say("component") : conditionLabel(line.condition)))));
    this.#hint.textContent = !this.#lines.length ? say("No code has these words. Try fewer, or the other table.")
      : found.length > SHOWN ? say("{count} more; type a part of the name", { count: found.length - SHOWN }) : "";
    this.#list.hidden = !this.#lines.length; // a listbox has options
    this.#popup.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#mark(words.length && this.#lines.length ? 0 : -1);
  }

  #key(event) {
    if (event.isComposing) return;
    const open = !this.#popup.hidden, last = this.#lines.length - 1;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) { void this.#search(); return; }
      const down = event.key === "ArrowDown";
      this.#mark(down ? (this.#active >= last ? 0 : this.#active + 1) : (this.#active <= 0 ? last : this.#active - 1));
    } else if (event.key === "Enter" && (!this.value || (open && this.#active >= 0))) {
      event.preventDefault();
      if (open) this.#choose(this.#active);
      else void this.#search().then(() => this.#choose(this.#active)); // who types fast is there before the table
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      this.#close();
    }
  }

  #mark(index) {
    this.#active = index;
    const options = [...this.#list.querySelectorAll("[role=option]")];
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) { this.#input.removeAttribute("aria-activedescendant"); return; }
    this.#input.setAttribute("aria-activedescendant", options[index].id);
    options[index].scrollIntoView({ block: "nearest" });
  }

  #choose(index) { if (this.#lines[index]) this.#take(this.#lines[index]); }

  #close() {
    this.#popup.hidden = true;
    this.#active = -1;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}

const keyOf = ({ scheme, kind, code }) => `${scheme}/${kind}/${code}`;

function remembered() {
  try { return JSON.parse(localStorage.getItem(STORE) ?? "[]"); } catch { return []; }
}

function remember(line) {
  try { localStorage.setItem(STORE, JSON.stringify([keyOf(line), ...remembered().filter((key) => key !== keyOf(line))].slice(0, KEPT))); } catch { /* a private window keeps nothing */ }
}
