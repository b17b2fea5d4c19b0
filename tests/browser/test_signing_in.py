"""Sign in, languages, the account page, and a session that ends while somebody types."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from streetsight.service.auth.actor import Role
from streetsight.service.people.tables import PersonSession

pytestmark = pytest.mark.browser

PASSWORD = "a long walk home"


def test_who_is_not_signed_in_is_asked_to_and_comes_back(visitor: Callable[..., Page], site: Any) -> None:
    login, _ = site.person(Role.VIEWER)
    page = visitor(None, "/account?x=1")
    assert page.url.endswith("/sign-in?next=%2Faccount%3Fx%3D1")
    page.fill("[name=login]", login)
    page.fill("[name=password]", "wrong")
    page.click("button.main")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.input_value("[name=login]") == login
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_url("**/account?x=1")
    page.get_by_role("button", name="退出", exact=True).click()
    page.wait_for_url("**/sign-in")
    page.goto("/account")
    assert "/sign-in" in page.url


@pytest.mark.parametrize("wanted", ["//example.org", "https://example.org/", "/\\example.org"])
def test_nobody_is_sent_elsewhere(visitor: Callable[..., Page], site: Any, wanted: str) -> None:
    page = visitor(Role.VIEWER, f"/sign-in?next={wanted}")
    assert page.url.startswith(site.url)


def test_the_language_is_kept(visitor: Callable[..., Page]) -> None:
    page = visitor(Role.VIEWER, "/account")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.click("text=English")
    assert page.url.endswith("/account")
    assert page.get_attribute("html", "lang") == "en"
    expect(page.get_by_role("heading", name="Change the password")).to_be_visible()
    page.reload()
    assert page.get_attribute("html", "lang") == "en"


def test_nothing_typed_is_lost_when_the_session_ends(visitor: Callable[..., Page], site: Any) -> None:
    login, _ = site.person(Role.VIEWER)
    page = visitor(None, "/sign-in?next=/account", language="en")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.fill("form.row [name=name]", "monthly export")
    with site.write() as session:
        from streetsight.service.store.types import now

        session.execute(update(PersonSession).values(ended_at=now()))
    page.click("text=New token")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.locator("[name=login]").fill(login)
    dialog.locator("[name=password]").fill("wrong")
    dialog.get_by_role("button").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    dialog.locator("[name=password]").fill(PASSWORD)
    dialog.get_by_role("button").click()
    expect(page.locator("output.secret")).to_contain_text("ssp_")
    page.reload()
    expect(page.get_by_role("cell", name="monthly export")).to_be_visible()


def test_wrong_input_is_said_at_its_field(visitor: Callable[..., Page]) -> None:
    page = visitor(Role.VIEWER, "/account", language="en")
    page.fill("[name=current]", "not it at all")
    page.fill("[name=new]", "something else entirely")
    page.get_by_role("button", name="Change").click()
    expect(page.locator("form .problem")).to_be_visible()
    assert page.input_value("[name=new]") == "something else entirely"


def test_an_address_that_is_none_is_a_page(visitor: Callable[..., Page]) -> None:
    page = visitor(Role.VIEWER, "/no/such/page", language="en")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", ["/sign-in", "/account", "/no/such/page"])
def test_everybody_can_use_it(
    visitor: Callable[..., Page],
    accessible: Callable[[Page], None],
    shoot: Callable[[Page, str], None],
    path: str,
    language: str,
) -> None:
    for phone, dark in ((False, False), (True, True)):
        page = visitor(
            None if path == "/sign-in" else Role.VIEWER, path, language=language, phone=phone, dark=dark
        )
        accessible(page)
        name = path.strip("/").replace("/", "-")
        shoot(page, f"{name}-{language}{'-phone-dark' if phone else ''}")
