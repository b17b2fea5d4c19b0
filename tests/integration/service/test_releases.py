"""Releases are switched under load: no request is dropped, and no result is of two releases."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from waiting import wait_for

from streetsight.inference.trial import try_release
from streetsight.models.registry import Registry
from streetsight.models.releases import (
    SHIPPED,
    ReleaseError,
    current_name,
    list_releases,
    load_release,
    search_path,
)
from streetsight.service import resources, working
from streetsight.service.audit.tables import AuditEntry
from streetsight.service.auth.actor import Role
from streetsight.service.detections.looking import LocalEngine, Looker
from streetsight.service.detections.service import show
from streetsight.service.detections.tables import Result
from streetsight.service.events.tables import Event
from streetsight.service.releases.choosing import chosen
from streetsight.service.releases.keeper import ReleaseKeeper
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.worker import Worker

SignIn = Callable[..., TestClient]
OLD = current_name((SHIPPED,))
NEW = next(name for name in list_releases((SHIPPED,)) if name != OLD)


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An operator's own registry, and applications that load what it says."""
    folder = tmp_path / "releases"
    folder.mkdir()
    monkeypatch.setenv("STREETSIGHT_RELEASES", str(folder))
    for module in (resources, working):
        monkeypatch.setattr(module, "Looker", Looker)
    return Registry(search_path())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"release_poll_seconds": 0.05})


def change(client: TestClient, number: int, **asked: Any) -> Any:
    headers = {"If-Match": f'"{number}"'}
    return client.post("/v1/releases/active", json={"reason": "test", **asked}, headers=headers)


def detect(client: TestClient, photo: bytes) -> dict[str, Any]:
    answer = client.post("/v1/detect", files={"photo": photo})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def promoted(client: TestClient) -> str:
    return str(client.get("/v1/releases/active").json()["name"])


def test_a_switch_under_load_drops_nothing_and_mixes_nothing(
    person: SignIn, client: TestClient, photos: list[bytes]
) -> None:
    admin, stop, answers = person(Role.ADMIN), threading.Event(), list[dict[str, Any]]()
    bare = {
        looker.release.address: [show(looker.look(photo)).model_dump(mode="json") for photo in photos[:3]]
        for looker in (Looker(load_release(name), "cpu", 1, 1) for name in (OLD, NEW))
    }
    old, new = bare
    assert [each["detections"] for each in bare[old]] != [each["detections"] for each in bare[new]]

    def ask(number: int) -> None:
        while not stop.is_set():
            found = detect(client, photos[number % 3])
            answers.append(found | {"photo": number % 3})

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(answers) > 20)
        assert change(admin, 0, name=NEW, force=True).status_code == 200
        assert detect(client, photos[0])["release"] == new
        wait_for(lambda: sum(each["release"] == new for each in answers) > 20)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {each["release"] for each in answers} == {old, new}
    for each in answers:
        alone = bare[each["release"]][each["photo"]]
        assert each["detections"] == alone["detections"], "detections are not those of the release named"


def test_promotion_and_rollback_stay_in_history_audit_and_events(person: SignIn, settings: Settings) -> None:
    admin = person(Role.ADMIN)
    listed = {each["name"]: each for each in admin.get("/v1/releases").json()}
    assert listed[OLD]["in_force"]
    assert not listed[NEW]["in_force"]
    assert change(admin, 0, name=NEW, force=True).json()["change"]["action"] == "force"
    assert change(admin, 0, action="rollback").status_code == 412
    back = change(admin, 1, action="rollback", reason="worse at night")
    assert (back.status_code, back.json()["name"], back.headers["ETag"]) == (200, OLD, '"2"')
    history = admin.get("/v1/releases/active/history").json()["items"]
    assert [(each["number"], each["action"], each["reason"]) for each in history] == [
        (2, "rollback", "worse at night"), (1, "force", "test"),
    ]  # fmt: skip
    with open_database(settings) as database, database.read() as session:
        audit = session.scalars(select(AuditEntry).where(AuditEntry.action == "release.promoted")).all()
        events = session.scalars(select(Event).where(Event.kind == "release.promoted")).all()
    assert [each.subject for each in audit] == [f"release/{NEW}", f"release/{OLD}"]
    assert {each.actor_kind for each in audit} == {"person"}
    assert len(events) == 2


def test_what_is_refused_says_why_and_changes_nothing(
    person: SignIn, client: TestClient, photos: list[bytes], tmp_path: Path
) -> None:
    analyst, admin = person(Role.ANALYST), person(Role.ADMIN)
    no_evidence = change(analyst, 0, name=NEW)
    assert (no_evidence.status_code, no_evidence.json()["code"]) == (409, "release_refused")
    assert "no comparison" in no_evidence.json()["detail"]
    assert change(analyst, 0, name=NEW, force=True).json()["code"] == "force_by_admin"
    assert change(admin, 0, name="none").json()["code"] == "release_refused"
    assert change(admin, 0, name="../../etc").json()["code"] == "release_refused"
    assert change(admin, 0).json()["code"] == "no_name"
    assert change(admin, 0, name=OLD).status_code == 409
    assert change(person(Role.INSPECTOR), 0, name=NEW).status_code == 403
    damaged = tmp_path / "releases" / "damaged"
    shutil.copytree(SHIPPED / NEW, damaged)
    (damaged / "model.onnx").write_bytes(b"not a model")
    assert "sha256" in change(admin, 0, name="damaged", force=True).json()["detail"]
    (damaged / "model.onnx").unlink()
    assert "cannot be read" in change(admin, 0, name="damaged", force=True).json()["detail"]
    assert promoted(admin) == OLD
    assert detect(client, photos[0])["release"].startswith(f"{OLD}@")


def test_a_command_on_the_machine_reaches_running_processes_and_is_recorded(
    person: SignIn, client: TestClient, photos: list[bytes], registry: Registry, settings: Settings
) -> None:
    admin = person(Role.ADMIN)
    registry.promote(NEW, try_release, "operator", "by hand", force=True)
    wait_for(lambda: promoted(admin) == NEW and admin.get("/v1/releases/active").json()["number"] == 1)
    assert detect(client, photos[0])["release"].startswith(f"{NEW}@")
    assert admin.get("/v1/releases/active").json()["change"]["made_by"] == "operator"


def test_another_server_follows_and_one_without_the_files_goes_on_and_tells(
    start: Callable[..., TestClient], person: SignIn, photos: list[bytes], tmp_path: Path,
    settings: Settings, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    admin, own = person(Role.ADMIN), tmp_path / "releases" / "only-here"
    shutil.copytree(SHIPPED / NEW, own)
    card = own / "card.json"
    card.write_text(card.read_text().replace(f'"name": "{NEW}"', '"name": "only-here"'))
    other = start()  # of the same registry
    monkeypatch.setenv("STREETSIGHT_RELEASES", str(elsewhere))
    third = start()  # of another machine
    monkeypatch.setenv("STREETSIGHT_RELEASES", str(tmp_path / "releases"))
    assert change(admin, 0, name="only-here", force=True).status_code == 200
    wait_for(lambda: detect(other, photos[0])["release"].startswith("only-here@"))
    wait_for(lambda: third.get("/readyz").status_code == 503)
    assert "copy its folder only-here" in third.get("/readyz").json()["checks"]["release"]
    assert detect(third, photos[0])["release"].startswith(f"{OLD}@")  # it serves on
    roots = (elsewhere, SHIPPED)
    with open_database(settings) as database, database.read() as session:
        with pytest.raises(ReleaseError, match="copy its folder only-here"):
            chosen(session, roots)
        shutil.copytree(own, elsewhere / "only-here")
        assert chosen(session, roots).card.name == "only-here"
    wait_for(lambda: third.get("/readyz").status_code == 200)
    assert detect(third, photos[0])["release"].startswith("only-here@")


def test_a_file_that_vanishes_under_way_is_told_and_the_server_goes_on(
    person: SignIn, client: TestClient, photos: list[bytes], tmp_path: Path, settings: Settings
) -> None:
    admin = person(Role.ADMIN)
    assert change(admin, 0, name=NEW, force=True).status_code == 200
    (tmp_path / "releases" / NEW / "model.onnx").unlink()
    lost = client.get("/readyz")
    assert lost.status_code == 503
    assert "restore it" in lost.json()["checks"]["release"]
    assert "restore it" in admin.get("/v1/releases/active").json()["trouble"]
    assert detect(client, photos[0])["release"].startswith(f"{NEW}@")
    with pytest.raises(ReleaseError, match="restore it or choose another release"):
        working.work(settings)
    assert change(admin, 1, action="rollback").status_code == 200
    ready = client.get("/readyz")
    assert ready.status_code == 200, ready.text


def test_what_another_process_has_mended_is_told_no_more(
    person: SignIn, client: TestClient, tmp_path: Path, settings: Settings
) -> None:
    admin = person(Role.ADMIN)
    with open_database(settings) as database:
        keeper = ReleaseKeeper(database, Looker(load_release(OLD), "cpu", 1, 1), 0.02)
        assert change(admin, 0, name=NEW, force=True).status_code == 200
        (tmp_path / "releases" / NEW / "model.onnx").unlink()
        with keeper.running():
            threading.Event().wait(1)  # it looks dozens of times, then never again
        with pytest.raises(ReleaseError, match="restore it"):
            keeper.check()
        assert change(admin, 1, action="rollback").status_code == 200
        keeper.check()


def test_old_frames_are_looked_at_again_behind_fresh_ones(
    person: SignIn, client: TestClient, photos: list[bytes], settings: Settings, work: Callable[[], Worker]
) -> None:
    admin = person(Role.ADMIN)
    ids = [client.post("/v1/frames", files={"photo": photo}).json()["id"] for photo in photos[:3]]
    work()
    change(admin, 0, name=NEW, force=True)
    new = admin.get("/v1/releases/active").json()["address"]
    looker = Looker(load_release(NEW), "cpu", 2, 1)
    asked = admin.post("/v1/releases/active/redetect", json={})
    assert (asked.status_code, asked.json()["frames"], asked.json()["release"]) == (202, 3, new)
    assert admin.get("/v1/releases/active").json()["redetections"][0]["frames"] == 3
    assert admin.post("/v1/releases/active/redetect", json={"taken_before": "2000-01-01T00:00Z"}).json() | {
        "id": ""
    } == {"id": "", "frames": 0, "release": new}
    _work_with(looker, settings)
    with open_database(settings) as database, database.read() as session:
        releases = session.scalars(select(Result.release).where(Result.frame_id.in_(ids))).all()
    assert len(releases) == 6
    shown = [client.get(f"/v1/frames/{each}").json()["result"]["release"] for each in ids]
    assert shown == [new] * 3
    assert admin.get("/v1/releases/active").json()["redetections"] == []


def _work_with(looker: Looker, settings: Settings) -> None:
    from streetsight.service.files.opening import open_blobs
    from streetsight.service.store.writer import GroupWriter

    with open_database(settings) as database:
        writer, blobs = GroupWriter(database), open_blobs(settings)
        handlers = working.handlers(database, blobs, LocalEngine(looker, blobs), settings)
        worker = Worker(database, handlers, settings)
        while worker.turn(writer):
            pass
        writer.close()
