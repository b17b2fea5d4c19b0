"""Releases in the browser: compare, promote, roll back; what decisions teach."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from releases import CHAMPION, registry_with_challengers
from rows import write_lead

from streetsight.service.auth.actor import Role
from streetsight.service.settings import Settings
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, unused_port: Callable[[], int], new_site: Callable[..., Any]
) -> Iterator[Any]:
    """A server with a registry of its own: what is put in force here is nobody else's."""
    folder = tmp_path_factory.mktemp("models")
    registry_with_challengers(folder / "releases")
    settings = Settings(
        data_folder=folder / "data", port=unused_port(), min_free_bytes=0, workers=1,  # type: ignore[arg-type]
    )  # fmt: skip
    running = new_site(settings, environment={"STREETSIGHT_RELEASES": str(folder / "releases")})
    with open_database(settings) as database:
        migrate(database)
    running.start()
    yield running
    running.stop()


def test_a_challenger_is_put_in_force_and_taken_back(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/models", language="en")
    expect(page.locator(".in-force .name")).to_contain_text(CHAMPION)
    page.get_by_role("link", name="challenger", exact=True).click()
    expect(page.locator(".verdict")).to_contain_text("Nothing stands against")
    expect(page.locator("#chart canvas")).to_be_visible()
    page.select_option("#curve", label="pothole")
    page.fill("[name=reason]", "finds more")
    page.get_by_role("button", name="Put in force").click()
    page.wait_for_url("**/models")
    expect(page.locator(".in-force .name")).to_contain_text("challenger")
    expect(page.locator(".in-force")).to_contain_text("finds more")
    page.get_by_text("Roll back", exact=True).click()
    page.locator(".in-force [name=reason]").fill("vans are missed")
    page.get_by_role("button", name="Roll back now").click()
    expect(page.locator(".in-force .name")).to_contain_text(CHAMPION)
    expect(page.locator("main")).to_contain_text("vans are missed")


def test_objections_are_shown_and_only_an_admin_sets_them_aside(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/models/worse", language="en")
    expect(page.locator(".verdict")).to_contain_text("Stands against")
    expect(page.get_by_role("button", name="Put in force")).to_have_count(0)
    page = visitor(Role.VIEWER, "/models/challenger", language="en")
    expect(page.get_by_role("button", name="Put in force")).to_have_count(0)
    page = visitor(Role.ADMIN, "/models/worse", language="en")
    page.fill("[name=reason]", "a trial")
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Put in force").click()
    page.wait_for_url("**/models")
    expect(page.locator("main")).to_contain_text("promoted against objections")
    page.get_by_text("Roll back", exact=True).click()
    page.locator(".in-force [name=reason]").fill("the trial is over")
    page.get_by_role("button", name="Roll back now").click()
    expect(page.locator(".in-force .name")).to_contain_text(CHAMPION)


def test_somebody_was_quicker(visitor: Visitor) -> None:
    first, second = (visitor(Role.ANALYST, "/models/challenger", language="en") for _ in range(2))
    for page in (first, second):
        page.fill("[name=reason]", "finds more")
    first.get_by_role("button", name="Put in force").click()
    first.wait_for_url("**/models")
    second.get_by_role("button", name="Put in force").click()
    expect(second.get_by_role("alert")).to_be_visible()
    assert second.input_value("[name=reason]") == "finds more"
    first.get_by_text("Roll back", exact=True).click()
    first.locator(".in-force [name=reason]").fill("back")
    first.get_by_role("button", name="Roll back now").click()
    expect(first.locator(".in-force .name")).to_contain_text(CHAMPION)


def test_what_to_label_next_is_what_the_release_doubts(visitor: Visitor, site: Any) -> None:
    with site.write() as session:
        sure = write_lead(session, 1, 1, {"class_name": "pothole", "score": 0.95})
        unsure = write_lead(session, 1, 1, {"class_name": "pothole", "score": 0.25})
        for _ in range(3):
            write_lead(session, 1, 1, {"class_name": "garbage", "score": 0.41, "state": "confirmed"})
        common = write_lead(session, 1, 1, {"class_name": "garbage", "score": 0.41})
    page = visitor(Role.ANALYST, "/models/data", language="en")
    links = [each.get_attribute("href") or "" for each in page.locator("table a[href*=candidates]").all()]
    assert [each.rpartition("/")[2] for each in links] == [unsure, common, sure]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", ["/models", "/models/challenger", "/models/worse", "/models/data"])
def test_everybody_can_use_it(
    visitor: Visitor,
    accessible: Callable[[Page], None],
    shoot: Callable[[Page, str], None],
    path: str,
    language: str,
) -> None:
    for phone, dark in ((False, False), (True, True)):
        page = visitor(Role.ADMIN, path, language=language, phone=phone, dark=dark)
        accessible(page)
        shoot(page, f"{path.strip('/').replace('/', '-')}-{language}{'-phone-dark' if phone else ''}")


def test_a_release_that_is_not_there_is_said(visitor: Visitor) -> None:
    page = visitor(Role.VIEWER, "/models/nothing", language="en")
    expect(page.locator("main")).to_contain_text("there is no release nothing")
