// Precision over recall of two releases, one class or condition at a time.
import uPlot from "./vendor/uplot.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const data = document.getElementById("curves");
const curves = data ? JSON.parse(data.textContent) : [];
const chart = document.getElementById("chart"), choice = document.getElementById("curve");
let shown = null;

if (curves.length) {
  choice.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => shown?.setSize(size())).observe(chart);
  draw();
}

function draw() {
  shown?.destroy();
  shown = null;
  const curve = curves[Number(choice.value)], colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const lines = [steps(curve.champion_recall, curve.champion_precision), steps(curve.challenger_recall, curve.challenger_precision)];
  if (lines.every(([recall]) => recall.length === 0)) return chart.replaceChildren(make("p", { className: "hint" }, say("Nothing was drawn for this one.")));
  chart.replaceChildren();
  const axis = (label) => ({ label, stroke: colour("--soft"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") }, labelSize: 22 });
  const names = chart.closest("main").querySelectorAll("section .table thead th");
  const line = (label, stroke, dash) => ({ label, stroke, dash, width: 2, spanGaps: true, points: { show: false }, value: (_, value) => value?.toFixed(3) ?? "–" });
  shown = new uPlot({
    ...size(),
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1.02] } },
    axes: [axis(say("Recall")), axis(say("Precision"))],
    series: [
      { label: say("Recall"), value: (_, value) => value?.toFixed(3) ?? "–" },
      line(names[3].textContent, colour("--soft"), [6, 4]), line(names[4].textContent, colour("--accent")),
    ],
  }, uPlot.join(lines), chart);
}

function size() {
  return { width: Math.max(240, chart.clientWidth), height: Math.min(360, Math.max(220, chart.clientWidth * 0.55)) };
}

/** Points in order of recall, the best precision of each: [recall, precision]. */
function steps(recall, precision) {
  const best = new Map();
  recall.forEach((value, index) => best.set(value, Math.max(best.get(value) ?? 0, precision[index])));
  const sorted = [...best].sort(([a], [b]) => a - b);
  return [sorted.map(([value]) => value), sorted.map(([, value]) => value)];
}
