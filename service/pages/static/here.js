// Where and when: what this browser knows about itself.
import { say } from "./words.js";

const MOST_ACCURACY_M = 10_000;

/**
 * Where this browser is, now: {lon, lat, source, accuracy_m} in WGS-84.
 *
 * @throws {Error} why it does not say, with what to do, in words
 */
export function whereIAm() {
  if (!isSecureContext || !navigator.geolocation) return Promise.reject(new Error(say("Browsers tell their position only over HTTPS. Put the pin on the map instead.")));
  return new Promise((resolve, reject) => navigator.geolocation.getCurrentPosition(
    ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, source: "browser", accuracy_m: Math.min(Math.max(coords.accuracy || 1, 0.1), MOST_ACCURACY_M) }),
    ({ code }) => reject(new Error(code === 1 ? say("This browser may not tell its position. Allow it in the settings of the browser, or put the pin on the map.")
      : say("This browser does not know its position. Put the pin on the map instead."))),
    { enableHighAccuracy: true, timeout: 15_000, maximumAge: 0 }));
}

/** A moment with this device's offset from UTC, as 2026-11-22T08:30:00+08:00. */
export function inZone(moment) {
  const minutes = -moment.getTimezoneOffset(), two = (value) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const local = new Date(moment.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  return `${local}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}
