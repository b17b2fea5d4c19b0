// A scheme as a file: kept as a draft, or refused with every place that is wrong.
import { call, Problem } from "./api.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const form = document.getElementById("scheme-file"), refused = document.getElementById("refused");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.submitter?.setAttribute("aria-busy", "true");
  try {
    const { data } = await call("POST", "/v1/schemes/file", { form: new FormData(form) });
    location.assign(`/schemes/${data.key}/${data.number}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    refused.replaceChildren(...told(error));
  } finally {
    event.submitter?.removeAttribute("aria-busy");
  }
});

function told({ message, errors }) {
  if (!errors.length) return [make("p", { className: "problem" }, message)];
  return [
    make("p", { className: "problem" }, say("The file cannot be used, and nothing was kept. Mend these places:")),
    make("ul", { className: "findings" }, ...errors.map(({ field, message: what }) => make("li", {}, field ? say("{place}: {what}", { place: field, what }) : what))),
  ];
}
