// Pages of administration: areas that are ticked, and how a webhook's test went.
import { notice } from "./notice.js";
import { say } from "./words.js";

document.addEventListener("change", ({ target }) => {
  const choice = target.closest(".area-choice");
  if (choice) choice.querySelector("[name=areas]").value = [...choice.querySelectorAll("input:checked")].map((each) => each.value).join(",");
});

document.addEventListener("tried", ({ detail: { data } }) => {
  if (data.delivered) notice(say("It arrived: {status} after {ms} ms.", { status: data.status, ms: data.duration_ms }));
  else notice(say("It did not arrive: {reason}", { reason: data.error ?? `${data.status} ${data.answer ?? ""}` }), { bad: true });
});
