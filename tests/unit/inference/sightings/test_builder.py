"""Frames of a patrol become sightings: one per thing, located as well as what is known allows."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.passes import (
    Noise,
    Pass,
    Vehicle,
    drive_past,
    straight_drive,
    straight_street,
)
from streetsight.datasets.simulation.patrol import ORIGIN_LON_LAT
from streetsight.inference.places.sighting import Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.inference.sightings.builder import SightingBuilder
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.detections import Detections
from streetsight.models.frame import Position
from streetsight.models.taxonomy import default_taxonomy

NAMES = default_taxonomy().names
CAMERA = CameraProfile(hfov_deg=70, height_m=1.8, pitch_deg=6)
QUIET = Noise(position_m=0.1, heading_deg=0.5)
VEHICLE = Vehicle("a", Camera())
PLANE = LocalPlane(*ORIGIN_LON_LAT)


def frames_of(run: Pass, noise: Noise) -> list[PatrolFrame]:
    frames = []
    for each in run.frames:
        boxes = np.array([seen.box_xyxy_px for seen in each.seen], np.float32).reshape(-1, 4)
        ids = np.array([NAMES.index(seen.class_name) for seen in each.seen], np.int64)
        position = Position(each.lon, each.lat, "exif", noise.position_m, each.heading_deg)
        frames.append(
            PatrolFrame(
                each.id, each.id, Pose(each.taken_at, position, noise.heading_deg), (1280, 720),
                Detections(boxes, np.full(len(boxes), 0.8, np.float32), ids), NAMES, CAMERA, 0.3,
            )
        )  # fmt: skip
    return frames


def built(frames: list[PatrolFrame]) -> list[Sighting]:
    builder = SightingBuilder("patrol", "device")
    return [each for frame in frames for each in builder.add(frame)] + builder.close()


@pytest.fixture(scope="module")
def run() -> Pass:
    street = straight_street(3, length_m=120.0)
    return drive_past(street, VEHICLE, straight_drive(120.0, 4.0), 0, QUIET)


def test_each_thing_is_one_sighting_where_it_stands(run: Pass) -> None:
    street = straight_street(3, length_m=120.0)
    sightings = built(frames_of(run, QUIET))
    seen = {thing.thing_id for frame in run.frames for thing in frame.seen if thing.distance_m < 20}

    assert len(sightings) == pytest.approx(len(seen), abs=2)
    for thing in (each for each in street.things if each.id in seen):
        away = [
            float(np.hypot(*(PLANE.to_metres(np.array([s.lon, s.lat])) - [thing.east_m, thing.north_m])))
            for s in sightings
            if s.class_name == thing.class_name
        ]
        assert min(away) < 4.5, thing.class_name
    assert {each.located_by for each in sightings} == {"ground"}
    assert all(each.speed_mps in (None, 0.0) for each in sightings)


def test_a_frame_that_comes_twice_changes_nothing(run: Pass) -> None:
    frames = frames_of(run, QUIET)
    doubled = [each for frame in frames for each in (frame, frame)]

    assert built(doubled) == built(frames)


def test_without_a_profile_things_are_at_the_camera_give_or_take_what_one_can_see(run: Pass) -> None:
    frames = [replace(frame, camera=None) for frame in frames_of(run, QUIET)]
    sightings = built(frames)

    assert {each.located_by for each in sightings} == {"camera"}
    assert all(each.own_m2[0] == each.own_m2[2] == 100.0 for each in sightings)


def test_without_any_position_there_is_no_place(run: Pass) -> None:
    frames = [replace(frame, pose=Pose()) for frame in frames_of(run, QUIET)]
    sightings = built(frames)

    assert sightings
    assert all(
        each.lon is None and each.located_by == "nothing" and each.first_seen is None for each in sightings
    )


def test_a_thing_hidden_for_a_moment_stays_one_sighting(run: Pass) -> None:
    frames = frames_of(run, QUIET)
    target = frames[0].detections
    assert len(target)
    hidden = [
        replace(frame, detections=Detections.empty()) if index in (2, 3) else frame
        for index, frame in enumerate(frames)
    ]

    assert len(built(hidden)) <= len(built(frames)) + 1


def test_an_empty_patrol_has_no_sightings() -> None:
    assert built([]) == []


def test_in_the_picture_alone_a_still_scene_is_tracked(run: Pass) -> None:
    """No poses: BoT-SORT on boxes that hardly move, with the pictures for the camera's motion."""
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (180, 360, 3), dtype=np.uint8)
    builder = SightingBuilder("patrol", "device")
    found: list[Sighting] = []
    for number in range(6):
        shift = number * 4
        boxes = np.array(
            [[200 - shift, 60, 260 - shift, 120], [60 - shift / 2, 90, 90 - shift / 2, 130]], np.float32
        )
        frame = replace(
            frames_of(run, QUIET)[0], id=str(number), pose=Pose(), size_wh=(320, 180),
            detections=Detections(boxes, np.array([0.9, 0.8], np.float32), np.array([0, 1])),
        )  # fmt: skip
        found += builder.add(frame, scene[:, shift : shift + 320])
    found += builder.close()

    assert sorted(len(each.glimpses) for each in found) == [6, 6]


def test_in_the_picture_things_of_all_classes_follow_a_camera_that_turns(run: Pass) -> None:
    """Each frame the scene moves by more than a box, and one of the things is seen later than the other."""
    scene = np.random.default_rng(0).integers(0, 255, (18, 80, 3), dtype=np.uint8)
    scene = np.kron(scene, np.ones((10, 10, 1), np.uint8))
    builder = SightingBuilder("patrol", "device")
    found: list[Sighting] = []
    for number in range(10):
        shift = number * 24
        boxes = np.array([[260, 40, 280, 60], [300, 100, 320, 120]], np.float32) - [shift, 0, shift, 0]
        seen = slice(0, 1 if number < 3 else 2)
        frame = replace(
            frames_of(run, QUIET)[0], id=str(number), pose=Pose(), size_wh=(480, 180),
            detections=Detections(
                boxes[seen].astype(np.float32), np.array([0.9, 0.8], np.float32)[seen], np.array([0, 1])[seen]
            ),
        )  # fmt: skip
        found += builder.add(frame, np.ascontiguousarray(scene[:, shift : shift + 480]))
    found += builder.close()

    assert sorted(len(each.glimpses) for each in found) == [7, 10]


def test_a_camera_that_was_set_back_in_time_does_not_stop_the_patrol(run: Pass) -> None:
    frames = frames_of(run, QUIET)
    broken = [
        replace(frame, pose=replace(frame.pose, taken_at=frame.pose.taken_at - timedelta(hours=index % 3)))
        if frame.pose.taken_at
        else frame
        for index, frame in enumerate(frames)
    ]

    assert len(built(broken)) == len(built(frames))
