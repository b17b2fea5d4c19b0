// What scripts say, in the page's language: templates name the texts with words(...).
let known = null;

/** The text in the page's language, with {name} fields filled in. */
export function say(text, values = {}) {
  known ??= Object.assign({}, ...[...document.querySelectorAll("script.words")].map((each) => JSON.parse(each.textContent)));
  if (!(text in known)) console.error(`words() of the template does not name: ${text}`);
  return (known[text] ?? text).replace(/\{(\w+)\}/g, (field, name) => values[name] ?? field);
}
