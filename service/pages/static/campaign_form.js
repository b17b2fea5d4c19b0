// A campaign as a form: phases as rows, by templates of city documents; groups of the grouping that is chosen.
const form = document.getElementById("campaign"), phases = document.getElementById("phases"), grouping = document.getElementById("grouping");
const proposed = JSON.parse(document.getElementById("phase-templates").textContent);
const part = (row, name) => row.querySelector(`[data-part=${name}]`);

function addPhase({ name = "", first = "", last = "", counts = true } = {}) {
  const row = document.getElementById("phase").content.firstElementChild.cloneNode(true);
  for (const [each, value] of Object.entries({ name, first: first ?? "", last: last ?? "" })) part(row, each).value = value;
  part(row, "counts").checked = counts;
  phases.append(row);
  return row;
}

form.addEventListener("click", ({ target }) => {
  if (target.matches("[data-remove]") && phases.children.length > 1) target.closest("li").remove();
  if (target.id === "add-phase") part(addPhase(), "name").focus();
  if (target.dataset.template) { phases.replaceChildren(); proposed[Number(target.dataset.template)].forEach(addPhase); }
});

grouping.addEventListener("change", showGroups);
showGroups();

function showGroups() {
  for (const each of form.querySelectorAll("[data-grouping]")) {
    each.hidden = each.dataset.grouping !== grouping.value;
    for (const box of each.querySelectorAll("input")) box.disabled = each.hidden;
  }
}

document.getElementById("find-place")?.addEventListener("change", ({ target }) => {
  const codes = form.elements["places.codes"], code = target.value.trim();
  if (!code) return;
  codes.value = codes.value.trim() ? `${codes.value.trim()}, ${code}` : code;
  target.value = "";
});

form.addEventListener("submit", () => {
  form.elements.phases.value = JSON.stringify([...phases.children].map((row) => ({
    name: part(row, "name").value.trim(), first: part(row, "first").value, last: part(row, "last").value, counts: part(row, "counts").checked,
  })));
}, { capture: true });
