"""What a slow link or a slow computer must not cost: a form sent twice, words typed, a place, a page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from holding import held
from playwright.sync_api import Page, Request, expect

from streetsight.service.auth.actor import Role

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
# By the page itself: Playwright would wait for the page that comes.
CLICKED_TWICE = """
button => {
  button.click();
  const look = setInterval(() => {
    const answered = performance.getEntriesByType("resource").some(({ name }) => name.endsWith("/sessions"));
    if (answered) { clearInterval(look); setTimeout(() => button.click(), 100); }
  }, 20);
}
"""
PASSWORD = "a long walk home"
LATE_PLACE = """
navigator.geolocation.getCurrentPosition = (found) => { window.found = found; };
"""


def test_a_form_is_not_sent_again_while_its_page_is_left(visitor: Visitor) -> None:
    page, sent = visitor(Role.VIEWER, "/account", language="en"), list[Request]()
    page.on("request", lambda request: sent.append(request) if request.method == "DELETE" else None)
    reload = held(page, "**/account")
    button = page.get_by_role("button", name="Sign all others out")
    button.evaluate(CLICKED_TWICE)
    left = reload.first()
    page.wait_for_timeout(300)
    left.continue_()
    expect(button).not_to_have_attribute("aria-busy", "true")
    assert len(sent) == 1


def test_a_place_that_is_said_is_not_overruled_by_a_late_one(visitor: Visitor) -> None:
    page = visitor(Role.INSPECTOR, "/file", language="en")
    page.evaluate(LATE_PLACE)
    page.get_by_role("button", name="Where I am now").click()
    page.locator(".place-degrees").fill("30.54, 114.26")
    page.locator(".place-degrees").blur()
    expect(page.locator(".place-said")).to_have_text("pin on the map")
    page.evaluate("found({ coords: { longitude: 114.5, latitude: 30.9, accuracy: 9 } })")
    page.get_by_role("button", name="Where I am now").click()  # it has been heard by now
    expect(page.locator(".place-degrees")).to_have_value("30.54000, 114.26000")
    expect(page.locator(".place-said")).to_have_text("pin on the map")


def test_zones_are_drawn_once_they_are_there(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/account", language="en")
    asked = held(page, "**/v1/zones")
    page.goto("/admin/zones")
    asked.first().fulfill(status=503, headers={"Retry-After": "1"}, json={"detail": "not now"})
    expect(page.get_by_role("button", name="Draw a zone")).to_be_disabled()
    expect(page.get_by_role("button", name="Save all zones")).to_be_disabled()
    asked.end()
    expect(page.get_by_role("button", name="Draw a zone")).to_be_enabled()


def test_a_place_is_typed_before_the_outlines_are_there(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/account", language="en")
    held(page, "**/v1/areas/geojson")
    page.goto("/places/new")
    page.locator("#place [name=name]").fill("East gate")
    page.locator("#place").evaluate("form => form.requestSubmit()")
    expect(page.locator("#place [name=name]")).to_have_value("East gate")
    assert page.url.endswith("/places/new")


def test_a_form_whose_script_is_late_loses_nothing(visitor: Visitor) -> None:
    page = visitor(Role.VIEWER, "/account", language="en")
    held(page, "**/app.js")
    page.reload(wait_until="commit")
    page.locator("[name=new]").fill("in no address")
    page.locator("form", has=page.locator("[name=new]")).evaluate(
        "form => { form.noValidate = true; form.requestSubmit(); }"
    )
    expect(page.locator("[name=new]")).to_have_value("in no address")
    assert page.url.endswith("/account")


def test_nobody_closes_the_question_who_they_are(visitor: Visitor, site: Any) -> None:
    login, _ = site.person(Role.VIEWER)
    page = visitor(None, "/sign-in?next=/account", language="en")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/account")
    page.context.clear_cookies()
    page.get_by_role("button", name="Sign all others out").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.locator("dialog").evaluate("dialog => dialog.close()")  # as a second Escape does
    expect(dialog).to_be_visible()
    page.route("**/v1/session", lambda route: route.abort())
    dialog.locator("[name=login]").fill(login)
    dialog.locator("[name=password]").fill(PASSWORD)
    dialog.get_by_role("button").click()
    expect(dialog.get_by_role("alert")).to_contain_text("does not answer")
    page.unroute("**/v1/session")
    dialog.get_by_role("button").click()
    expect(dialog).to_have_count(0)


def test_an_answer_that_comes_after_signing_in_asks_nobody_again(visitor: Visitor, site: Any) -> None:
    login, _ = site.person(Role.VIEWER)
    page = visitor(None, "/sign-in?next=/account", language="en")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/account")
    asked = held(page, "**/sessions")
    page.get_by_role("button", name="Sign all others out").click()
    refused = asked.first()
    page.context.clear_cookies()
    page.fill("[name=current]", PASSWORD)
    page.fill("[name=new]", "a longer walk home")
    page.locator("[name=new]").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.locator("[name=login]").fill(login)
    dialog.locator("[name=password]").fill(PASSWORD)
    dialog.get_by_role("button").click()
    expect(dialog).to_have_count(0)
    with page.expect_request(lambda request: request.method == "DELETE"):
        refused.fulfill(status=401, json={"detail": "no session"})
    expect(dialog).to_have_count(0)


SHOPS = """店铺编号,店铺名称,地址,经度,纬度,门前范围,电话
{code},慢车道五金,学院路 7 号,121.41,31.4,30,0571-88880001
"""


@pytest.fixture
def shops(visitor: Visitor, tmp_path: Path) -> Page:
    """The form that takes shops from a file, with `a.csv` and `b.csv` in a folder to choose from."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(SHOPS.format(code=f"SLOW-{name}"), encoding="utf-8")
    page = visitor(Role.INSPECTOR, "/shops/import", language="en")
    page.locator("[name=crs]").select_option("wgs84")
    page.locator("[name=reason]").fill("register of the year")
    page.set_input_files("[name=file]", tmp_path / "a.csv")
    return page


def test_what_was_found_in_one_file_is_not_said_of_another(shops: Page, tmp_path: Path) -> None:
    check, found = shops.get_by_role("button", name="Check"), shops.locator("#found")
    asked = held(shops, "**/v1/shops/import?**")
    check.click()
    asked.first()
    shops.set_input_files("[name=file]", tmp_path / "b.csv")
    with shops.expect_response("**/v1/shops/import?**"):
        asked.end()
    expect(check).not_to_have_attribute("aria-busy", "true")
    expect(found).to_be_empty()
    check.click()
    expect(found).to_contain_text("1 new")
    shops.locator("[name=crs]").select_option("gcj02")
    expect(found).to_be_empty()  # it lies elsewhere then


def test_a_file_that_is_mended_has_to_be_chosen_again(shops: Page, tmp_path: Path) -> None:
    check, found = shops.get_by_role("button", name="Check"), shops.locator("#found")
    (tmp_path / "a.csv").write_text(SHOPS.format(code="SLOW-mended-meanwhile"), encoding="utf-8")
    check.click()
    expect(found).to_contain_text("This file was changed since it was chosen")
    shops.set_input_files("[name=file]", tmp_path / "a.csv")
    check.click()
    expect(found).to_contain_text("1 new")
    (tmp_path / "a.csv").unlink()
    found.get_by_role("button", name="Import 1 shops").click()  # as it was checked
    shops.wait_for_url("**/shops")
    expect(shops.locator(".rows")).to_contain_text("SLOW-mended-meanwhile")


def test_that_the_server_is_away_is_said(shops: Page) -> None:
    shops.route("**/v1/shops/import?**", lambda route: route.abort())
    shops.get_by_role("button", name="Check").click()
    expect(shops.locator("#found")).to_contain_text("The server does not answer")


def test_photos_that_come_while_an_issue_is_sent_are_of_the_next(
    visitor: Visitor, street_photos: list[Path]
) -> None:
    page = visitor(Role.INSPECTOR, "/file", language="en")
    code, file = page.locator("[role=combobox]"), page.locator("button.main", has_text="File")
    page.set_input_files("#files", street_photos[4:5])
    expect(page.locator("#photos li")).to_contain_text("found")  # it proposes what and where
    expect(page.locator(".place-said")).to_contain_text("from the photo (EXIF)")
    code.fill("06029")
    code.press("Enter")
    expect(code).to_have_value("06029 open-air barbecue")
    asked = held(page, "**/v1/issues")
    file.click()
    sent = asked.first()
    page.set_input_files("#files", street_photos[5:6])
    expect(page.locator("#photos li")).to_have_count(2)
    sent.continue_()
    expect(page.locator("#filed a")).to_have_count(1)
    expect(page.locator("#photos li")).to_have_count(1)
    expect(page.locator("#photos img")).to_have_attribute("alt", street_photos[5].name)
    expect(page.locator(".place-said")).to_contain_text("from the photo (EXIF)")
