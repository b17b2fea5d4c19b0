"""The patrol verb as a user runs it: three rendered drives along one street, the real release, all outputs."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol, to_lon_lat
from streetsight.inference.positions.local import LocalPlane

ALL_READ, SOME_FAILED, USAGE, DATA = 0, 1, 2, 3
SEED, FRAMES, STEP_M, SIZE_WH = 7, 12, 6.0, (640, 360)
PROFILE = """
device: patrol-07
time_zone: "+08:00"
camera: {hfov_deg: 70, height_m: 1.8, pitch_deg: 6}
errors: {position_m: 3, heading_deg: 3, pitch_deg: 0.7, clock_s: 0.5}
"""

Row = dict[str, Any]


def streetsight(*arguments: object, language: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STREETSIGHT_LANG": language, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-m", "streetsight.cli", "patrol", *map(str, arguments)],
        capture_output=True, encoding="utf-8", env=environment, check=False, timeout=300,
    )  # fmt: skip


def square(west: float, south: float, east: float, north: float) -> list[list[float]]:
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return [list(to_lon_lat(*corner)) for corner in corners]


def feature(kind: str, name: str, ring: list[list[float]]) -> Row:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"kind": kind, "name": name}, "geometry": geometry}


def collection(*features: Row) -> str:
    return json.dumps({"type": "FeatureCollection", "time_zone": "+08:00", "features": features})


def lines(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drives along one street, three hours apart, beside a profile, zones and areas."""
    folder = tmp_path_factory.mktemp("drives")
    for number in range(3):
        patrol = simulate_patrol(
            folder / f"drive{number}", SEED, FRAMES, Camera(SIZE_WH), STEP_M, ("day",), number
        )
        deque(patrol, maxlen=0)
    (folder / "device.yaml").write_text(PROFILE)
    zones = (
        feature("no_parking", "North Road", square(1, 58, 10, 88)),
        feature("no_parking", "Crossed", square(-6, 10, 6, 20)[:2] + square(-6, 10, 6, 20)[3:1:-1]),
    )
    zones[1]["geometry"]["coordinates"][0].append(zones[1]["geometry"]["coordinates"][0][0])
    (folder / "zones.geojson").write_text(collection(*zones))
    areas = (
        feature("", "420106001001001", square(-12, -5, 12, 100)),
        feature("", "Never driven", square(500, 500, 600, 600)),
    )
    (folder / "areas.geojson").write_text(collection(*areas))
    return folder


@pytest.fixture(scope="session")
def results(drives: Path) -> Path:
    """All three drives in one run."""
    out = drives / "out"
    done = streetsight(
        *(drives / f"drive{number}" for number in range(3)), "--device", drives / "device.yaml",
        "--zones", drives / "zones.geojson", "--areas", drives / "areas.geojson",
        "--district", "420106", "-o", out,
    )  # fmt: skip
    assert done.returncode == ALL_READ, done.stderr
    assert "Crossed: the outline crosses itself" in done.stderr
    return out


@pytest.fixture(scope="session")
def whole(results: Path) -> Row:
    loaded: Row = json.loads((results / "candidates.json").read_text(encoding="utf-8"))
    return loaded


def metres_off(position: Row, thing: Row) -> float:
    plane = LocalPlane(thing["lon"], thing["lat"])
    return float(np.hypot(*plane.to_metres(np.array([position["lon"], position["lat"]]))))


def test_three_drives_make_one_candidate_of_each_thing(drives: Path, whole: Row) -> None:
    assert len(whole["patrols"]) == 3
    truth = json.loads((drives / "drive0" / "truth.json").read_text())
    seen_thrice = [each for each in whole["candidates"] if len(each["patrols"]) == 3]
    assert len(seen_thrice) >= 4
    right = [
        any(
            each["class"] == candidate["class"] and metres_off(candidate["position"], each) < 6
            for each in truth["things"]
        )
        for candidate in seen_thrice
    ]
    assert sum(right) >= 0.75 * len(right)  # the release takes some things for others
    sizes = [len({s["patrol_id"] for s in each["sightings"]}) for each in whole["candidates"]]
    assert sizes == [len(each["patrols"]) for each in whole["candidates"]]


def test_vehicles_standing_in_the_zone_on_two_passes_are_leads(whole: Row) -> None:
    parked = [each for each in whole["candidates"] if each["condition"] == "illegal_parking"]
    assert parked
    for each in parked:
        said = {finding["reason"] for finding in each["findings"]}
        assert said & {"in_zone", "perhaps_in_zone"}
        assert "plates_not_read" in said
        assert each["evidence"]["pair_findings"]
        assert each["proposal"]["code"]["scheme"] == "GB/T 47678.5-2026"


def test_later_passes_answer_for_what_earlier_ones_saw(whole: Row) -> None:
    answers = [row for each in whole["candidates"] for row in each["rechecks"]]
    assert "still_present" in {row["outcome"] for row in answers}
    patrols = {each["id"] for each in whole["patrols"]}
    assert {row["patrol_id"] for row in answers} <= patrols


def test_geojson_is_points_in_lon_lat(results: Path, whole: Row) -> None:
    content = json.loads((results / "candidates.geojson").read_text(encoding="utf-8"))
    assert len(content["features"]) == len(whole["candidates"])
    for each in content["features"]:
        lon, lat = each["geometry"]["coordinates"]
        assert (round(lon), round(lat)) == (114, 31)
        assert each["properties"]["semi_major_m"] >= each["properties"]["semi_minor_m"] > 0


def test_csv_carries_the_standards_fields(results: Path, whole: Row) -> None:
    data = (results / "candidates.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(data.decode("utf-8-sig").splitlines()))
    assert len(rows) == len(whole["candidates"])
    codes = [row["SXDM"] for row in rows if row["SXDM"]]
    assert codes
    assert all(re.fullmatch(r"420106\d{5}", code) for code in codes)
    assert "420106001001001" in {row["SZDYWGBSM"] for row in rows}
    assert {row["ZGBMDM"] for row in rows} == {""}  # a person's to say


def test_every_frame_has_an_outcome_and_every_sighting_its_frames(results: Path) -> None:
    frames = lines(results / "frames.jsonl")
    assert [each["outcome"] for each in frames] == ["accepted"] * 3 * FRAMES
    assert all(each["pose"]["lon"] and each["pose"]["taken_at"] for each in frames)
    known = {each["sha256"] for each in frames}
    for sighting in lines(results / "sightings.jsonl"):
        assert {each["frame_id"] for each in sighting["glimpses"]} <= known


def test_coverage_tells_seen_from_not_seen(results: Path, whole: Row) -> None:
    features = json.loads((results / "coverage.geojson").read_text(encoding="utf-8"))["features"]
    of_area = {(each["properties"].get("area"), each["properties"]["kind"]) for each in features}
    assert ("420106001001001", "seen") in of_area
    assert ("Never driven", "not_seen") in of_area
    assert ("Never driven", "seen") not in of_area
    assert all(shapely.geometry.shape(each["geometry"]).is_valid for each in features)
    (never,) = [each for each in whole["coverage"] if each["area"] == "Never driven"]
    assert never["not_seen_m2"] == pytest.approx(never["area_m2"])


def test_evidence_pictures_are_there(results: Path, whole: Row) -> None:
    for each in whole["candidates"]:
        assert "close_up" in each["pictures"]
        for name in each["pictures"].values():
            assert (results / name).stat().st_size > 1000


def test_the_report_is_one_file_with_everything(results: Path, whole: Row) -> None:
    page = (results / "report.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:|#|annotated/)', page)
    assert page.count('class="lead"') == len(whole["candidates"])
    assert '<svg class="map"' in page
    assert "leads, not confirmed issues and not evidence" in page
    assert "draw it again" in page  # the crossed zone


def test_run_by_run_with_a_file_of_places_gives_the_same(drives: Path, whole: Row, tmp_path: Path) -> None:
    places = tmp_path / "places.jsonl"
    common = (
        "--device",
        drives / "device.yaml",
        "--zones",
        drives / "zones.geojson",
        "--places",
        places,
        "-q",
    )
    for number in (1, 0, 2, 2):  # out of order, and one of them twice
        done = streetsight(drives / f"drive{number}", *common)
        assert done.returncode == ALL_READ, done.stderr
    last = json.loads(done.stdout)
    assert {each["id"]: each["position"] for each in last["candidates"]} == {
        each["id"]: each["position"] for each in whole["candidates"]
    }


def test_what_is_taken_away_is_reported_gone(drives: Path, tmp_path: Path) -> None:
    """A later drive shows an empty street: its frames are those of a street without things."""
    import streetsight.datasets.simulation.patrol as simulation

    empty = tmp_path / "empty"
    build = simulation.build_street

    def cleared(seed: int) -> Any:
        street = build(seed)
        return type(street)(street.scenery, [])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "build_street", cleared)
        deque(simulate_patrol(empty, SEED, FRAMES, Camera(SIZE_WH), STEP_M, ("day",), 3), maxlen=0)
    done = streetsight(drives / "drive0", drives / "drive1", empty, "--device", drives / "device.yaml", "-q")
    assert done.returncode == ALL_READ, done.stderr
    found = json.loads(done.stdout)["candidates"]
    covered = [each for each in found if each["rechecks"] and each["rechecks"][-1]["covered"] > 0.9]
    assert sum(each["state"] == "gone" for each in covered) >= len(covered) / 2 > 0
    assert not any(
        row["outcome"] == "still_present" and "T14" in row["at"] for each in found for row in each["rechecks"]
    )


def test_the_report_speaks_chinese(drives: Path, tmp_path: Path) -> None:
    done = streetsight(
        drives / "drive0", "--device", drives / "device.yaml", "-o", tmp_path / "out", language="zh"
    )
    assert done.returncode == ALL_READ, done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "不是证据" in page
    assert "线索" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("nowhere",), USAGE, "no such file or folder"),
        (("drive0", "--device", "nowhere.yaml"), USAGE, "nowhere.yaml: not a readable YAML file"),
        (("drive0", "--track", "device.yaml"), USAGE, "neither GPX nor NMEA"),
        (("drive0", "--district", "42"), USAGE, "expected the six digits"),
        (("drive0", "--stamped", "middle"), USAGE, "choose start or end"),
        (
            ("drive0", "drive1", "drive2", "--device", "device.yaml", "--device", "device.yaml"),
            USAGE,
            "2 times",
        ),
        (("drive0", "--zones", "device.yaml"), DATA, "not a readable JSON file"),
        (("drive0", "--zones", "unmasked.geojson"), DATA, "must be masked and cannot be"),
        (("drive0", "--places", "device.yaml"), DATA, "line 1 is no sighting"),
        (("drive0", "--rules", "zones.geojson"), DATA, "not a readable TOML file"),
        (("drive0", "--release", "nothing"), DATA, "no release named nothing"),
    ],
)
def test_what_cannot_be_done_is_said_before_work_begins(
    drives: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int, said: str
) -> None:
    monkeypatch.chdir(drives)
    school = {**feature("sensitive", "School", []), "geometry": {"type": "Polygon", "coordinates": []}}
    (drives / "unmasked.geojson").write_text(collection(school))
    done = streetsight(*arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_one_bad_photo_and_one_bad_video_stop_nothing(drives: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(drives / "drive0" / "frames", folder)
    (folder / "cut.jpg").write_bytes((folder / "0001.jpg").read_bytes()[:5000])
    (folder / "broken.mp4").write_bytes(b"no video at all")
    done = streetsight(folder, "--device", drives / "device.yaml", "-o", tmp_path / "out")
    assert done.returncode == SOME_FAILED, done.stderr
    outcomes = {
        Path(each["image"]).name: each["outcome"] for each in lines(tmp_path / "out" / "frames.jsonl")
    }
    assert outcomes.pop("cut.jpg") == "truncated"
    assert outcomes.pop("broken.mp4") == "invalid_video"
    assert set(outcomes.values()) == {"accepted"}
    assert json.loads((tmp_path / "out" / "candidates.json").read_text())["candidates"]
