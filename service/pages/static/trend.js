// Totals month by month: one subject beside the mean of its group.
import uPlot from "./vendor/uplot.js";
import { make } from "./elements.js";
import { say } from "./words.js";

const { months, subjects, full, only, open } = JSON.parse(document.getElementById("trend-data").textContent);
const chart = document.getElementById("trend"), choice = document.getElementById("trend-of");
let shown = null;

choice?.addEventListener("change", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
new ResizeObserver(() => shown?.setSize(size())).observe(chart);
draw();

function draw() {
  shown?.destroy();
  shown = null;
  const subject = subjects.find(({ code }) => code === (only ?? choice.value)) ?? { totals: [] };
  if (!subject.totals.some((total) => total !== null)) return chart.replaceChildren(make("p", { className: "hint" }, say("No closed month yet: the line begins with the first one.")));
  chart.replaceChildren();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = (rest) => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") }, ...rest });
  const line = (label, name, dash) => ({ label, stroke: colour(name), dash, width: 2, spanGaps: false, points: { show: true, size: 6 }, value: (_, value) => (value === null || value === undefined ? "–" : String(value)) });
  const peers = subjects.filter(({ group }) => group === subject.group);
  const series = peers.length > 1 ? [line(subject.name, "--accent"), line(say("Mean of its group"), "--soft", [6, 4])] : [line(subject.name, "--accent")];
  const data = [months.map((_, index) => index), subject.totals, mean(peers)].slice(0, series.length + 1);
  const values = data.slice(1).flat().filter((value) => value !== null), low = Math.min(...values), high = Math.max(...values);
  shown = new uPlot({
    ...size(), cursor: { y: false },
    scales: { x: { time: false, range: [-0.3, months.length - 0.7] }, y: { range: [Math.floor(low - 1), high > full ? Math.ceil(high) : full + 0.1] } },
    axes: [axis({ splits: months.map((_, index) => index), values: (_, at) => at.map((index) => months[index].slice(2)), rotate: chart.clientWidth < 560 ? -60 : 0, size: chart.clientWidth < 560 ? 50 : 34 }), axis({ size: 46 })],
    series: [{ label: say("Month"), value: (_, index) => months[index] ?? "–" }, ...series],
  }, data, chart);
}

function size() {
  return { width: Math.max(240, chart.clientWidth), height: 190 };
}

/** Of each month, over those that were inspected; of an open one of which one alone was reckoned, none. */
function mean(peers) {
  return months.map((month, index) => {
    if (month === open) return null;
    const known = peers.map(({ totals }) => totals[index]).filter((total) => total !== null);
    return known.length ? Math.round((100 * known.reduce((sum, total) => sum + total, 0)) / known.length) / 100 : null;
  });
}
