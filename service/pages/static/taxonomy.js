// Classes and conditions as this installation names and colours them: <script type="application/json" id="taxonomy">.
let known = null;

function taxonomy() {
  known ??= JSON.parse(document.getElementById("taxonomy").textContent);
  return known;
}

/** All classes, issues before context: {name, label, colour, condition, leads, codes: [{scheme, kind, code}]}. */
export const classes = () => taxonomy().classes;

/** A class; one that this installation does not know is shown by its name. */
export const classNamed = (name) => classes().find((each) => each.name === name)
  ?? { name, label: name, colour: "#7b8594", condition: null, leads: [], codes: [] };

/** What a condition is called. */
export const conditionLabel = (name) => taxonomy().conditions[name]?.label ?? taxonomy().other;

/** The colour that a condition has on maps. */
export const conditionColour = (name) => taxonomy().conditions[name]?.colour ?? "#7b8594";
