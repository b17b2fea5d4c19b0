// What is left over at the end of a campaign, each with its reason.
const form = document.getElementById("end"), same = document.getElementById("same");

form?.addEventListener("submit", () => {
  const rows = [...form.querySelectorAll("[data-issue]")].map((field) => ({ issue: field.dataset.issue, reason: field.value.trim() || same.value.trim() }));
  form.elements.left_over.value = JSON.stringify(rows.filter(({ reason }) => reason));
}, { capture: true });
