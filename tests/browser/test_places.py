"""The register of places in the browser: bring in a file, draw, change, end; chiefs and what is missing."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from streetsight.service.auth.actor import Role

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
Walk = Callable[[Page, dict[str, str], str], None]
WHOLE = {
    "people": "王强",
    "hours": "06:00-22:00",
    "duty": "包保洁",
    "standard": "见底见净",
    "rewards": "月评",
}


def feature(code: str, name: str, west: float, **properties: Any) -> dict[str, Any]:
    """A square in a city, as a file has it."""
    ring = [[west, 30.2], [west + 0.01, 30.2], [west + 0.01, 30.21], [west, 30.21], [west, 30.2]]
    return {
        "type": "Feature", "properties": {"kind": "片区", "code": code, "name": name, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip


def write(folder: Path, name: str, *features: dict[str, Any]) -> Path:
    path = folder / name
    content = {"type": "FeatureCollection", "coordinates": "wgs84", "features": features}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def imported(visitor: Visitor, tmp_path: Path) -> Page:
    """Who has just brought in three areas and a road."""
    road = {
        "type": "Feature",
        "properties": {"kind": "道路", "code": "R-07", "name": "车城东路", "grade": "严管", "width_m": 30,
                       "unit": "城管一大队", "chief_1": "张区长", "chief_2": "李主任", "chief_3": "王强"},
        "geometry": {"type": "LineString", "coordinates": [[120.1, 30.195], [120.13, 30.195]]},
    }  # fmt: skip
    chiefs = {"chief_1": "张区长", "chief_2": "赵主任"}
    areas = [
        feature("S1", "文三路片区", 120.1, unit="城管一大队", **chiefs, five_fixed=WHOLE),
        feature("S2", "学院路片区", 120.115, unit="城管二大队", **chiefs, fixed_people="李明"),
        feature("S3", "湖滨片区", 120.13),
    ]
    page = visitor(Role.ANALYST, "/places/import", language="en")
    page.locator("#import [name=file]").set_input_files(write(tmp_path, "places.geojson", *areas, road))
    page.locator("#import [name=reason]").fill("the plan of 2026")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_url("**/places")
    return page


def test_what_a_file_would_change_is_told_first(
    imported: Page, tmp_path: Path, shoot: Callable[[Page, str], None]
) -> None:
    page = imported
    expect(page.locator(".place-rows li")).to_have_count(4)
    expect(page.locator("#on-map")).to_contain_text("4 places on the map")
    page.goto("/places/import")
    crossed = feature("S9", "坏片区", 120.3)
    crossed["geometry"]["coordinates"] = [[[120.3, 30.2], [120.3, 30.2], [120.3, 30.2], [120.3, 30.2]]]
    page.locator("#import [name=file]").set_input_files(write(tmp_path, "bad.geojson", crossed))
    page.locator("#import [name=reason]").fill("another plan")
    page.locator("#import").get_by_role("button", name="Check").click()
    expect(page.locator("#found .problem")).to_contain_text("no place was changed")
    other = [feature("S1", "文三路示范片区", 120.1, unit="城管三大队"), feature("S4", "滨江片区", 120.2)]
    page.locator("#import [name=file]").set_input_files(write(tmp_path, "other.geojson", *other))
    page.locator("#import").get_by_role("button", name="Check").click()
    expect(page.locator("#found .done")).to_contain_text("1 new, 1 changed, 2 ended")
    expect(page.locator("#found .gone")).to_contain_text("Demonstration area S2")
    shoot(page, "places-import-en")
    page.goto("/places")
    expect(page.locator(".place-rows li")).to_have_count(4)


def test_a_table_of_attributes_keeps_its_good_lines(imported: Page, tmp_path: Path) -> None:
    page = imported
    (tmp_path / "units.csv").write_text("编码,责任单位\nS3,城管五大队\nS99,城管五大队\n", encoding="gb18030")
    page.goto("/places/import")
    form = page.locator("#attributes")
    form.locator("[name=file]").set_input_files(tmp_path / "units.csv")
    form.locator("[name=kind]").select_option("section")
    form.locator("[name=reason]").fill("who looks after it now")
    form.get_by_role("button", name="Check").click()
    expect(form).to_contain_text("1 places would change")
    expect(form).to_contain_text("line 3: there is no section/S99 then")
    form.get_by_role("button", name="Keep the 1 good lines").click()
    page.wait_for_url("**/places")
    expect(page.locator("[data-place='section/S3']")).to_contain_text("城管五大队")


def test_filters_and_what_is_missing(imported: Page) -> None:
    page = imported
    page.get_by_label("Kind of place").select_option("road")
    expect(page.locator(".place-rows li")).to_have_count(1)
    expect(page.locator("#on-map")).to_contain_text("1 places")
    assert "kind=road" in page.url
    page.get_by_label("Kind of place").select_option("")
    page.get_by_label("Five-fixed not whole").check()
    expect(page.locator(".place-rows li")).to_have_count(3)
    expect(page.locator(".place-rows")).to_contain_text("missing:")
    expect(page.locator("#on-map")).to_contain_text("3 places")
    page.get_by_role("link", name="Street chiefs").click()
    tree = page.locator(".tree.panel")
    expect(tree).to_contain_text("张区长")
    tree.get_by_text("李主任").click()
    tree.get_by_role("link", name="车城东路").click()
    expect(page.locator("main")).to_contain_text("Strictly controlled")
    expect(page.locator("#place-map path")).to_have_count(1)


def test_a_place_is_drawn_changed_and_ended(imported: Page, shoot: Callable[[Page, str], None]) -> None:
    page, code = imported, f"P{os.urandom(3).hex()}"
    page.get_by_role("link", name="Draw a place").click()
    page.get_by_role("button", name="Save the place").click()
    expect(page.locator("#place [name=kind]")).to_be_focused()
    page.locator("[name=kind]").select_option("point")
    page.locator("[name=code]").fill(code)
    page.locator("[name=name]").fill("菜场门口")
    page.locator("[name=reason]").fill("complaints")
    page.get_by_role("button", name="Save the place").click()
    expect(page.locator("#refused")).to_contain_text("Draw it on the map first")
    page.locator("details summary", has_text="Outline as GeoJSON").click()
    page.locator("#outline").fill('{"type": "Point"')
    page.locator("#outline").blur()
    expect(page.locator("#refused")).to_contain_text("This is no outline")
    page.locator("#outline").fill('{"type": "Point", "coordinates": [120.105, 30.205]}')
    page.locator("#outline").blur()
    expect(page.locator("[name=radius_m]")).to_be_visible()
    page.locator("[name=radius_m]").fill("40")
    page.get_by_role("button", name="Save the place").click()
    page.wait_for_url(f"**/places/point/{code}")
    expect(page.locator(".facts-side")).to_contain_text("40")
    page.get_by_role("link", name="Change").click()
    box = page.locator("#place-map").bounding_box()
    assert box is not None
    page.get_by_role("button", name="Polygon", exact=True).click()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    corners = ((-60, -60), (60, -60), (60, 60), (-60, 60), (-60, -60))
    for right, down in corners:
        page.mouse.click(middle[0] + right, middle[1] + down)
    expect(page.locator("#outline")).to_have_value(re.compile('"Polygon"'))
    page.locator("[name=unit]").fill("城管四大队")
    page.locator("[name=radius_m]").evaluate("each => { each.value = ''; }")
    page.locator("[name=reason]").fill("seen on the spot")
    shoot(page, "place-edit-en")
    page.get_by_role("button", name="Save the place").click()
    page.wait_for_url(f"**/places/point/{code}")
    expect(page.locator(".facts-side")).to_contain_text("城管四大队")
    expect(page.locator(".history li")).to_have_count(2)
    expect(page.locator(".history li").first).to_contain_text("outline")
    page.get_by_text("End it…").click()
    page.locator(".ending [name=reason]").fill("reached the mark")
    page.get_by_role("button", name="End the place").click()
    expect(page.locator(".title-row")).to_contain_text("ended")
    page.goto("/places")
    expect(page.locator(".place-rows")).not_to_contain_text(code)


def test_the_map_of_all_shows_them_and_leads_to_them(imported: Page) -> None:
    page = imported
    page.goto("/map?at=120.12,30.205,15&layers=places")  # whole: Leaflet undoes a scroll to what lies outside
    expect(page.locator("#map path[stroke='#0b5cad']")).to_have_count(3)
    page.locator("#map path[stroke='#0b5cad']").first.click()
    page.wait_for_url(re.compile("/places/section/S[123]$"))


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    imported: Page, visitor: Visitor, walk: Walk, language: str,
) -> None:  # fmt: skip
    paths = {
        "places": "/places", "places-chiefs": "/places/chiefs", "places-import-form": "/places/import",
        "place-new": "/places/new", "place": "/places/section/S2",
    }  # fmt: skip
    for phone, dark in ((False, False), (True, True)):
        page = visitor(Role.ADMIN, "/account", language=language, phone=phone, dark=dark)
        walk(page, paths, f"{language}{'-phone-dark' if phone else ''}")
