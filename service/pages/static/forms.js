// <form method="dialog" data-api="PATCH /v1/people/ID"> sends its fields as JSON, and shows what comes back.
//   method="dialog"         before this script is there, nothing is sent, and nothing typed gets into an address
//   data-version="3"        goes as If-Match
//   data-then="reload | go:/path | show:name | event:name"   what happens then; show: into the form's <output name>
//   data-said="Saved."      what is said then
//   data-ask="Really?"      asked before
//   data-bare               has no body; data-body="name": the body is that field, JSON
//   data-keyed              goes with an Idempotency-Key, and is sent again while the server is away
// A form that was changed by somebody else meanwhile sends "stale"; who prevents its default says so in its own way.
// Fields: data-query goes into the address; name="a.b" nests; data-type="number | boolean | list | json"; empty ones are left out, or null with data-empty="null".
import { call, newKey, Problem } from "./api.js";
import { make } from "./elements.js";
import { notice } from "./notice.js";
import { say } from "./words.js";

/** Send forms with data-api by the API, now and later. */
export function watchForms() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-api]")) return;
    event.preventDefault();
    void send(event.target, event.submitter);
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) document.querySelectorAll("form[data-busy]").forEach(free); // come back to
    sayWhatWasDone();
  });
}

async function send(form, button) {
  if (form.dataset.busy || (form.dataset.ask && !(await confirmed(form.dataset.ask)))) return;
  const [method, path] = form.dataset.api.split(" ");
  form.dataset.busy = "yes";
  button?.setAttribute("aria-busy", "true");
  clear(form);
  let leaving = false;
  try {
    const json = method === "GET" || method === "DELETE" || form.dataset.bare !== undefined ? undefined
      : form.dataset.body ? JSON.parse(form.elements[form.dataset.body].value) : fields(form, button);
    const keyed = form.dataset.keyed !== undefined;
    const answer = await call(method, path + queryOf(form), { json, version: form.dataset.version, patient: keyed, key: keyed ? (form.dataset.key ||= newKey()) : undefined });
    leaving = after(form, answer);
  } catch (error) {
    show(form, error);
  } finally {
    if (!leaving) free(form);
  }
}

function free(form) {
  delete form.dataset.busy;
  for (const each of form.elements) each.removeAttribute("aria-busy");
}

/** A form's fields as the API takes them. */
export function fields(form, button = null) {
  const sent = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || field.dataset.query !== undefined || field.type === "submit" || (field.type === "radio" && !field.checked)) continue;
    const value = valueOf(field);
    if (value !== undefined) put(sent, field.name.split("."), value);
  }
  if (button?.name) put(sent, button.name.split("."), button.value);
  return sent;
}

function queryOf(form) {
  const asked = [...form.elements].filter((field) => field.dataset.query !== undefined && field.value.trim());
  return asked.length ? `?${new URLSearchParams(asked.map((field) => [field.name, field.value.trim()]))}` : "";
}

function valueOf(field) {
  if (field.type === "checkbox" && !field.dataset.type) return field.checked;
  if (field.type === "checkbox") return field.checked ? [field.value] : [];
  if (field.multiple) return [...field.selectedOptions].map((option) => option.value);
  const text = field.type === "password" ? field.value : field.value.trim();
  if (text === "") return field.dataset.empty === "null" ? null : field.dataset.empty === "text" ? "" : undefined;
  switch (field.dataset.type) {
    case "number": return Number(text);
    case "boolean": return text === "true";
    case "list": return text.split(/[\n,，、]+/).map((each) => each.trim()).filter(Boolean);
    case "json": return JSON.parse(text);
    default: return text;
  }
}

function put(object, [first, ...rest], value) {
  if (rest.length) put((object[first] ??= {}), rest, value);
  else if (Array.isArray(value) && Array.isArray(object[first])) object[first].push(...value);
  else object[first] = value;
}

/** What follows. Gives whether the page is left: until then its form may not be sent again. */
function after(form, answer) {
  delete form.dataset.key;
  const said = form.dataset.said ?? "";
  const [what, where = ""] = (form.dataset.then ?? "event:saved").split(/:(.*)/s);
  if (what === "reload" || what === "go") {
    if (said) sessionStorage.setItem("said", said);
    if (what === "go") location.assign(where.replace(/\{(\w+)\}/g, (_, name) => answer.data[name]));
    else location.reload();
    return true;
  }
  if (what === "show") Object.assign(form.elements[where], { value: answer.data[where], hidden: false });
  if (said) notice(said);
  form.dispatchEvent(new CustomEvent(what === "event" ? where : "saved", { bubbles: true, detail: answer }));
  return false;
}

function show(form, error) {
  if (error instanceof SyntaxError) return notice(error.message, { bad: true });
  if (!(error instanceof Problem)) throw error;
  const stale = error.status === 412;
  if (stale && !form.dispatchEvent(new CustomEvent("stale", { bubbles: true, cancelable: true }))) return;
  const text = stale ? say("This was changed by somebody else meanwhile. Reload to see it; what you have typed stays until then.") : error.message;
  const problem = make("p", { className: "problem", role: "alert" }, text);
  if (stale) problem.append(" ", make("button", { type: "button", onclick: () => location.reload() }, say("Reload")));
  form.prepend(problem);
  for (const { field, message } of error.errors) {
    const wrong = form.elements[field.replace(/^body\./, "")];
    if (!(wrong instanceof Element)) { problem.append(make("br"), `${field}: ${message}`); continue; }
    wrong.classList.add("invalid");
    wrong.setAttribute("aria-invalid", "true");
    wrong.after(make("span", { className: "field-problem" }, message));
  }
  problem.scrollIntoView({ block: "nearest" });
}

function clear(form) {
  form.querySelectorAll(":scope > .problem, span.field-problem").forEach((each) => each.remove());
  form.querySelectorAll(".invalid").forEach((each) => { each.classList.remove("invalid"); each.removeAttribute("aria-invalid"); });
}

/** Ask before something that cannot be taken back. */
export function confirmed(text) {
  const dialog = make("dialog", { "aria-label": text }, make("p", {}, text),
    make("form", { method: "dialog", className: "row" },
      make("button", { value: "yes", className: "main" }, say("Yes")), make("button", { value: "" }, say("No"))));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); }));
}

function sayWhatWasDone() {
  const said = sessionStorage.getItem("said");
  sessionStorage.removeItem("said");
  if (said) notice(said);
}
