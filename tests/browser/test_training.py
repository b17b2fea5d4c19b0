"""From decisions to a challenger: a dataset version is built, tiny runs are started, cancelled, done."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect
from rows import write_lead

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.service.auth.actor import Role
from streetsight.service.devices.service import SCOPES, add_device
from streetsight.service.settings import Settings
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database
from streetsight.service.training_runs import running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.training,
    pytest.mark.skipif(find_spec("ultralytics") is None, reason="the training extra is absent"),
]

Visitor = Callable[..., Page]
SIZE, BOX = (320, 180), [60.0, 40.0, 200.0, 140.0]
PLACES = 9
UNSEEN = "damaged_sign"  # the release finds none on these photos, so that all there is was decided


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, unused_port: Callable[[], int], new_site: Callable[..., Any]
) -> Iterator[Any]:
    """A server with a registry of its own, and decided leads on rendered photos of several places."""
    folder = tmp_path_factory.mktemp("training")
    (folder / "releases").mkdir()
    settings = Settings(
        data_folder=folder / "data", port=unused_port(), min_free_bytes=0, workers=1,  # type: ignore[arg-type]
    )  # fmt: skip
    running_site = new_site(settings, environment={"STREETSIGHT_RELEASES": str(folder / "releases")})
    with open_database(settings) as database:
        migrate(database)
        with database.write() as session:
            running_site.token = add_device(session, "camera", SCOPES)
    running_site.start()
    deque(simulate_patrol(folder / "patrol", 4, PLACES, Camera(SIZE), step_m=30), maxlen=0)
    frames = upload(running_site, sorted((folder / "patrol" / "frames").glob("*.jpg")))
    with running_site.write() as session:
        for each in frames:
            decided = {"class_name": UNSEEN, "condition": "broken_facility", "state": "confirmed"}
            write_lead(session, 1, 1, decided, [each], BOX, SIZE)
    yield running_site
    running_site.stop()
    for run in (settings.data_folder / "training").iterdir():  # runs outlive their server
        if running.is_alive(run):
            running.end(run, at_once=True)


def upload(site: Any, photos: list[Path]) -> list[str]:
    """Photos of places that are far apart, looked at; gives their ids."""
    ids = []
    with httpx2.Client(base_url=site.url, headers={"Authorization": f"Bearer {site.token}"}) as client:
        for number, photo in enumerate(photos):
            sent = {"position": {"lon": 120.1 + number * 0.01, "lat": 30.2, "accuracy_m": 5}}
            answer = client.post(
                "/v1/frames", files={"photo": (photo.name, photo.read_bytes())},
                data={"metadata": json.dumps(sent)},
            )  # fmt: skip
            ids.append(str(answer.raise_for_status().json()["id"]))
        while client.get(f"/v1/frames/{ids[-1]}").json()["state"] != "detected":
            pass
    return ids


def built(page: Page) -> None:
    """Builds a dataset version by the page."""
    page.goto("/models/data")
    page.get_by_text("Build a version", exact=True).click()
    page.locator("details[open] [name=note]").fill("spring")
    page.get_by_role("button", name="Build", exact=True).click()
    expect(page.locator("tr", has_text="spring").first).to_contain_text("ready")


def started(page: Page, name: str, epochs: int) -> str:
    """Starts a run by the page; gives its id."""
    page.goto("/models/training")
    page.locator("#train > summary").click()
    form = page.locator("#train")
    form.locator("[name=release_name]").fill(name)
    form.locator("summary", has_text="Instead of").click()
    form.locator("[name=epochs]").fill(str(epochs))
    form.locator("[name=size]").fill("64")
    form.locator("[name=reason]").fill("signs")
    form.get_by_role("button", name="Start").click()
    page.wait_for_url("**/models/training/*-*")
    return page.url.rpartition("/")[2]


def test_a_run_ends_in_a_challenger(
    visitor: Visitor, site: Any, accessible: Callable[[Page], None], shoot: Callable[[Page, str], None]
) -> None:
    page = visitor(Role.ANALYST, "/models/training", language="en")
    expect(page.locator("main")).to_contain_text("Nothing to learn from yet")
    built(page)
    shoot(page, "models-data-versions-en")
    accessible(page)

    folder = site.settings.data_folder / "training" / started(page, "cancelled-1", 1000)
    expect(page.locator(".run-state")).to_contain_text("trains")
    assert running.is_alive(folder)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator(".run-state")).to_contain_text("cancelled")
    assert not running.is_alive(folder)  # nor anything that it had started

    run = started(page, "tiny-1", 1)
    expect(page.locator(".run-state")).to_contain_text("done", timeout=240_000)
    expect(page.locator(".log")).to_contain_text("epoch 1/1")
    for language, phone in (("zh-CN", False), ("en", True)):
        for path, title in ((f"/models/training/{run}", "training-run"), ("/models/training", "training")):
            other = visitor(Role.ANALYST, path, language=language, phone=phone, dark=phone)
            accessible(other)
            shoot(other, f"{title}-{language}{'-phone-dark' if phone else ''}")
    page.get_by_role("link", name="See how it compares").click()
    page.wait_for_url("**/models/tiny-1")
    expect(page.locator("h1")).to_contain_text("challenger")
    page.goto("/models")
    expect(page.get_by_role("row", name="tiny-1")).to_contain_text("challenger")
