"""The file of places: whole or refused, the same after any number of rounds."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streetsight.inference.patrol.memory import Memory, PlacesFileError, read_memory, write_memory
from streetsight.inference.patrol.passing import answers_for, state_of
from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.positions.profile import CameraProfile, DeviceProfile


def sighting(name: str, hour: int) -> Sighting:
    moment = datetime(2026, 5, 4, hour, tzinfo=UTC)
    glimpse = Glimpse(f"frame {name}", moment, 0.8, (1.5, 2.5, 30.25, 40.125), (640, 360), 9.0)
    return Sighting(
        name, f"patrol {hour}", "car-7", "garbage", (glimpse,), moment, moment, 114.26, 30.54,
        (1.0, 0.1, 2.0), (9.0, 0.0, 9.0), "ground", 0.8, 0.0,
    )  # fmt: skip


def recheck(place: str, hour: int, outcome: str, gone: float = 0.9) -> dict[str, object]:
    at = datetime(2026, 5, 4, hour, tzinfo=UTC).isoformat()
    return {"place_id": place, "patrol_id": f"patrol {hour}", "outcome": outcome, "gone": gone, "at": at}


@pytest.fixture
def memory() -> Memory:
    known = Memory()
    known.add([sighting("b", 2), sighting("a", 1)], {"frame a": "monday/0001.jpg"})
    known.rechecks["a", "patrol 5"] = recheck("a", 5, "gone")
    camera = CameraProfile(hfov_deg=70, height_m=1.8)
    known.devices["car-7"] = DeviceProfile(device="car-7", camera=camera)
    return known


def test_what_is_written_is_read_again(memory: Memory, tmp_path: Path) -> None:
    path = tmp_path / "places" / "places.jsonl"
    write_memory(path, memory)
    again = read_memory(path)
    assert again == memory
    before = path.read_bytes()
    write_memory(path, again)
    assert path.read_bytes() == before
    kinds = [json.loads(line)["kind"] for line in before.decode().splitlines()]
    assert kinds == ["device", "sighting", "sighting", "recheck"]
    assert [each.name for each in path.parent.iterdir()] == ["places.jsonl"]  # no draft is left


def test_a_file_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert read_memory(tmp_path / "new.jsonl") == Memory()
    assert read_memory(None) == Memory()


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[1]",
        '{"kind": "sighting"}',
        '{"kind": "house"}',
        '{"kind": "recheck", "place_id": "a", "patrol_id": "b", "outcome": "maybe", "gone": 1}',
        '{"kind": "device", "device": "car-7", "colour": "red"}',
    ],
)
def test_a_line_that_is_none_of_ours_refuses_the_file_by_its_number(
    memory: Memory, tmp_path: Path, line: str
) -> None:
    path = tmp_path / "places.jsonl"
    write_memory(path, memory)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(PlacesFileError, match=r"line 5 is no sighting, re-check or device"):
        read_memory(path)


def test_a_sighting_that_is_known_changes_nothing(memory: Memory) -> None:
    memory.add([sighting("a", 1)], {})
    assert list(memory.sightings) == ["b", "a"]
    assert memory.image_of == {"frame a": "monday/0001.jpg"}


def test_a_place_is_gone_until_it_is_seen_again(memory: Memory) -> None:
    early = Place("a", "garbage", (sighting("a", 1), sighting("b", 2)), 114.26, 30.54, (1.0, 0.0, 1.0))
    assert state_of(early, answers_for(early, memory)) == "gone"
    seen = (*early.sightings, sighting("c", 9))
    again = Place("a", "garbage", seen, 114.26, 30.54, (1.0, 0.0, 1.0))
    assert state_of(again, answers_for(again, memory)) == "open"


def test_passes_that_cannot_tell_change_no_state(memory: Memory) -> None:
    place = Place("b", "garbage", (sighting("a", 1), sighting("b", 2)), 114.26, 30.54, (1.0, 0.0, 1.0))
    memory.rechecks["b", "patrol 6"] = recheck("b", 6, "not_seen")
    memory.rechecks["b", "patrol 7"] = recheck("b", 7, "uncertain", 0.4)
    assert state_of(place, answers_for(place, memory)) == "gone"  # whichever of its ids it had by then
    memory.rechecks["b", "patrol 8"] = recheck("b", 8, "still_present", 0.0)
    assert state_of(place, answers_for(place, memory)) == "open"
