"""Device profiles, tracks and coverage over HTTP; and the whole way from photos to the CLI's candidates."""

import json
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import box, mapping, shape
from sqlalchemy import func, select
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.service.areas.reading import read_areas
from streetsight.service.areas.service import import_areas
from streetsight.service.auth.actor import SYSTEM, Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import FramePose
from streetsight.service.store.ids import new_id
from streetsight.service.store.opening import open_database

PROFILE = {"camera": {"hfov_deg": 70, "height_m": 1.8, "pitch_deg": 6}}
Person = Callable[..., TestClient]


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two rendered drives along one street; photos with time, position and heading in their EXIF."""
    folders = []
    for number in range(2):
        folder = tmp_path_factory.mktemp(f"drive{number}")
        deque(simulate_patrol(folder, 7, 14, Camera((960, 540)), number=number), maxlen=0)
        folders.append(folder)
    return folders


@pytest.fixture
def device_id(client: TestClient, settings: Settings) -> str:
    with open_database(settings) as database, database.read() as session:
        return session.scalars(select(Device.id)).one()


def upload(client: TestClient, drives: list[Path], seed: int = 1) -> list[str]:
    """All photos in random order, each drive a patrol that is closed in the end."""
    patrols = [client.post("/v1/patrols", json={"key": each.name}).json()["id"] for each in drives]
    photos = [(number, path) for number, each in enumerate(drives) for path in (each / "frames").iterdir()]
    random.Random(seed).shuffle(photos)
    for number, path in photos:
        metadata = {"name": path.name, "patrol_id": patrols[number]}
        answer = client.post(
            "/v1/frames",
            files={"photo": (path.name, path.read_bytes())},
            data={"metadata": json.dumps(metadata)},
        )
        assert answer.status_code == 201, answer.text
    for patrol in patrols:
        assert client.post(f"/v1/patrols/{patrol}/close").status_code == 200
    return patrols


def test_uploaded_photos_give_the_candidates_of_the_command_line(
    client: TestClient, person: Person, settings: Settings, device_id: str, drives: list[Path],
    work: Callable[[], Any], tmp_path: Path,
) -> None:  # fmt: skip
    profile = tmp_path / "car.yaml"
    profile.write_text(json.dumps(PROFILE))
    folders = [str(each / "frames") for each in drives]
    result = CliRunner().invoke(
        app, ["patrol", *folders, "--device", str(profile), "-o", str(tmp_path / "out"), "-q"]
    )
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / "candidates.json").read_text())
    expected = sorted(
        (
            each["condition"],
            each["class"],
            round(each["position"]["lat"], 5),
            len(each["sightings"]),
            each["frames"],
        )
        for each in document["candidates"]
    )
    assert len(expected) >= 3
    assert person(Role.ADMIN).put(f"/v1/devices/{device_id}/profile", json=PROFILE).status_code == 200
    upload(client, drives)
    work()
    with open_database(settings) as database, database.read() as session:
        found = session.scalars(select(Candidate).where(Candidate.state == "open")).all()
        shown = [(e.condition, e.class_name, round(e.lat or 0, 5), e.sightings, e.frames) for e in found]
        assert sorted(shown) == expected
        frames = set(session.scalars(select(Frame.id)))
        assert {each.best_frame_id for each in found} <= frames


def test_profiles_are_for_admins_and_say_what_is_wrong_with_them(
    client: TestClient, person: Person, device_id: str
) -> None:
    url = f"/v1/devices/{device_id}/profile"
    assert client.put(url, json=PROFILE).status_code == 403
    assert person(Role.INSPECTOR).put(url, json=PROFILE).status_code == 403
    admin = person(Role.ADMIN)
    wrong = admin.put(url, json={"camera": {"hfov_deg": 700, "height_m": 1.8}})
    assert (wrong.status_code, "hfov_deg" in wrong.text) == (422, True)
    assert admin.put(url, json={"time_zone": "+99:00"}).status_code == 422
    assert admin.put(f"/v1/devices/{new_id()}/profile", json=PROFILE).status_code == 404
    kept = admin.put(url, json={**PROFILE, "device": "somebody else", "time_zone": "+08:00"}).json()
    assert kept["device"] != "somebody else"
    assert person(Role.VIEWER).get(url).json() == kept


def test_positions_of_another_datum_are_converted_once_and_naive_times_get_the_zone(
    client: TestClient, person: Person, settings: Settings, device_id: str, photos: list[bytes],
    work: Callable[[], Any],
) -> None:  # fmt: skip
    profile = {**PROFILE, "coordinates": "gcj02", "time_zone": "+08:00"}
    assert person(Role.ADMIN).put(f"/v1/devices/{device_id}/profile", json=profile).status_code == 200
    patrol = client.post("/v1/patrols", json={"key": "one"}).json()["id"]
    sent = {"patrol_id": patrol, "position": {"lon": 116.40, "lat": 39.90}}
    for number, photo in enumerate(photos[:3]):
        data = {"metadata": json.dumps({**sent, "name": f"{number}.jpg"})}
        assert client.post("/v1/frames", files={"photo": photo}, data=data).status_code == 201
    client.post(f"/v1/patrols/{patrol}/close")
    for _ in range(2):  # a second assembly does not convert again
        work()
        with open_database(settings) as database, database.read() as session:
            for frame, pose in session.execute(select(Frame, FramePose).join(FramePose)).all():
                assert (frame.lon, frame.lat) == (pose.lon, pose.lat)
                assert (round(frame.lon or 0, 4), round(frame.lat or 0, 4)) == (116.3938, 39.8986)
        assert person(Role.ADMIN).put(f"/v1/devices/{device_id}/profile", json=profile).status_code == 200
        with open_database(settings) as database, database.write() as session:
            from streetsight.service.assembling.arming import frame_settled

            frame_settled(session, patrol)


def test_a_track_goes_before_the_positions_of_the_photos(
    client: TestClient, person: Person, settings: Settings, device_id: str, drives: list[Path],
    work: Callable[[], Any],
) -> None:  # fmt: skip
    [patrol] = upload(client, drives[:1])
    url, track = f"/v1/patrols/{patrol}/track", (drives[0] / "track.gpx").read_bytes()
    bad = client.put(url, content=b"no track")
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_track")
    assert client.put(f"/v1/patrols/{new_id()}/track", content=track).status_code == 404
    assert client.put(url, content=track, params={"name": "a.gpx"}).json()["points"] > 10
    work()
    with open_database(settings) as database, database.read() as session:
        sources = session.scalars(select(FramePose.position_source)).all()
    assert set(sources) == {"gpx"}


def test_coverage_tells_what_was_seen_of_an_area_and_nothing_of_others(
    client: TestClient, person: Person, settings: Settings, device_id: str, drives: list[Path],
    work: Callable[[], Any],
) -> None:  # fmt: skip
    assert person(Role.ADMIN).put(f"/v1/devices/{device_id}/profile", json=PROFILE).status_code == 200
    upload(client, drives[:1])
    work()
    with open_database(settings) as database, database.write() as session:
        lon, lat = session.execute(select(func.avg(FramePose.lon), func.avg(FramePose.lat))).one()
        here, there = (
            box(lon - 0.01, lat - 0.01, lon + 0.01, lat),
            box(lon - 0.01, lat, lon + 0.01, lat + 0.01),
        )
        features = [
            {
                "type": "Feature",
                "geometry": mapping(each),
                "properties": {"code": code, "name": code, "kind": "district"},
            }
            for code, each in (("south", here), ("north", there))
        ]
        document = json.loads(json.dumps({"type": "FeatureCollection", "features": features}))
        read = read_areas(document, "wgs84")
        import_areas(session, SYSTEM, read, "test", None)
    viewer = person(Role.VIEWER)
    whole = viewer.get("/v1/coverage").json()
    parts = [
        viewer.get("/v1/coverage", params={"area": code}).json()["measure"] for code in ("south", "north")
    ]
    measure = whole["measure"]
    assert measure["seen_m2"] > 300
    assert sum(each["seen_m2"] for each in parts) == pytest.approx(measure["seen_m2"], rel=1e-3)
    assert sum(each["driven_m"] for each in parts) == pytest.approx(measure["driven_m"], abs=0.3)
    assert parts[0]["not_seen_m2"] == pytest.approx(parts[0]["area_m2"] - parts[0]["seen_m2"], abs=1)
    assert {each["properties"]["kind"] for each in whole["features"]} == {"seen"}
    limited = person(Role.VIEWER, areas=["/south/"])
    ground = limited.get("/v1/coverage").json()
    assert ground["measure"]["seen_m2"] == parts[0]["seen_m2"]
    assert shape(ground["features"][0]["geometry"]).within(here.buffer(1e-6))
    assert limited.get("/v1/coverage", params={"area": "north"}).status_code == 404
    days = viewer.get("/v1/coverage/days", params={"area": "south"}).json()["items"]
    assert [each["seen_m2"] for each in days] == [parts[0]["seen_m2"]]
    day = days[0]["day"]
    assert viewer.get("/v1/coverage", params={"day": day}).json()["measure"] == {**measure}
    assert viewer.get("/v1/coverage", params={"day": "1999-01-01"}).json()["features"] == []
    assert viewer.get("/v1/coverage", params={"bbox": "0,0,1,1"}).json()["measure"]["seen_m2"] == 0
    assert viewer.get("/v1/coverage", params={"bbox": "nowhere"}).status_code == 422
    assert viewer.get("/v1/coverage", params={"area": "west"}).status_code == 404
