"""The map and the leads: filters in the address, back, clusters, panels, ground; no tile server is needed."""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from rows import DAWN, write_lead
from shapely import Polygon, to_wkb
from sqlalchemy import select

from streetsight.service.auth.actor import Role
from streetsight.service.coverage.tables import CoveredTile
from streetsight.service.patrols.tables import Patrol

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
WEST, SOUTH = 121.15, 31.27


@pytest.fixture(scope="module")
def area(site: Any) -> str:
    """An area of its own with 6 leads of two kinds; its path."""
    path = f"/330199/330199{os.urandom(3).hex()}/"
    kinds = [("exposed_garbage", "garbage", "open"), ("street_vending", "street_vendor", "rejected")]
    with site.write() as session:
        for number in range(6):
            condition, class_name, state = kinds[number % 2]
            place = {"lon": WEST + number * 0.002, "lat": SOUTH + number * 0.001}
            fields = {"condition": condition, "class_name": class_name, "state": state, "area_path": path}
            write_lead(session, 1, 1, fields | place)
        patrol = session.scalars(select(Patrol.id)).first()
        tile = {"patrol_id": patrol, "day": DAWN.date(), "x": 121150, "y": 31270, "frames": 3}
        squares = {
            kind: to_wkb(Polygon([(WEST + dx, SOUTH), (WEST + dx + 3e-4, SOUTH), (WEST + dx, SOUTH + 3e-4)]))
            for kind, dx in (("seen", 0), ("passed", 3e-4), ("dim", 6e-4))
        }
        session.add(CoveredTile(**tile, **squares))
    return path


@pytest.fixture
def opened(visitor: Visitor, area: str) -> Callable[..., Page]:
    def opened(query: str = "", role: Role = Role.INSPECTOR, **options: Any) -> Page:
        within = options.pop("areas", [area])
        page = visitor(role, f"/map{query}", areas=within, language=options.pop("language", "en"), **options)
        expect(page.locator("body")).to_have_attribute("data-drawn", re.compile(r"\d"))
        return page

    return opened


def marks(page: Page) -> int:
    return page.locator(".mark.lead").count()


def test_filters_stand_in_the_address_and_back_takes_them_away(opened: Callable[..., Page]) -> None:
    page = opened()
    expect(page.locator(".mark.lead")).to_have_count(6)
    page.get_by_label("Kind").select_option("street_vending")
    expect(page.locator(".mark.lead")).to_have_count(3)
    assert "condition=street_vending" in page.url
    page.get_by_label("State").select_option("open")
    expect(page.locator(".mark.lead")).to_have_count(0)
    expect(page.locator("#summary")).to_contain_text("Nothing here")
    page.go_back()
    expect(page.locator(".mark.lead")).to_have_count(3)
    expect(page.get_by_label("State")).to_have_value("")
    page.reload()
    expect(page.locator(".mark.lead")).to_have_count(3)
    page.go_back()
    expect(page.locator(".mark.lead")).to_have_count(6)
    page.get_by_label("Leads").uncheck()
    expect(page.locator(".mark.lead")).to_have_count(0)
    assert "layers=issues.areas" in page.url


def test_a_mark_leads_to_its_lead_by_pointer_and_by_keyboard(opened: Callable[..., Page]) -> None:
    page = opened("?condition=exposed_garbage")
    expect(page.locator(".mark.lead")).to_have_count(3)
    page.locator(".leaflet-marker-icon[title]").first.click()
    panel = page.locator("#panel")
    expect(panel.get_by_role("heading")).to_contain_text("garbage")
    assert "show=lead:" in page.url
    page.reload()
    expect(panel.get_by_role("heading")).to_contain_text("garbage")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.locator(".leaflet-marker-icon[title]").nth(1).focus()
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    panel.get_by_role("link", name="All of it").click()
    page.wait_for_url("**/candidates/*")
    expect(page.locator("#lead .lead")).to_be_visible()
    page.go_back()
    expect(panel).to_be_visible()


def test_where_one_was_stays_in_the_address(opened: Callable[..., Page]) -> None:
    page = opened(f"?at={WEST},{SOUTH},15")
    page.locator("#map").focus()
    page.keyboard.press("+")
    page.wait_for_url(re.compile(r"at=[\d.,]+,16"))
    page.reload()
    expect(page.locator(".leaflet-control-scale-line")).to_contain_text(re.compile("[12]00 m"))


def test_ground_is_seen_passed_or_in_bad_light(opened: Callable[..., Page]) -> None:
    page = opened(f"?at={WEST},{SOUTH},12&layers=ground", Role.ADMIN, areas=None)
    expect(page.locator("#summary")).to_contain_text("Zoom in")
    page.locator("#map").focus()
    for _ in range(4):
        page.keyboard.press("+")
    for kind in ("seen", "passed", "dim"):
        expect(page.locator(f"path.ground.{kind}")).to_have_count(1)
    expect(page.locator("#measure")).to_contain_text("km²")


def test_many_are_clusters_that_open(opened: Callable[..., Page], site: Any, area: str) -> None:
    with site.write() as session:
        for number in range(520):
            lon, lat = 121.4 + number % 26 * 0.001, 31.4 + number // 26 * 0.001
            write_lead(session, 1, 1, {"lon": lon, "lat": lat, "area_path": f"{area}many/"})
    page = opened("?at=121.41,31.41,13")
    expect(page.locator(".cluster.leads").first).to_be_visible()
    total = sum(int(each) for each in page.locator(".cluster.leads").all_inner_texts())
    assert total == 520
    page.locator(".leaflet-marker-icon:has(.cluster)").first.click()
    expect(page.locator(".mark.lead").first).to_be_visible()
    page.go_back()


def test_the_list_has_the_filters_of_the_map(visitor: Visitor, area: str) -> None:
    page = visitor(Role.VIEWER, "/candidates", areas=[area], language="en")
    page.get_by_label("Kind").select_option("street_vending")
    page.wait_for_url("**condition=street_vending**")
    expect(page.locator(".lead-cards li")).to_have_count(3)
    page.get_by_label("State").select_option("confirmed")
    expect(page.get_by_role("heading", name="No lead is like that")).to_be_visible()
    page.go_back()
    expect(page.locator(".lead-cards li")).to_have_count(3)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    opened: Callable[..., Page], visitor: Visitor, area: str, accessible: Any, shoot: Any, language: str
) -> None:
    for phone, dark in ((False, False), (True, True)):
        name = f"{language}{'-phone' if phone else ''}{'-dark' if dark else ''}"
        page = opened(
            f"?at={WEST},{SOUTH},16&layers=leads.ground.ways.areas", language=language, phone=phone, dark=dark
        )
        accessible(page)
        shoot(page, f"map-{name}")
        page.goto("/candidates")
        accessible(page)
        shoot(page, f"leads-{name}")
        page.locator(".lead-cards a").first.click()
        expect(page.locator("#lead .lead")).to_be_visible()
        accessible(page)
        shoot(page, f"lead-{name}")
    nobody = visitor(Role.VIEWER, "/candidates", areas=["/000000/"], language=language)
    accessible(nobody)
    shoot(nobody, f"leads-empty-{language}")
