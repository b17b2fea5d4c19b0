"""People get redacted copies; originals take a permission and are logged. On SQLite and PostgreSQL."""

import io
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from shapely.geometry import box, mapping
from sqlalchemy import select, update

from streetsight.inference.reading import read_photo
from streetsight.inference.rules.settings import load_rules
from streetsight.models.releases import Release, load_release
from streetsight.service.auth.actor import PERSON_ROLES, Role
from streetsight.service.auth.permissions import GRANTS, Permission
from streetsight.service.detections.looking import Looker
from streetsight.service.faults import Busy
from streetsight.service.files.opening import open_blobs
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue
from streetsight.service.patrols.tables import Patrol
from streetsight.service.privacy.copies import open_copies
from streetsight.service.privacy.publishing import NotRedactable, Publisher, WithoutClass, abilities
from streetsight.service.reports.tables import Report
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import FramePose
from streetsight.service.store.database import Database
from streetsight.service.store.types import now

SignIn = Callable[..., TestClient]
MASKING = next(name for name, kind in load_rules().zone_kinds.items() if kind.masks)
AREA, ELSEWHERE = "/330106/330106003/", "/330106/330106004/"
SEE_ORIGINALS = [role for role in PERSON_ROLES if Permission.SEE_ORIGINALS in GRANTS[role]]
READERS = [role for role in PERSON_ROLES if Permission.READ in GRANTS[role]]


@pytest.fixture
def photo(photos: list[bytes]) -> bytes:
    """Lying on its side, with things in it that are nobody's business."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Secret camera"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photos[0])).save(buffer, "JPEG", exif=exif, comment=b"secret")
    return buffer.getvalue()


@pytest.fixture
def frame(client: TestClient, photo: bytes, database: Database) -> str:
    """An uploaded frame in an area; gives its path."""
    receipt = client.post("/v1/frames", files={"photo": ("a.jpg", photo)}).json()
    with database.write() as session:
        session.execute(update(Frame).values(area_path=AREA))
    return f"/v1/frames/{receipt['id']}"


def change(database: Database, **values: Any) -> None:
    with database.write() as session:
        session.execute(update(Frame).values(**values))


def picture(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


@pytest.mark.parametrize("role", READERS)
def test_people_get_copies_without_what_the_camera_wrote(
    person: SignIn, frame: str, photo: bytes, role: Role
) -> None:
    answer = person(role).get(f"{frame}/photo")
    copy = picture(answer)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert copy.size == (360, 640), "upright"
    assert not copy.getexif()
    assert b"ecret" in photo
    assert b"ecret" not in answer.content


def test_devices_get_their_own_originals_and_no_others(
    client: TestClient, frame: str, photo: bytes, new_token: Callable[..., str]
) -> None:
    assert client.get(f"{frame}/photo").content == photo
    other = {"Authorization": f"Bearer {new_token()}"}
    assert client.get(f"{frame}/photo", headers=other).status_code == 404
    assert client.get(f"{frame}/original").status_code == 403


def test_sizes_and_parts(person: SignIn, frame: str) -> None:
    reader = person(Role.VIEWER)
    assert picture(reader.get(f"{frame}/photo?size=320")).size == (180, 320)
    assert picture(reader.get(f"{frame}/photo?size=1600")).size == (360, 640), "never enlarged"
    assert picture(reader.get(f"{frame}/photo?box=10,20,110,70")).size == (100, 50)
    assert picture(reader.get(f"{frame}/photo?box=300,600,9999,9999")).size == (60, 40)
    assert picture(reader.get(f"{frame}/photo?box=0,0,360,640&size=320")).size == (180, 320)
    for part in (
        "",
        "1,2,3",
        "a,b,c,d",
        "5,5,5,9",
        "-1,0,5,5",
        "nan,0,1,1",
        "1e400,0,1,1",
        "400,700,500,800",
    ):
        answer = reader.get(f"{frame}/photo", params={"box": part})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_box"), part
    assert reader.get(f"{frame}/photo?size=2000").status_code == 422


def test_a_part_is_cut_from_the_copy_and_not_from_the_original(person: SignIn, frame: str) -> None:
    """Under a veil all but leads is covered, so a part of it must be as smooth as the whole."""
    reader = person(Role.VIEWER)
    whole = np.asarray(picture(reader.get(f"{frame}/photo")).convert("RGB")).astype(int)
    part = np.asarray(picture(reader.get(f"{frame}/photo?box=50,300,250,400")).convert("RGB")).astype(int)
    assert np.abs(part - whole[300:400, 50:250]).mean() < 3


def test_copies_are_asked_for_by_their_making(person: SignIn, frame: str, settings: Settings) -> None:
    reader = person(Role.VIEWER)
    first = reader.get(f"{frame}/photo?size=320")
    again = reader.get(f"{frame}/photo?size=320", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    tags = {
        reader.get(f"{frame}/photo{query}").headers["etag"]
        for query in ("", "?size=320", "?box=0,0,50,50", "?box=0,0,50,51", "?box=0,0,50,50&size=320")
    }
    assert len(tags) == 5
    (kept,) = {path.parent for path in (settings.data_folder / "derived").rglob("*.jpg")}
    assert len(list(kept.iterdir())) == 3, "parts are not kept"
    for path in kept.iterdir():
        path.unlink()
    assert reader.get(f"{frame}/photo?size=320").content == first.content, "made again as it was"


def test_what_was_covered_is_said(person: SignIn, client: TestClient, frame: str, release: Release) -> None:
    state = abilities(release, "veil")
    assert state == {"plates": "covered", "people": "covered"}
    answer = person(Role.VIEWER).get(f"{frame}/photo")
    assert answer.headers["x-redaction"] == "plates=covered, people=covered"
    assert client.get("/readyz").json()["redaction"] == state


def _detail(image: np.ndarray[Any, Any]) -> float:
    grey = image.astype(float).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


@pytest.mark.parametrize("choice", ["veil", "refuse", "serve"])
def test_the_operator_chooses_what_is_done_without_a_class(
    settings: Settings, photo: bytes, choice: WithoutClass
) -> None:
    blobs, older = open_blobs(settings), load_release("street-n-2")  # it knows plates and not people
    sha256, looker = blobs.put(photo), Looker(older, "cpu", calls=1, threads=1)
    publisher = Publisher(blobs, open_copies(settings), looker, choice, at_once=1)
    if choice == "refuse":
        assert publisher.state() == {"plates": "covered", "people": "refused"}
        with pytest.raises(NotRedactable, match="no class to cover people"):
            publisher.copy(sha256, "full")
        return
    copy = publisher.copy(sha256, "full")
    word = {"veil": "veiled", "serve": "not-covered"}[choice]
    assert copy.redaction == f"plates=covered, people={word}"
    shown = np.asarray(Image.open(io.BytesIO(copy.content)).convert("RGB"))
    assert (_detail(shown) < 0.5 * _detail(read_photo(photo).image_rgb_hwc)) == (choice == "veil")


def test_too_many_at_once_are_asked_to_come_again(
    settings: Settings, photo: bytes, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, going_on = open_blobs(settings), threading.Event()
    sha256 = blobs.put(photo)
    publisher = Publisher(
        blobs, open_copies(settings), Looker(release, "cpu", calls=1, threads=1), "veil", at_once=1
    )
    make, made = publisher._make, []

    def slowly(*arguments: Any) -> Any:
        made.append(1)
        going_on.wait(60)
        return make(*arguments)

    monkeypatch.setattr(publisher, "_make", slowly)
    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(publisher.copy, sha256, "320") for _ in range(9)]
        while publisher._waiting._free._value:
            time.sleep(0.01)
        with pytest.raises(Busy):
            publisher.copy(sha256, "320")
        going_on.set()
        assert len({each.result().content for each in waiting}) == 1
    assert len(made) == 1, "who waited finds it made"


@pytest.mark.parametrize("role", SEE_ORIGINALS)
def test_originals_are_for_those_who_need_them_and_each_look_is_logged(
    person: SignIn, frame: str, photo: bytes, role: Role
) -> None:
    admin, reader = person(Role.ADMIN), person(role)
    answer = reader.get(f"{frame}/original", params={"reason": "appeal 2026-118"})
    assert answer.content == photo
    assert answer.headers["cache-control"] == "private, no-store"
    reader.get(f"{frame}/original")
    looks = admin.get(f"{frame}/accesses").json()["items"]
    assert [(each["role"], each["reason"]) for each in looks] == [(role, None), (role, "appeal 2026-118")]
    who = looks[0]["actor_id"]
    assert admin.get(f"/v1/privacy/accesses?actor_id={who}").json()["items"] == looks
    assert admin.get(f"/v1/privacy/accesses?actor_id={who}&limit=1").json()["next_cursor"]
    entry = admin.get("/v1/audit?action=photo.original_seen").json()["items"][0]
    assert entry["subject"] == frame.removeprefix("/v1/").replace("frames", "frame")


@pytest.mark.parametrize("role", [role for role in PERSON_ROLES if role not in SEE_ORIGINALS])
def test_nobody_else_sees_an_original(person: SignIn, frame: str, role: Role) -> None:
    assert person(role).get(f"{frame}/original").status_code == 403
    assert person(Role.ADMIN).get(f"{frame}/accesses").json()["items"] == []


@pytest.mark.parametrize("path", ["/v1/privacy/accesses", "{frame}/accesses"])
def test_looks_are_for_overseers(person: SignIn, frame: str, path: str) -> None:
    assert person(Role.INSPECTOR).get(path.format(frame=frame)).status_code == 403


def test_a_look_that_fails_is_no_look(person: SignIn, frame: str, settings: Settings, start: Any) -> None:
    admin, inspector = person(Role.ADMIN), person(Role.INSPECTOR, [ELSEWHERE])
    assert inspector.get(f"{frame}/original").status_code == 404
    assert admin.get("/v1/privacy/accesses").json()["items"] == []


def test_a_reason_may_be_asked_for(start: Any, person: SignIn, frame: str) -> None:
    strict = start(original_needs_reason=True)
    admin = person(Role.ADMIN)
    admin.app_state.update(strict.app_state)
    refused = admin.get(f"{frame}/original")
    assert (refused.status_code, refused.json()["code"]) == (422, "reason_needed")
    assert admin.get(f"{frame}/original", params={"reason": "appeal"}).status_code == 200


@pytest.mark.parametrize("role", READERS)
def test_other_areas_are_out_of_sight(person: SignIn, frame: str, role: Role, database: Database) -> None:
    assert person(role, [AREA]).get(f"{frame}/photo").status_code == 200
    assert person(role, ["/330106/"]).get(f"{frame}/photo").status_code == 200
    stranger = person(role, [ELSEWHERE])
    for path in ("photo", "photo?size=320", "photo?box=0,0,9,9"):
        answer = stranger.get(f"{frame}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "no_frame")
    change(database, area_path=None)
    assert person(role, [AREA]).get(f"{frame}/photo").status_code == 404, "in no area: for the whole city"
    assert person(role).get(f"{frame}/photo").status_code == 200


def test_a_handler_sees_the_photos_of_its_units_tasks_alone(
    person: SignIn, frame: str, lead: Callable[..., str], database: Database
) -> None:
    candidate, unit = lead(best_frame_id=frame.rpartition("/")[2], state="confirmed"), "Sanitation 3"
    with database.write() as session:
        session.add(
            Issue(
                number="1", district="330106", candidate_id=candidate, area_path=AREA, unit=unit,
                condition="exposed_garbage", confirmed_at=now(), confirmed_by_id="x", confirmed_by="x",
            )
        )  # fmt: skip
    assert person(Role.HANDLER, unit=unit).get(f"{frame}/photo").status_code == 200
    assert person(Role.HANDLER, unit="Lighting").get(f"{frame}/photo").status_code == 404
    assert person(Role.HANDLER, [ELSEWHERE], unit=unit).get(f"{frame}/photo").status_code == 404
    assert person(Role.HANDLER, unit=unit).get(f"{frame}/original").status_code == 403


def test_a_reports_photo_without_a_position_is_seen_where_the_report_lies(
    person: SignIn, frame: str, database: Database
) -> None:
    change(database, area_path=None)
    with database.write() as session:
        frame_id = session.scalars(select(Frame.id)).one()
        session.add(
            Report(source="citizen", category="x", text="y", details={}, frames=[frame_id], area_path=AREA)
        )
    assert person(Role.INSPECTOR, [AREA]).get(f"{frame}/photo").status_code == 200
    assert person(Role.INSPECTOR, [ELSEWHERE]).get(f"{frame}/photo").status_code == 404


def test_a_frame_of_a_sensitive_zone_is_shown_to_nobody(
    person: SignIn, client: TestClient, frame: str, photo: bytes, database: Database
) -> None:
    admin = person(Role.ADMIN)
    change(database, lon=120.15, lat=30.27, position={"lon": 120.15, "lat": 30.27, "accuracy_m": 5})
    assert admin.get(f"{frame}/photo").status_code == 200
    zone = {
        "type": "Feature", "properties": {"kind": MASKING, "name": "barracks"},
        "geometry": mapping(box(120.14, 30.26, 120.16, 30.28)),
    }  # fmt: skip
    document = {"type": "FeatureCollection", "time_zone": "+08:00", "features": [zone]}
    made = admin.put("/v1/zones", json=document, params={"reason": "x"}, headers={"If-Match": '"0"'})
    assert made.status_code == 200, made.text
    for path in ("photo", "photo?size=320", "original"):
        answer = admin.get(f"{frame}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "sensitive_zone")
    assert admin.get("/v1/privacy/accesses").json()["items"] == []
    assert client.get(f"{frame}/photo").content == photo, "the device has it anyway"
    change(database, lon=120.25, position={"lon": 120.25, "lat": 30.27, "accuracy_m": 5})
    assert admin.get(f"{frame}/photo").status_code == 200


def test_what_a_patrol_has_masked_stays_masked(person: SignIn, frame: str, database: Database) -> None:
    with database.write() as session:
        found = session.scalars(select(Frame)).one()
        patrol = Patrol(device_id=found.device_id, key="p")
        session.add(patrol)
        session.flush()
        session.add(FramePose(frame_id=found.id, patrol_id=patrol.id, outcome="masked", problems=[]))
    assert person(Role.ADMIN).get(f"{frame}/photo").json()["code"] == "sensitive_zone"


def test_an_expired_photo_says_so(person: SignIn, client: TestClient, frame: str, database: Database) -> None:
    change(database, photo_expired_at=now() - timedelta(days=3), photo_expired_reason="context")
    for who, path in ((person(Role.ADMIN), "photo"), (person(Role.ADMIN), "original"), (client, "photo")):
        answer = who.get(f"{frame}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (410, "photo_expired")
    assert client.get(frame).status_code == 200, "what was found on it stays"


def test_the_day_on_which_a_photo_expired_is_the_city_s(
    person: SignIn, frame: str, database: Database
) -> None:
    at_three = datetime(2026, 11, 22, 19, tzinfo=UTC)  # in the city, on the 23rd
    change(database, photo_expired_at=at_three, photo_expired_reason="context")
    assert "on 2026-11-23 (context)" in person(Role.ADMIN).get(f"{frame}/photo").json()["detail"]


def test_a_photo_that_cannot_be_read_has_no_copy(person: SignIn, client: TestClient) -> None:
    receipt = client.post("/v1/frames", files={"photo": ("a.jpg", JPEG_CUT_SHORT)}).json()
    answer = person(Role.ADMIN).get(f"/v1/frames/{receipt['id']}/photo")
    assert (answer.status_code, answer.json()["code"]) == (422, "truncated")


def test_copies_are_kept_in_object_storage_too(s3_settings: Settings) -> None:
    copies, sha256 = open_copies(s3_settings), os.urandom(32).hex()
    assert copies.get(sha256, "a.jpg") is None
    copies.put(sha256, "a.jpg", b"1")
    copies.put(sha256, "b.jpg", b"2")
    assert copies.get(sha256, "b.jpg") == b"2"
    assert not list(open_blobs(s3_settings).stored(sha256[:2])), "no originals among them"
    copies.forget(sha256)
    copies.forget(sha256)
    assert copies.get(sha256, "a.jpg") is None


def _jpeg_cut_short() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((400, 300), 90).save(buffer, "JPEG")
    return buffer.getvalue()[:-2000]


JPEG_CUT_SHORT = _jpeg_cut_short()
