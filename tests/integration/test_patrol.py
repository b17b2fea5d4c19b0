"""The patrol verb as a user runs it: three rendered drives along one street, the real release, all files."""

import csv
import json
import re
import shutil
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import shapely
from PIL import ExifTags, Image
from typer.testing import CliRunner, Result

from streetsight.cli import app
from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol, to_lon_lat
from streetsight.datasets.simulation.street import Street, build_street
from streetsight.inference.positions.local import LocalPlane

ALL_READ, SOME_FAILED, USAGE, DATA = 0, 1, 2, 3
SEED, FRAMES, STEP_M, SIZE_WH = 7, 10, 6.0, (640, 360)
PROFILE = """
device: patrol-07
time_zone: "+08:00"
camera: {hfov_deg: 70, height_m: 1.8, pitch_deg: 6}
errors: {position_m: 3, heading_deg: 3, pitch_deg: 0.7, clock_s: 0.5}
"""

Row = dict[str, Any]


def streetsight(*arguments: object, language: str = "en") -> Result:
    environment = {"STREETSIGHT_LANG": language, "COLUMNS": "200", "NO_COLOR": "1"}
    return CliRunner().invoke(app, ["patrol", *map(str, arguments)], env=environment)


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
    assert done.exit_code == ALL_READ, done.stderr
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
        assert done.exit_code == ALL_READ, done.stderr
    last = json.loads(done.stdout)
    assert {each["id"]: each["position"] for each in last["candidates"]} == {
        each["id"]: each["position"] for each in whole["candidates"]
    }


def test_what_is_taken_away_is_reported_gone(drives: Path, tmp_path: Path) -> None:
    """A later drive shows an empty street: its frames are those of a street without things."""

    def cleared(seed: int) -> Street:
        return Street(build_street(seed).scenery, [])

    empty = tmp_path / "empty"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streetsight.datasets.simulation.patrol.build_street", cleared)
        deque(simulate_patrol(empty, SEED, FRAMES, Camera(SIZE_WH), STEP_M, ("day",), 3), maxlen=0)
    done = streetsight(drives / "drive0", drives / "drive1", empty, "--device", drives / "device.yaml", "-q")
    assert done.exit_code == ALL_READ, done.stderr
    found = json.loads(done.stdout)["candidates"]
    answers = [row for each in found for row in each["rechecks"] if "T17" in row["at"]]
    assert answers
    assert "still_present" not in {row["outcome"] for row in answers}
    assert any(each["state"] == "gone" for each in found)
    for row in answers:  # hours later things are likely there still, and one pass says only so much
        if row["covered"] > 0.9:
            assert row["gone"] > 1 - row["present_before"]


def test_the_report_speaks_chinese(drives: Path, tmp_path: Path) -> None:
    done = streetsight(
        drives / "drive0", "--device", drives / "device.yaml", "-o", tmp_path / "out", language="zh"
    )
    assert done.exit_code == ALL_READ, done.stderr
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
        (("drive0", "--places", "device.yaml"), DATA, "line 2 is no sighting"),
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
    assert (done.exit_code, done.stdout) == (status, "")
    assert said in done.stderr


def test_one_bad_photo_and_one_bad_video_stop_nothing(drives: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(drives / "drive0" / "frames", folder)
    (folder / "cut.jpg").write_bytes((folder / "0001.jpg").read_bytes()[:5000])
    (folder / "broken.mp4").write_bytes(b"no video at all")
    done = streetsight(folder, "--device", drives / "device.yaml", "-o", tmp_path / "out")
    assert done.exit_code == SOME_FAILED, done.stderr
    outcomes = {
        Path(each["image"]).name: each["outcome"] for each in lines(tmp_path / "out" / "frames.jsonl")
    }
    assert outcomes.pop("cut.jpg") == "truncated"
    assert outcomes.pop("broken.mp4") == "invalid_video"
    assert set(outcomes.values()) == {"accepted"}
    assert json.loads((tmp_path / "out" / "candidates.json").read_text())["candidates"]


Exif = Image.Exif
GPS = ExifTags.IFD.GPSInfo


def changed(source: Path, target: Path, change: Callable[[int, Exif], str | None]) -> Path:
    """The frames of a drive, their EXIF changed, each under the name that `change` gives or its own."""
    target.mkdir()
    for number, path in enumerate(sorted(source.iterdir())):
        with Image.open(path) as image:
            exif = image.getexif()
            name = change(number, exif)
            image.save(target / (name or path.name), quality=88, exif=exif)
    return target


def without_gps(exif: Exif) -> None:
    exif.get_ifd(GPS).clear()
    exif.pop(GPS, None)


def half_without(number: int, exif: Exif) -> None:
    if number >= FRAMES // 2:
        without_gps(exif)


def set_back(number: int, exif: Exif) -> None:
    """The clock is set back by an hour and a half on the way, and no receiver's time tells."""
    for tag in (ExifTags.GPS.GPSDateStamp, ExifTags.GPS.GPSTimeStamp):
        exif.get_ifd(GPS).pop(tag, None)
    if number >= FRAMES // 2:
        details = exif.get_ifd(ExifTags.IFD.Exif)
        moment = datetime.strptime(details[ExifTags.Base.DateTimeOriginal], "%Y:%m:%d %H:%M:%S")
        moved = moment - timedelta(minutes=90)
        details[ExifTags.Base.DateTimeOriginal] = moved.strftime("%Y:%m:%d %H:%M:%S")


def last_first(number: int, exif: Exif) -> str:
    return f"{FRAMES - number:04d}.jpg"


@pytest.mark.parametrize(
    ("change", "of_frames", "of_patrol", "located"),
    [
        (
            lambda _, exif: without_gps(exif),
            {"no_position": FRAMES, "no_heading": FRAMES},
            set(),
            {"nothing"},
        ),
        (half_without, {"no_position": FRAMES // 2, "no_heading": FRAMES // 2}, set(), {"ground", "nothing"}),
        (set_back, {"clock_jump": FRAMES // 2}, {"clock_jump"}, {"ground"}),
        (last_first, {}, {"out_of_order"}, {"ground"}),
    ],
    ids=["no GPS", "GPS for half", "a clock that jumps", "out of order"],
)
def test_bad_times_and_positions_have_names_and_stop_nothing(
    drives: Path,
    tmp_path: Path,
    change: Callable[[int, Exif], str | None],
    of_frames: dict[str, int],
    of_patrol: set[str],
    located: set[str],
) -> None:
    folder = changed(drives / "drive0" / "frames", tmp_path / "bad", change)
    done = streetsight(folder, "--device", drives / "device.yaml", "-q")
    assert done.exit_code == ALL_READ, done.stderr
    result = json.loads(done.stdout)
    (patrol,) = result["patrols"]
    assert (patrol["accepted"], patrol["frame_problems"]) == (FRAMES, of_frames)
    (camera,) = result["outings"][0]["cameras"]
    assert {each["outcome"] for each in camera["outcomes"]} == of_patrol
    assert result["candidates"]
    assert {s["located_by"] for each in result["candidates"] for s in each["sightings"]} == located


def test_a_report_without_any_position_has_no_map(drives: Path, tmp_path: Path) -> None:
    folder = changed(drives / "drive0" / "frames", tmp_path / "bad", lambda _, exif: without_gps(exif))
    zones = tmp_path / "zones.geojson"
    zones.write_text(collection(feature("sensitive", "School", square(20, 80, 60, 100))))
    done = streetsight(folder, "--zones", zones, "-o", tmp_path / "out")
    assert done.exit_code == ALL_READ, done.stderr
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    assert "No frame has a position" in page
    for said in (page, done.stderr):
        assert "could not be compared with the sensitive zones" in said
    features = json.loads((tmp_path / "out" / "candidates.geojson").read_text())["features"]
    assert {each["geometry"] for each in features} == {None}


def test_two_vehicles_under_one_id_are_two_patrols(drives: Path, tmp_path: Path) -> None:
    def elsewhere(number: int, exif: Exif) -> str:
        gps = exif.get_ifd(GPS)
        degrees, minutes, seconds = gps[ExifTags.GPS.GPSLatitude]
        gps[ExifTags.GPS.GPSLatitude] = (degrees, minutes + 1, seconds)  # a mile to the north
        return f"{number + 1:04d}-other.jpg"

    folder = changed(drives / "drive0" / "frames", tmp_path / "two", elsewhere)
    shutil.copytree(drives / "drive0" / "frames", folder, dirs_exist_ok=True)
    done = streetsight(folder, "--device", drives / "device.yaml", "-q")
    assert done.exit_code == ALL_READ, done.stderr
    result = json.loads(done.stdout)
    assert [each["frames"] for each in result["patrols"]] == [FRAMES, FRAMES]
    assert "two_devices" in {each["outcome"] for each in result["outings"][0]["cameras"][0]["outcomes"]}
    assert all(len(each["patrols"]) == 1 for each in result["candidates"])


def test_a_track_of_another_city_is_said_and_not_used(drives: Path, tmp_path: Path) -> None:
    track = tmp_path / "other.gpx"
    own = (drives / "drive0" / "track.gpx").read_text(encoding="utf-8")
    track.write_text(own.replace('lat="30.', 'lat="39.'))
    done = streetsight(
        drives / "drive0", "--gpx", track, "--device", drives / "device.yaml", "-o", tmp_path / "out"
    )
    assert done.exit_code == ALL_READ
    assert "is it of another city" in done.stderr
    poses = [each["pose"] for each in lines(tmp_path / "out" / "frames.jsonl")]
    assert {each["source"] for each in poses} == {"exif"}
    assert {round(each["lat"]) for each in poses} == {31}


def test_a_sensitive_zone_leaves_nothing_behind(drives: Path, tmp_path: Path) -> None:
    """The zone covers the second half of the way and what stands beside it."""
    zones = tmp_path / "zones.geojson"
    zones.write_text(collection(feature("sensitive", "School", square(-40, 30, 90, 120))))
    out = tmp_path / "out"
    done = streetsight(
        drives / "drive0", "--zones", zones, "--device", drives / "device.yaml", "-o", out, "--annotated"
    )  # fmt: skip
    assert done.exit_code == ALL_READ, done.stderr
    frames = lines(out / "frames.jsonl")
    masked = [each for each in frames if each["outcome"] == "masked"]
    assert 3 <= len(masked) < FRAMES
    assert all(set(each) == {"image", "outcome", "patrol_id"} for each in masked)
    ends = [each["pose"]["lat"] for each in frames if each["outcome"] == "accepted"]
    assert max(ends) < to_lon_lat(0, 30)[1]
    whole = json.loads((out / "candidates.json").read_text())
    assert whole["masked_sightings"] > 0
    for each in lines(out / "sightings.jsonl"):
        assert each["lat"] < to_lon_lat(0, 30)[1]
    pictured = {path.stem for path in (out / "annotated" / "frames").rglob("*.jpg")}
    assert pictured == {Path(each["image"]).stem for each in frames if each["outcome"] == "accepted"}


def test_a_video_with_a_track_is_a_patrol(drives: Path, tmp_path: Path) -> None:
    """Its frames become candidates where the photos' own do."""
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        container.metadata["creation_time"] = "2026-05-06T00:30:00.000000Z"
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, 4)
        number = 0
        for path in sorted((drives / "drive0" / "frames").iterdir()):
            with Image.open(path) as image:
                for _ in range(4):  # six metres a second, six metres a frame
                    picture = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
                    picture.pts = number
                    number += 1
                    container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    done = streetsight(
        film, "--gpx", drives / "drive0" / "track.gpx", "--device", drives / "device.yaml",
        "--every-m", 6, "-o", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == ALL_READ, done.stderr
    frames = lines(tmp_path / "out" / "frames.jsonl")
    assert len(frames) == pytest.approx(FRAMES, abs=1)
    assert {each["pose"]["source"] for each in frames if each["pose"]["source"]} == {"gpx"}
    result = json.loads((tmp_path / "out" / "candidates.json").read_text())
    assert result["candidates"]
    for each in result["candidates"]:
        assert (tmp_path / "out" / each["pictures"]["close_up"]).exists()
