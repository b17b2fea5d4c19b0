// WGS-84 and the coordinate systems of Chinese maps: the same arithmetic as inference/positions/coordinates.py, which
// says where it is from. Everything of ours is WGS-84; only what stands on tiles of another system is converted.

const A = 6378245.0, E2 = 0.00669342162296594323; // Krasovsky's ellipsoid, metres
const LOW = [72.004, 0.8293], HIGH = [137.8347, 55.8271], FADE_DEG = 0.5; // lon, lat
const BD_TURN = (Math.PI * 3000) / 180;
const ENOUGH_DEG = 1e-13, MAX_ROUNDS = 60;
const { PI, abs, atan2, cos, hypot, max, min, sin, sqrt } = Math;

/** [lon, lat] in degrees of `crs` (wgs84, gcj02, bd09) as WGS-84 degrees. */
export function toWgs84(point, crs) {
  if (crs === "bd09") point = undo(baiduShift, point);
  return crs === "gcj02" || crs === "bd09" ? undo(marsShift, point) : point;
}

/** [lon, lat] in WGS-84 degrees as degrees of `crs`. */
export function fromWgs84(point, crs) {
  if (crs === "gcj02" || crs === "bd09") point = add(point, marsShift(point));
  return crs === "bd09" ? add(point, baiduShift(point)) : point;
}

/** Metres between two [lon, lat] that are near each other. */
export function metresBetween([lon1, lat1], [lon2, lat2]) {
  const metresPerDegree = (PI * 6371008.8) / 180;
  return hypot((lon2 - lon1) * cos(((lat1 + lat2) * PI) / 360), lat2 - lat1) * metresPerDegree;
}

const add = ([x, y], [dx, dy]) => [x + dx, y + dy];
const clip = (value, low, high) => min(max(value, low), high);
const degrees = (radians) => (radians * 180) / PI;

function undo(shift, shifted) {
  const better = ([dx, dy]) => [shifted[0] - dx, shifted[1] - dy];
  let point = better(shift(shifted));
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = better(shift(point));
    const moved = max(abs(next[0] - point[0]), abs(next[1] - point[1]));
    point = next;
    if (!(moved > ENOUGH_DEG)) break;
  }
  return point;
}

/** How much of the shift applies: 1 in China, 0 outside the rectangle, between them over half a degree. */
function share([lon, lat]) {
  const inside = min(lon - LOW[0], lat - LOW[1], HIGH[0] - lon, HIGH[1] - lat);
  return clip(inside / FADE_DEG, 0, 1);
}

function marsShift(point) {
  const [lon, lat] = point, applies = share(point);
  const x = clip(lon - 105, -40, 40), y = clip(lat - 35, -40, 40);
  const ripple = 20 * sin(6 * PI * x) + 20 * sin(2 * PI * x);
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x));
  east += ((ripple + 20 * sin(PI * x) + 40 * sin((PI * x) / 3)) * 2) / 3;
  east += ((150 * sin((PI * x) / 12) + 300 * sin((PI * x) / 30)) * 2) / 3;
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x));
  north += ((ripple + 20 * sin(PI * y) + 40 * sin((PI * y) / 3)) * 2) / 3;
  north += ((160 * sin((PI * y) / 12) + 320 * sin((PI * y) / 30)) * 2) / 3;
  const phi = (clip(lat, -80, 80) * PI) / 180;
  const squeeze = 1 - E2 * sin(phi) ** 2;
  return [
    degrees(east / ((A / sqrt(squeeze)) * cos(phi))) * applies,
    degrees(north / ((A * (1 - E2)) / squeeze ** 1.5)) * applies,
  ];
}

function baiduShift(point) {
  const [lon, lat] = point, applies = share(point);
  const radius = hypot(lon, lat) + 2e-5 * sin(lat * BD_TURN);
  const angle = atan2(lat, lon) + 3e-6 * cos(lon * BD_TURN);
  return [(radius * cos(angle) + 0.0065 - lon) * applies, (radius * sin(angle) + 0.006 - lat) * applies];
}
