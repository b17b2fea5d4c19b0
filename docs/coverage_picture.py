"""Draw the picture of docs/coverage-of-streets.md: a short drive, what it saw, passed and did not see.

`python docs/coverage_picture.py` writes it again.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.coverage.covered import Coverage
from streetsight.inference.ground.view import View
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections
from streetsight.models.frame import Position

PICTURE = Path(__file__).parent / "images" / "coverage.svg"
PLANE = LocalPlane(114.26, 30.54)
CAMERA = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
SIZE_WH = (1280, 720)
BEGINS = datetime(2026, 5, 4, 8, tzinfo=UTC)
CAR = np.array([[x, y] for x in (36.0, 40.5) for y in (-5.2, -3.4)])  # east, north; drives go east
FRAMES, LOST_M = 26, 64.0  # without a heading from so far on
SCALE, TOP_M = 9.0, 22.0


def drive() -> Coverage:
    """Frames every 4 m to the east: some dark, the last ones without a heading."""
    coverage = Coverage()
    for index in range(FRAMES):
        east = index * 4.0
        lon, lat = PLANE.to_lon_lat(np.array([east, 0.0])).tolist()
        position = Position(lon, lat, "gpx", 1.0, 90.0 if east < LOST_M else None)
        dark = ("too_dark",) if east in (28.0, 32.0) else ()
        pose = Pose(BEGINS + timedelta(seconds=east / 6), position, 1.0)
        frame = PatrolFrame(
            str(index), str(index), pose, SIZE_WH, parked(east), ("car",), CAMERA, faults=dark
        )
        coverage.add(frame, "a drive")
    return coverage


def parked(east: float) -> Detections:
    """The parked car as a perfect detector would box it."""
    away = CAR - [east, 0.0]
    if away[:, 0].min() < 1.0:
        return Detections.empty()
    view = View(CAMERA, SIZE_WH, 90.0)
    pixels = np.vstack([view.to_pixels(away, up) for up in (0.0, 1.5)])
    box = np.clip([*pixels.min(axis=0), *pixels.max(axis=0)], 0, [*SIZE_WH, *SIZE_WH])
    if box[2] - box[0] < 10 or box[3] - box[1] < 10:
        return Detections.empty()
    return Detections(box[None].astype(np.float32), np.ones(1, np.float32), np.zeros(1, np.int64))


def path_of(ground: BaseGeometry) -> str:
    """The `d` of an SVG path for polygons in degrees."""
    steps = []
    for polygon in shapely.get_parts(ground):
        for ring in (polygon.exterior, *polygon.interiors):
            points = PLANE.to_metres(shapely.get_coordinates(ring)) * [SCALE, -SCALE] + [40, TOP_M * SCALE]
            steps.append("M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z")
    return "".join(steps)


def label(east: float, north: float, text: str, anchor: str = "middle") -> str:
    """Text at a place on the ground."""
    x, y = east * SCALE + 40, (TOP_M - north) * SCALE
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text}</text>'


def main() -> None:
    coverage = drive()
    grounds = list(coverage.ground(coverage.days[0]))
    seen = shapely.union_all([each for each, _, _ in grounds])
    passed = shapely.union_all([each for _, each, _ in grounds])
    width, height = 108 * SCALE + 80, 2 * TOP_M * SCALE
    dots = "".join(
        f'<circle cx="{index * 4 * SCALE + 40}" cy="{TOP_M * SCALE}" r="3.5" '
        f'fill="{"#E5484D" if index * 4 in (28, 32) else "#888" if index * 4 >= LOST_M else "#111"}"/>'
        for index in range(FRAMES)
    )
    (west, south), (east, north) = CAR.min(axis=0), CAR.max(axis=0)
    car = (
        f'<rect x="{west * SCALE + 40}" y="{(TOP_M - north) * SCALE}" width="{(east - west) * SCALE}" '
        f'height="{(north - south) * SCALE}" fill="#8E4EC6"/>'
    )
    marks = [
        label(36, 17.5, "seen: by which frames, and from how near"),
        label(35.5, -4.8, "parked car", "end"),
        label(52, -17.5, "hidden behind it, or only in reach of dark frames: not seen"),
        label(97, 11, "heading unknown: passed, not seen"),
        label(30, 1.6, "dark: cover nothing"),
    ]
    PICTURE.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-family="sans-serif" font-size="15">\n<rect width="100%" height="100%" fill="#F4F4F2"/>\n'
        f'<path d="{path_of(seen)}" fill="#9BD7A5" fill-rule="evenodd" stroke="#2B7A3B"/>\n'
        f'<path d="{path_of(passed)}" fill="#FFE2A8" fill-rule="evenodd" stroke="#B7791F"/>\n'
        f"{car}\n{dots}\n" + "\n".join(marks) + "\n</svg>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
