// Moments, ages and numbers as people of the page's language write them, on the city's clock. As pages/writing.py.
const language = document.documentElement.lang;
const timeZone = document.body?.dataset.zone || undefined;
const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone });
const AGO = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const PERCENT = new Intl.NumberFormat(language, { style: "percent" });
const NUMBER = new Intl.NumberFormat(language);
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

/** Day and minute; a dash for none. */
export const moment = (iso) => (iso ? MOMENT.format(new Date(iso)) : "–");

/** How long ago, roughly; a dash for none. */
export function ago(iso) {
  if (!iso) return "–";
  const seconds = (new Date(iso) - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return AGO.format(Math.round(seconds / size), unit);
}

/** A share of one as per cent; a dash for none. */
export const percent = (share) => (share === null || share === undefined ? "–" : PERCENT.format(share));

export const number = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));

/** A time that was typed by the city's clock, with that clock's offset from UTC. */
export function onCityClock(local) {
  const names = new Intl.DateTimeFormat("en", { timeZone: document.body.dataset.zone, timeZoneName: "longOffset" }).formatToParts(new Date(`${local}Z`));
  return `${local}:00${names.find(({ type }) => type === "timeZoneName").value.slice(3) || "Z"}`;
}
