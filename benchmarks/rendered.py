"""One thing, one place, with pictures and the shipped release: what tracking costs, and what misses cost.

Three passes by two vehicles over rendered streets (scenery hides things, light changes), GPS noise of 3 m
sigma per axis drifting over 30 s, compass noise of 3 degrees. Once with perfect boxes of what is visible,
once with the release's detections. Rendered streets are no real ones: the release was never meant for them,
and these figures say how well places are made of its detections, not how well it detects.

Time is processor time in one thread, per frame: JPEG to detections against tracking, locating and merging.
"""

import io
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
from benchmarks.passes import FIRST, SECOND, Sighted, Verdict, judge, patrol_frame, well_seen
from numpy.typing import NDArray
from PIL import Image

from streetsight.datasets.simulation.camera import View
from streetsight.datasets.simulation.passes import MONDAY, Noise, Pass, PassFrame, SeenThing, drive_past
from streetsight.datasets.simulation.patrol import visible_things
from streetsight.datasets.simulation.render import render
from streetsight.datasets.simulation.street import Street, build_street, drive
from streetsight.inference.pipeline import detect_source
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.session import Detector
from streetsight.inference.sightings.builder import SightingBuilder
from streetsight.inference.sources import PhotoSource
from streetsight.models.boxes import iou
from streetsight.models.detections import Detections
from streetsight.models.releases import load_release

SEEDS = (3, 5)
FRAMES, STEP_M = 40, 4.0
SAME_IOU = 0.4


@dataclass(slots=True)
class Seconds:
    """Processor time and the frames it was for."""

    frames: int = 0
    detecting: float = 0.0
    placing: float = 0.0


def rendered(street: Street, run: Pass, seed: int) -> Iterator[tuple[PassFrame, bytes]]:
    """The pass's frames with what scenery leaves visible, and their JPEGs."""
    for frame in run.frames:
        view = View(run.vehicle.camera, frame.true_pose)
        rendering = render(street, run.vehicle.camera, frame.true_pose, "day", seed)
        seen = tuple(
            SeenThing(each.thing_id, each.class_name, each.box_xyxy_px, each.distance_m)
            for each in visible_things(street, rendering, view)
        )
        buffer = io.BytesIO()
        Image.fromarray(rendering.image_rgb_hwc).save(buffer, "JPEG", quality=88)
        yield replace(frame, seen=seen), buffer.getvalue()


def street(seed: int, detector: Detector, seconds: Seconds) -> dict[str, Verdict]:
    """Verdicts of one street, for perfect boxes and for the release's."""
    world, noise = build_street(seed), Noise()
    poses = drive(STEP_M, FRAMES)
    ways = {name: (Places(), Sighted()) for name in ("perfect", "release")}
    expected: set[int] = set()
    for number, vehicle in enumerate((FIRST, SECOND, FIRST)):
        start = MONDAY + timedelta(hours=number)
        run = drive_past(world, vehicle, poses, number, noise, seed, start)
        frames = []
        builders = {name: SightingBuilder(run.patrol_id, vehicle.device) for name in ways}
        found: dict[str, list[Sighting]] = {name: [] for name in ways}
        truth: dict[tuple[str, tuple[float, ...]], int] = {}
        for frame, jpeg in rendered(world, run, seed):
            frames.append(frame)
            before = time.process_time()
            detections = detect_source(PhotoSource(frame.id, partial(bytes, jpeg)), detector).detections
            detected = time.process_time()
            assert detections is not None, "a frame rendered here can be read"
            given = patrol_frame(frame, run, noise, frame.seen)
            known = replace(given, detections=detections, class_names=detector.card.class_names)
            started = time.process_time()
            found["release"] += builders["release"].add(known)
            seconds.placing += time.process_time() - started
            seconds.detecting += detected - before
            seconds.frames += 1
            found["perfect"] += builders["perfect"].add(given)
            for which in (given, known):
                truth |= matches(frame, which.detections, which.class_names)
        expected |= well_seen(replace(run, frames=tuple(frames)))
        for name, (places, sighted) in ways.items():
            started = time.process_time()
            places.add(found[name] + (last := builders[name].close()))
            seconds.placing += (time.process_time() - started) * (name == "release")
            for each in found[name] + last:
                shown = Counter(truth.get((g.frame_id, g.box_xyxy_px), 0) for g in each.glimpses)
                sighted.sightings.append(each)
                sighted.thing_of[each.id] = shown.most_common(1)[0][0]
    true_m = {each.id: np.array([each.east_m, each.north_m]) for each in world.things}
    return {name: judge(list(places), sighted, true_m, expected) for name, (places, sighted) in ways.items()}


def matches(
    frame: PassFrame, detections: Detections, names: tuple[str, ...]
) -> dict[tuple[str, tuple[float, ...]], int]:
    """Which thing each detection shows, by class and overlap; 0 for none."""
    boxes = np.array([each.box_xyxy_px for each in frame.seen], np.float32).reshape(-1, 4)
    overlaps: NDArray[np.float32] = iou(detections.boxes_xyxy_px, boxes)
    shown = {}
    for box, class_id, row in zip(
        detections.boxes_xyxy_px.tolist(), detections.class_ids.tolist(), overlaps, strict=True
    ):
        same = [
            overlap if each.class_name == names[class_id] else 0.0
            for each, overlap in zip(frame.seen, row.tolist(), strict=True)
        ]
        best = int(np.argmax(same)) if same else -1
        shown[(frame.id, tuple(box))] = frame.seen[best].thing_id if same and same[best] >= SAME_IOU else 0
    return shown


def measure() -> dict[str, Any]:
    release = load_release()
    detector, seconds = Detector(release, 1, 1), Seconds()
    verdicts = [street(seed, detector, seconds) for seed in SEEDS]
    report: dict[str, Any] = {
        name: _sum([each[name] for each in verdicts]) for name in ("perfect", "release")
    }
    report["ms_per_frame"] = {
        "detecting": round(1e3 * seconds.detecting / seconds.frames, 2),
        "placing": round(1e3 * seconds.placing / seconds.frames, 2),
    }
    report["placing_share"] = round(seconds.placing / (seconds.detecting + seconds.placing), 3)
    return report


def _sum(verdicts: list[Verdict]) -> dict[str, Any]:
    things = sum(each.expected for each in verdicts)
    errors = np.concatenate([each.errors_m for each in verdicts])
    shares = {
        name: round(100 * sum(getattr(each, name) for each in verdicts) / things, 1)
        for name in ("one", "split", "merged", "missed")
    }
    return {"things": things, **shares, "median_error_m": round(float(np.median(errors)), 2)}
