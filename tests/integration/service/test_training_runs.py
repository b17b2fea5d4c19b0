"""Dataset versions out of decisions, and runs: what may be started, and processes that are looked after."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from rows import write_lead

from streetsight.datasets.versions import read_version
from streetsight.models.registry import Registry
from streetsight.models.releases import SHIPPED, current_name, load_release, search_path
from streetsight.service import working
from streetsight.service.auth.actor import Role
from streetsight.service.dataset_versions import service as versions
from streetsight.service.detections.looking import LocalEngine, Looker
from streetsight.service.files.opening import open_blobs
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database
from streetsight.service.training_runs import running, service
from streetsight.service.training_runs.running import Step
from streetsight.service.worker import Worker

SignIn = Callable[..., TestClient]
NOBODY = "01a20233-5f67-77ae-9e8a-8156a002b49c"


@pytest.fixture
def analyst(person: SignIn) -> TestClient:
    return person(Role.ANALYST)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An operator's own."""
    (tmp_path / "releases").mkdir()
    monkeypatch.setenv("STREETSIGHT_RELEASES", str(tmp_path / "releases"))
    return Registry(search_path())


@pytest.fixture
def decided(client: TestClient, settings: Settings, photos: list[bytes], work: Callable[[], Worker]) -> None:
    """Confirmed leads on photos of three places, and one that is open."""
    ids = []
    for number, photo in enumerate(photos[:4]):
        position = f'{{"position": {{"lon": {120.1 + number / 100}, "lat": 30.2}}}}'
        ids.append(
            client.post("/v1/frames", files={"photo": photo}, data={"metadata": position}).json()["id"]
        )
    work()
    with open_database(settings) as database, database.write() as session:
        for number, each in enumerate(ids):
            state = "open" if number == 3 else "confirmed"
            about = {"class_name": "damaged_sign", "condition": "broken_facility", "state": state}
            write_lead(session, 1, 1, about, [each], [60.0, 40.0, 200.0, 140.0], [640, 360])


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def asked(**changes: Any) -> dict[str, Any]:
    usual = {"version_id": NOBODY, "release_name": "a-1", "weights": current_name((SHIPPED,)), "reason": "r"}
    return usual | changes


@pytest.mark.usefixtures("decided")
def test_decisions_are_frozen_as_a_version_and_given_up(
    analyst: TestClient, settings: Settings, work: Callable[[], Worker]
) -> None:
    sent = {"note": "spring", "condition": "broken_facility", "decided_before": None}
    made = analyst.post("/v1/dataset-versions", json=sent)
    assert made.status_code == 202
    assert made.json()["state"] == "queued"
    work()
    path = made.headers["Location"]
    version = analyst.get(path).json()
    assert (version["state"], version["fault"]) == ("built", None)
    assert sum(version["parts"].values()) == 3
    folder = versions.dataset_folder(settings, version["id"])
    parts = read_version(folder / "versions" / version["address"], folder)
    assert {name: len(records) for name, records in parts.items() if records} == version["parts"]
    assert not (folder / "exported").exists()
    assert analyst.get("/v1/dataset-versions").json()["items"][0]["id"] == version["id"]

    assert analyst.delete(path).status_code == 204
    assert analyst.get(path).json()["state"] == "deleted"
    assert not folder.exists()


def test_nothing_decided_makes_no_version_and_says_so(
    analyst: TestClient, work: Callable[[], Worker]
) -> None:
    path = analyst.post("/v1/dataset-versions", json={"note": "a"}).headers["Location"]
    work()
    version = analyst.get(path, headers={"Accept-Language": "zh-CN"}).json()
    assert version["state"] == "failed"
    assert "标注" in version["fault"]
    wrong = analyst.post("/v1/dataset-versions", json={"note": "a", "area": "nowhere"})
    assert problem(wrong) == (422, "unknown_area")


def test_who_sees_a_part_of_the_city_builds_nothing_of_all_of_it(person: SignIn) -> None:
    local = person(Role.ANALYST, ["/330106/"])
    assert problem(local.post("/v1/dataset-versions", json={"note": "a"})) == (403, "whole_city_only")
    assert problem(local.post("/v1/training-runs", json=asked())) == (403, "whole_city_only")


def test_what_cannot_be_started_is_said_at_once(
    analyst: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def start(**changes: Any) -> tuple[int, str]:
        return problem(analyst.post("/v1/training-runs", json=asked(**changes)))

    monkeypatch.setattr(service, "is_installed", lambda: False)
    assert start() == (409, "training_not_installed")
    monkeypatch.setattr(service, "is_installed", lambda: True)
    assert start() == (409, "no_own_registry")
    monkeypatch.setenv("STREETSIGHT_RELEASES", str(tmp_path))
    assert start() == (404, "no_dataset_version")
    assert start(release_name=current_name((SHIPPED,))) == (409, "release_name_taken")
    assert start(weights="nothing") == (404, "no_release")
    assert start(weights=None) == (422, "malformed")
    assert start(release_name="../up") == (422, "malformed")
    assert start(size=100) == (422, "malformed")
    assert start(kind="compare", release_name="nothing") == (404, "no_release")


@pytest.mark.training
@pytest.mark.usefixtures("decided", "registry")
def test_a_run_that_waits_is_cancelled_and_its_name_is_free_again(
    analyst: TestClient, settings: Settings, work: Callable[[], Worker]
) -> None:
    analyst.post("/v1/dataset-versions", json={"note": "spring"})
    work()
    version = analyst.get("/v1/dataset-versions").json()["items"][0]["id"]
    made = analyst.post("/v1/training-runs", json=asked(version_id=version))
    assert made.status_code == 202, made.text
    assert (
        problem(analyst.post("/v1/training-runs", json=asked(version_id=version)))[1] == "release_name_taken"
    )
    path = made.headers["Location"]
    assert analyst.post(f"{path}/cancel").json()["cancel_asked_at"]
    work()
    assert analyst.get(path).json()["state"] == "cancelled"
    assert problem(analyst.post(f"{path}/cancel")) == (409, "training_run_ended")
    assert analyst.get(f"{path}/log").text == ""
    assert not running.is_alive(service.run_folder(settings, path.rpartition("/")[2]))
    assert analyst.post("/v1/training-runs", json=asked(version_id=version)).status_code == 202
    analyst.post(f"/v1/training-runs/{analyst.get('/v1/training-runs').json()['items'][0]['id']}/cancel")
    work()


def step(name: str, code: str, needed: bool = True) -> Step:
    # `_run` shows what follows `python -m streetsight`
    return Step(name, (sys.executable, "-c", code), needed)


def ended(folder: Path) -> running.Status:
    while running.is_alive(folder) or not (folder / running.STATUS_NAME).exists():
        time.sleep(0.02)
    return running.read_status(folder)


def test_steps_are_done_in_order_and_only_needed_ones_fail_a_run(tmp_path: Path) -> None:
    steps = [
        step("train", "print('learns\\r\\x1b[Klearned')"),
        step("compare", "raise SystemExit(3)", needed=False),
        step("register", "print('kept')"),
    ]  # fmt: skip
    running.write_plan(tmp_path, steps)
    running.start(tmp_path)
    status = ended(tmp_path)
    assert (status.ended, status.done) == ("done", {"train": 0, "compare": 3, "register": 0})
    assert [line for line in running.tail(tmp_path).splitlines() if line[0] != "$"] == ["learned", "kept"]
    running.write_plan(tmp_path / "other", [step("train", "raise SystemExit(2)"), step("export", "")])
    running.start(tmp_path / "other")
    status = ended(tmp_path / "other")
    assert (status.ended, status.step, status.done) == ("failed", "train", None)


def test_what_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.02)"
    running.write_plan(tmp_path, [step("train", "print('once')"), step("export", waits)])
    running.start(tmp_path)
    while running.read_status(tmp_path).step != "export":
        time.sleep(0.02)
    assert running.is_alive(tmp_path)
    running.start(tmp_path)  # a second one leaves at once
    running.end(tmp_path, at_once=True)
    while running.is_alive(tmp_path):  # also what it had started is gone
        time.sleep(0.02)
    assert running.read_status(tmp_path).ended is None
    flag.touch()
    running.start(tmp_path)
    while running.read_status(tmp_path).ended is None:
        time.sleep(0.02)
    assert running.tail(tmp_path).count("once\n") == 1


def test_a_worker_without_the_extra_leaves_runs_to_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(working, "is_installed", lambda: False)
    with open_database(settings) as database:
        looker = Looker(load_release(), "cpu", calls=1, threads=1)
        blobs = open_blobs(settings)
        handlers = working.handlers(database, blobs, LocalEngine(looker, blobs), settings)
    kinds = {each.kind for each in handlers}
    assert versions.KIND in kinds
    assert service.KIND not in kinds
