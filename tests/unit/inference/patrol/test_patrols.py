"""Shots into patrols: by camera, by pauses, by vehicles, nothing twice."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import shapely

from streetsight.inference.patrol.inputs import Outing
from streetsight.inference.patrol.looking import Shot
from streetsight.inference.patrol.patrols import Masking, Parted, Parting, by_camera, runs_of
from streetsight.inference.pipeline import FrameResult
from streetsight.inference.positions.pose import Pose, PoseProblem
from streetsight.inference.positions.posing import Posing
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.reading import PhotoError
from streetsight.inference.rules.settings import load_rules
from streetsight.inference.rules.zones import Zone, ZoneMap
from streetsight.models.detections import Detections
from streetsight.models.frame import FrameMetadata, Position

NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
LON, LAT = 114.26, 30.54


def shot(number: int, minutes: float | None = None, camera: str | None = "A", north: float = 0.0) -> Shot:
    taken_at = NOON + timedelta(minutes=number / 60 if minutes is None else minutes)
    position = Position(LON, LAT + north + number * 1e-5, "exif", 3.0, 0.0)
    found = Detections(np.array([[10, 10, 50, 50]], np.float32), np.array([0.9], np.float32), np.array([0]))
    metadata = FrameMetadata(taken_at, position, camera)
    result = FrameResult(f"{number}.jpg", None, (640, 360), f"sha{number:03d}", metadata, None, found)
    return Shot(result, None)


def broken(name: str) -> Shot:
    return Shot(FrameResult(name, PhotoError("truncated", "the picture ends too early")), None)


def part(*shots: Shot, zones: ZoneMap | None = None, parting: Parting | None = None) -> Parted:
    rules = load_rules()
    masking = Masking(zones or ZoneMap((), rules.zone_kinds), rules.certainty.mask)
    outing = Outing("monday", (), (), DeviceProfile(device="car-7"), None)
    return (parting or Parting(("garbage",), masking)).part(outing, shots)


def pose(minutes: float | None, *problems: PoseProblem) -> Pose:
    return Pose(None if minutes is None else NOON + timedelta(minutes=minutes), problems=problems)


def posing(*poses: Pose) -> Posing:
    return Posing(poses, (), (), tuple(range(len(poses))))


@pytest.mark.parametrize(
    ("poses", "runs"),
    [
        ((pose(0), pose(1), pose(2)), [[0, 1, 2]]),
        ((pose(0), pose(29), pose(60)), [[0, 1], [2]]),
        ((pose(0), pose(90, "clock_jump"), pose(91, "clock_jump")), [[0, 1, 2]]),  # no pause, a set clock
        ((pose(0), pose(90, "clock_jump"), pose(190, "clock_jump")), [[0, 1], [2]]),
        ((pose(0), pose(0, "two_devices"), pose(1), pose(1, "two_devices")), [[0, 2], [1, 3]]),
        ((pose(0), pose(None), pose(None)), [[0, 1, 2]]),
        ((), []),
    ],
)
def test_long_pauses_and_second_vehicles_part_patrols(poses: tuple[Pose, ...], runs: list[list[int]]) -> None:
    assert list(runs_of(posing(*poses))) == runs


def test_each_camera_has_its_own_patrol_and_nameless_photos_go_with_the_most() -> None:
    shots = [shot(1), shot(2, camera="B"), shot(3), shot(4, camera=None), broken("cut.jpg")]
    assert by_camera(shots) == {"A": [0, 2, 3], "B": [1]}
    assert by_camera([shot(1, camera=None)]) == {None: [0]}
    assert by_camera([]) == {}


def test_a_patrol_has_the_same_id_whatever_the_order_and_the_folder() -> None:
    shots = [shot(number) for number in range(6)]
    one, other = part(*shots), part(*reversed(shots))
    assert [each.id for each in one.patrols] == [each.id for each in other.patrols]
    assert one.patrols[0].id == "car-7@20260504T040000+0000-sha000"
    names = [[frame.shot.result.name for frame in parted.patrols[0].frames] for parted in (one, other)]
    assert names[0] == names[1]


def test_every_frame_has_an_outcome() -> None:
    parted = part(shot(0), shot(1), shot(1), broken("cut.jpg"))
    assert [each.outcome for each in parted.frames] == ["accepted", "accepted", "duplicate", "truncated"]
    assert [len(each.frames) for each in parted.patrols] == [2]


def test_frames_of_an_earlier_folder_count_once() -> None:
    rules = load_rules()
    parting = Parting(("garbage",), Masking(ZoneMap((), rules.zone_kinds), rules.certainty.mask))
    assert len(part(shot(0), shot(1), parting=parting).patrols) == 1
    again = part(shot(0), shot(1), parting=parting)
    assert again.patrols == ()
    assert {each.outcome for each in again.frames} == {"duplicate"}


def test_nothing_is_kept_of_frames_taken_in_a_sensitive_zone() -> None:
    school = Zone("School", "sensitive", shapely.box(LON - 1e-3, LAT + 0.01, LON + 1e-3, LAT + 0.02))
    zones = ZoneMap([school], load_rules().zone_kinds)
    outside, inside = shot(0), shot(1, minutes=2, north=0.015)
    parted = part(outside, inside, zones=zones)
    assert [each.outcome for each in parted.frames] == ["accepted", "masked"]
    assert parted.frames[1].known is None
    assert [each.name for patrol in parted.patrols for each in patrol.accepted] == ["0.jpg"]


def test_a_pause_over_lunch_makes_two_patrols() -> None:
    morning = [shot(number) for number in range(3)]
    afternoon = [shot(number, minutes=120 + number / 60, north=0.05) for number in range(3, 6)]
    assert [len(each.frames) for each in part(*morning, *afternoon).patrols] == [3, 3]
