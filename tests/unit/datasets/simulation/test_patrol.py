"""A rendered patrol tells the same story in its pictures, their EXIF, its track and its truth."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gpxpy
import numpy as np
import pytest
from PIL import Image
from pyproj import Geod

from streetsight.datasets.simulation.camera import Camera, View
from streetsight.datasets.simulation.patrol import (
    NEVER_DRAWN,
    TrueFrame,
    VisibleThing,
    read_patrol,
    simulate_patrol,
)
from streetsight.inference.reading import read_photo
from streetsight.models.boxes import cxcywh_to_xyxy, norm_to_px
from streetsight.models.taxonomy import default_taxonomy

CAMERA = Camera((320, 180))
# Their middle lies inside what a person would box; a sign's pole is left out of its box.
STANDING = frozenset(
    {"garbage", "garbage_bin", "overflowing_bin", "street_vendor", "car", "van", "truck", "motorcycle"}
)


@dataclass(frozen=True)
class Patrol:
    folder: Path
    frames: list[TrueFrame]
    truth: dict[str, Any]


@pytest.fixture(scope="module")
def patrol(tmp_path_factory: pytest.TempPathFactory) -> Patrol:
    """Nine small frames along both streets, three in each weather."""
    folder = tmp_path_factory.mktemp("patrol")
    frames = list(simulate_patrol(folder, seed=3, frames=9, camera=CAMERA, step_m=16.0))
    return Patrol(folder, frames, json.loads((folder / "truth.json").read_text(encoding="utf-8")))


def things_in_view(patrol: Patrol) -> Iterator[tuple[TrueFrame, VisibleThing]]:
    return ((frame, thing) for frame in patrol.frames for thing in frame.visible)


def test_frames_are_pictures_of_the_wanted_size_in_every_weather(patrol: Patrol) -> None:
    assert [frame.name for frame in patrol.frames] == [f"{number:04d}.jpg" for number in range(1, 10)]
    assert [frame.weather for frame in patrol.frames] == ["day"] * 3 + ["dusk"] * 3 + ["rain"] * 3
    for frame in patrol.frames:
        with Image.open(patrol.folder / "frames" / frame.name) as picture:
            assert picture.size == CAMERA.size_wh
            assert np.asarray(picture).std() > 10


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 8), ("again", 8), ("other", 9)):
        list(simulate_patrol(tmp_path / name, seed=seed, frames=2, camera=Camera((160, 90))))
    for file in ("frames/0001.jpg", "frames/0002.jpg", "track.gpx", "truth.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    for file in ("frames/0001.jpg", "frames/0002.jpg", "truth.json"):
        assert (tmp_path / "one" / file).read_bytes() != (tmp_path / "other" / file).read_bytes()


def test_exif_says_what_is_true_within_the_noise_of_a_receiver(patrol: Patrol) -> None:
    geod = Geod(ellps="WGS84")
    for frame in patrol.frames:
        metadata = read_photo((patrol.folder / "frames" / frame.name).read_bytes()).metadata
        assert metadata.problems == ()
        assert metadata.camera == "Streetsight simulated patrol camera"
        assert metadata.taken_at is not None
        late = metadata.taken_at - datetime.fromisoformat(frame.taken_at)
        assert abs(late.total_seconds()) < 0.002
        assert metadata.position is not None
        _, _, away_m = geod.inv(metadata.position.lon, metadata.position.lat, frame.lon, frame.lat)
        assert 0 < away_m < 10
        assert metadata.position.accuracy_m == patrol.truth["gps_sigma_m"]
        assert metadata.position.heading_deg is not None
        turned = (metadata.position.heading_deg - frame.pose.heading_deg + 180) % 360 - 180
        assert abs(turned) < 5


def test_distances_on_the_map_are_distances_on_the_street(patrol: Patrol) -> None:
    geod = Geod(ellps="WGS84")
    first = patrol.frames[0]
    for frame in patrol.frames[1:]:
        _, _, on_map_m = geod.inv(first.lon, first.lat, frame.lon, frame.lat)
        east_m, north_m = frame.pose.east_m - first.pose.east_m, frame.pose.north_m - first.pose.north_m
        assert on_map_m == pytest.approx(np.hypot(east_m, north_m), abs=0.01)


def test_the_track_has_a_point_for_every_frame(patrol: Patrol) -> None:
    gpx = gpxpy.parse((patrol.folder / "track.gpx").read_text(encoding="utf-8"))
    points = [point for track in gpx.tracks for segment in track.segments for point in segment.points]
    assert len(points) == len(patrol.frames)
    for point, frame in zip(points, patrol.frames, strict=True):
        assert (point.longitude, point.latitude) == pytest.approx((frame.lon, frame.lat), abs=1e-9)
        assert abs((point.time - datetime.fromisoformat(frame.taken_at)).total_seconds()) < 0.002


def test_truth_boxes_lie_inside_the_frame(patrol: Patrol) -> None:
    boxes = [thing.box_xyxy_px for _, thing in things_in_view(patrol)]
    assert len(boxes) > 20
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= CAMERA.size_wh[0]
        assert 0 <= top < bottom <= CAMERA.size_wh[1]


def test_standing_things_are_boxed_where_they_stand(patrol: Patrol) -> None:
    stands = {each["id"]: (each["east_m"], each["north_m"], 0.0) for each in patrol.truth["things"]}
    checked = 0
    for frame, thing in things_in_view(patrol):
        left, top, right, bottom = thing.box_xyxy_px
        inside = left > 0 and top > 0 and right < CAMERA.size_wh[0] and bottom < CAMERA.size_wh[1]
        if thing.class_name not in STANDING or thing.visible_share < 0.99 or not inside:
            continue
        view = View(CAMERA, frame.pose)
        ((x, y),) = view.to_pixels(view.to_camera(np.array([stands[thing.thing_id]])))
        assert left - 3 <= x <= right + 3, (frame.name, thing)
        assert top - 3 <= y <= bottom + 3, (frame.name, thing)
        checked += 1
    assert checked >= 5


def test_things_near_by_look_larger(patrol: Patrol) -> None:
    heights: dict[int, list[tuple[float, float]]] = {}
    for _, thing in things_in_view(patrol):
        if thing.class_name in STANDING and thing.visible_share > 0.99:
            height = thing.box_xyxy_px[3] - thing.box_xyxy_px[1]
            heights.setdefault(thing.thing_id, []).append((thing.distance_m, height))
    seen_twice = [sorted(each) for each in heights.values() if len(each) > 1]
    assert seen_twice
    for (near_m, near_px), (far_m, far_px) in ((each[0], each[-1]) for each in seen_twice):
        assert near_px > far_px, (near_m, far_m)


def test_a_patrol_reads_as_label_records(patrol: Patrol) -> None:
    records = read_patrol(patrol.folder)
    assert len(records) == len(patrol.frames)
    for record, frame in zip(records, patrol.frames, strict=True):
        assert record.image.is_file()
        assert (record.source, record.group) == ("simulated", "simulated:3")
        assert record.labelled_classes == set(default_taxonomy().names) - NEVER_DRAWN
        assert record.class_names == tuple(thing.class_name for thing in frame.visible)
        boxes = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), CAMERA.size_wh)
        truth = np.array([thing.box_xyxy_px for thing in frame.visible], np.float32).reshape(-1, 4)
        np.testing.assert_allclose(boxes, truth, atol=1e-3)


def test_the_truth_says_that_it_is_simulated(patrol: Patrol) -> None:
    assert patrol.truth["simulated"] is True
    assert patrol.truth["seed"] == 3
    assert len(patrol.truth["frames"]) == len(patrol.frames)
