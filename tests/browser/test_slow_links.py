"""What a slow link or a slow computer must not cost: a form sent twice, words typed, a place, a page."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

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


def held(page: Page, address: str) -> list[Route]:
    """Requests to an address from now on, which wait."""
    waiting = list[Route]()
    page.route(address, lambda route: waiting.append(route))
    return waiting


def until(page: Page, waiting: list[Any]) -> Any:
    while not waiting:
        page.wait_for_timeout(20)
    return waiting[0]


def test_a_form_is_not_sent_again_while_its_page_is_left(visitor: Visitor) -> None:
    page, sent = visitor(Role.VIEWER, "/account", language="en"), list[Request]()
    page.on("request", lambda request: sent.append(request) if request.method == "DELETE" else None)
    reload = held(page, "**/account")
    button = page.get_by_role("button", name="Sign all others out")
    button.evaluate(CLICKED_TWICE)
    until(page, reload)
    page.wait_for_timeout(300)
    reload[0].continue_()
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
    until(page, asked).fulfill(status=503, headers={"Retry-After": "1"}, json={"detail": "not now"})
    expect(page.get_by_role("button", name="Draw a zone")).to_be_disabled()
    expect(page.get_by_role("button", name="Save all zones")).to_be_disabled()
    page.unroute("**/v1/zones")
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
