// A file that is checked before it is kept. What was found holds for the file and the fields that were sent: another choice
// starts anew, an answer that comes after it is not shown, and what is kept is byte for byte what was checked.
import { Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";

export const problem = (text) => make("p", { className: "problem" }, text);

/** What a file of JSON says. Throws a Problem. */
export async function jsonOf(content) {
  const text = await content.text();
  try {
    return JSON.parse(text);
  } catch ({ message }) {
    throw new Problem(0, { detail: say("This file is no JSON: {reason}", { reason: message }) });
  }
}

export class CheckedFile {
  #form; #found; #calls; #turn = 0;

  /**
   * Calls: check(file) gives what to show of it; keep(file) keeps it, and leaves the page; told(problem) gives what to show
   * of a refusal. The form's button named "keep" keeps the file without a check.
   *
   * @param {HTMLFormElement} form with a field `file`; a `reason` may be changed at any time
   * @param {HTMLElement} found where it is shown
   * @param {{check: (file: File) => Promise<Node[]>, keep: (file: File) => Promise<void>, told?: (error: Problem) => Node[]}} calls
   */
  constructor(form, found, calls) {
    [this.#form, this.#found, this.#calls] = [form, found, { told: ({ message }) => [problem(message)], ...calls }];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void (event.submitter?.name === "keep" ? this.#keep(event.submitter) : this.check(event.submitter));
    });
    form.addEventListener("change", ({ target }) => { if (target.name !== "reason") this.#begin(); });
  }

  /** Ask what would come of the file that is chosen now. */
  async check(button = null) {
    const turn = this.#begin(), found = await this.#answered(async () => this.#calls.check(await this.#chosen()), button);
    if (turn === this.#turn) this.#found.replaceChildren(...found);
  }

  /** A button that keeps a file as it was checked. */
  keeping(text, file) {
    const button = make("button", { type: "button", className: "main" }, text);
    button.addEventListener("click", () => void this.#keep(button, file));
    return button;
  }

  /** Keep a file, or the one that is chosen now; once, and a refusal is told whatever was chosen meanwhile. */
  async #keep(button, file = null) {
    button.disabled = true;
    const refused = await this.#answered(async () => this.#calls.keep(file ?? (await this.#chosen())), button);
    if (!refused) return addEventListener("pageshow", () => { button.disabled = false; }, { once: true }); // left, perhaps to be come back to
    button.disabled = false;
    this.#found.replaceChildren(...refused);
  }

  #begin() {
    this.#found.replaceChildren();
    return (this.#turn += 1);
  }

  async #answered(work, button) {
    button?.setAttribute("aria-busy", "true");
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return this.#calls.told(error);
    } finally {
      button?.removeAttribute("aria-busy");
    }
  }

  /** Its bytes, read now: browsers refuse to send a file that was changed after it was chosen. */
  async #chosen() {
    const [file] = this.#form.elements.file.files;
    if (!file) throw new Problem(0, { detail: say("Choose a file first.") });
    try {
      return new File([await file.arrayBuffer()], file.name, { type: file.type });
    } catch {
      throw new Problem(0, { detail: say("This file was changed since it was chosen, or cannot be read. Choose it again.") });
    }
  }
}
