"""Administration: a person from invitation to the end, areas, zones drawn on the map, webhooks, the log."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from holding import held
from playwright.sync_api import Page, expect

from streetsight.service.auth.actor import Role
from streetsight.service.devices.service import SCOPES, add_device
from streetsight.service.settings import Settings
from streetsight.service.store.migrating import migrate
from streetsight.service.store.opening import open_database

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
PATHS = ("people", "areas", "zones", "devices", "webhooks", "settings", "audit", "departures")


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, unused_port: Callable[[], int], new_site: Callable[..., Any]
) -> Iterator[Any]:
    """A server of its own: areas and zones are those of the whole city."""
    folder = tmp_path_factory.mktemp("admin")
    settings = Settings(
        data_folder=folder / "data", port=unused_port(), min_free_bytes=0, workers=1,  # type: ignore[arg-type]
        webhook_private_networks="127.0.0.0/8",
    )  # fmt: skip
    running = new_site(settings)
    with open_database(settings) as database:
        migrate(database)
        with database.write() as session:
            add_device(session, "camera", SCOPES)
    running.start()
    yield running
    running.stop()


def square(west: float, south: float, side: float = 0.05) -> list[list[list[float]]]:
    east, north = west + side, south + side
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def collection(*features: tuple[dict[str, str], list[Any]]) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "coordinates": "wgs84",
            "features": [
                {
                    "type": "Feature",
                    "properties": about,
                    "geometry": {"type": "Polygon", "coordinates": rings},
                }
                for about, rings in features
            ],
        }
    )


@pytest.fixture(scope="module")
def areas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("areas") / "areas.geojson"
    path.write_text(
        collection(
            ({"code": "330106", "name": "西湖区", "kind": "district"}, square(120.1, 30.2, 0.1)),
            ({"code": "330106003", "name": "翠苑街道", "kind": "subdistrict", "parent": "330106"},
             square(120.1, 30.2)),
        ),
        encoding="utf-8",
    )  # fmt: skip
    return path


def test_a_person_is_invited_signs_in_and_is_disabled(visitor: Visitor, site: Any) -> None:
    page = visitor(Role.ADMIN, "/admin/people", language="en")
    login = f"zhang.{os.urandom(3).hex()}"
    page.locator("#add > summary").click()
    page.locator("#add [name=login]").fill(login)
    page.locator("#add [name=name]").fill("张三")
    page.locator("#add [name=role]").select_option("handler")
    page.locator("#add [name=unit]").fill("环卫所")
    page.locator("#add button.main").click()
    page.wait_for_url("**/admin/people/*-*")
    expect(page.locator("main")).to_contain_text("No password yet")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#link output")
    expect(link).to_contain_text("/setup?token=ssi_")
    url = link.inner_text()
    page.reload()
    assert "ssi_" not in page.content()

    invited = visitor(None, url, language="en")
    invited.fill("[name=password]", "a walk along the lake")
    invited.fill("[name=again]", "a walk along the lake")
    invited.get_by_role("button").click()
    expect(invited.locator("main")).to_contain_text("you are signed in")
    invited.goto("/account")
    expect(invited.locator("main")).to_contain_text("环卫所")

    page.reload()
    expect(page.locator("main")).not_to_contain_text("No password yet")
    page.get_by_role("button", name="Disable", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator("h1")).to_contain_text("disabled")
    invited.goto("/account")
    assert "/sign-in" in invited.url
    page.get_by_role("button", name="Enable again").click()
    expect(page.locator("h1")).to_contain_text("active")
    page.goto("/admin/people?role=handler&state=active")
    expect(page.get_by_role("row", name=login)).to_be_visible()


def test_areas_are_checked_then_imported_and_people_limited_to_them(
    visitor: Visitor, areas: Path, tmp_path: Path
) -> None:
    page = visitor(Role.ANALYST, "/admin/areas", language="en")
    expect(page.locator("main")).to_contain_text("No areas yet")
    wrong = tmp_path / "wrong.geojson"
    wrong.write_text(collection(({"code": "1", "name": "a", "kind": "grid", "parent": "9"}, square(120, 30))))
    page.set_input_files("[name=file]", wrong)
    page.fill("#import [name=reason]", "2026 boundaries")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#found .problem")).to_contain_text("parent")
    wrong.write_text("{")
    page.set_input_files("[name=file]", wrong)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#found .problem")).to_contain_text("no JSON")
    page.set_input_files("[name=file]", areas)
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#found .done")).to_contain_text("2 areas")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("cell", name="/330106/330106003/")).to_be_visible()
    expect(page.locator(".area-label")).to_contain_text("翠苑街道")
    page.get_by_role("button", name="西湖区").click()
    expect(page.locator("path.chosen")).to_have_count(1)

    page = visitor(Role.ADMIN, "/admin/people", language="en")
    page.locator("#add > summary").click()
    page.locator("#add [name=login]").fill(f"li.{os.urandom(3).hex()}")
    page.locator("#add [name=name]").fill("李四")
    page.locator("#add").get_by_label("翠苑街道").check()
    page.locator("#add button.main").click()
    page.wait_for_url("**/admin/people/*-*")
    expect(page.get_by_label("翠苑街道")).to_be_checked()
    page.get_by_label("翠苑街道").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice")).to_contain_text("Saved")
    page.goto("/admin/people")
    expect(page.get_by_role("row", name="李四")).to_contain_text("everywhere")


def draw(page: Page, corners: list[tuple[int, int]]) -> None:
    """Draws a zone by clicking corners, in pixels from the middle of the map."""
    page.get_by_role("button", name="Draw a zone").click()
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for dx, dy in (*corners, corners[0]):
        page.mouse.click(middle[0] + dx, middle[1] + dy)


def test_a_zone_is_drawn_saved_and_taken_back(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/admin/zones", language="en")
    expect(page.locator("#state")).to_contain_text("No zones yet")
    draw(page, [(-80, -60), (80, -60), (80, 60), (-80, 60)])
    page.fill("#zone [name=name]", "East gate night market")
    page.select_option("#zone [name=kind]", "vending_permitted")
    page.get_by_role("button", name="Add hours").click()
    page.fill(".window .from", "18:00")
    page.fill(".window .to", "01:00")
    page.locator(".window").get_by_label("Mon").uncheck()
    page.fill("#save [name=reason]", "as decided in May")
    page.get_by_role("button", name="Save all zones").click()
    expect(page.get_by_role("cell", name="as decided in May")).to_be_visible()
    zone = page.request.get("/v1/zones").json()["features"][0]
    assert zone["properties"]["kind"] == "vending_permitted"
    days = ["tue", "wed", "thu", "fri", "sat", "sun"]
    assert zone["properties"]["windows"] == [{"days": days, "from": "18:00", "to": "01:00"}]
    ring = zone["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert len(ring) == 5

    page.get_by_role("button", name="East gate night market").click()
    expect(page.locator(".window .from")).to_have_value("18:00")
    expect(page.locator(".window").get_by_label("Mon")).not_to_be_checked()
    page.get_by_role("button", name="Remove the zone").click()
    expect(page.locator("#state")).to_contain_text("1 changes not saved")
    page.fill("#save [name=reason]", "the market has moved")
    page.get_by_role("button", name="Save all zones").click()
    expect(page.get_by_role("cell", name="the market has moved")).to_be_visible()
    assert page.request.get("/v1/zones").json()["features"] == []
    page.locator("summary", has_text="Go back to it").click()
    page.locator("details [name=reason]").fill("it is back")
    page.get_by_role("button", name="Go back", exact=True).click()
    expect(page.get_by_role("button", name="East gate night market")).to_be_visible()


def test_what_is_changed_while_zones_are_saved_stays(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/admin/zones", language="en")
    draw(page, [(-200, -200), (-160, -200), (-160, -160)])
    name, save = page.locator("#zone [name=name]"), page.get_by_role("button", name="Save all zones")
    name.fill("Night market")
    page.fill("#save [name=reason]", "as decided in May")
    asked = held(page, "**/v1/zones?*")
    save.click()
    sent = asked.first()
    name.fill("Night market, until ten")
    sent.continue_()
    expect(page.locator(".notice", has_text="not saved yet")).to_be_visible()
    expect(page.locator("#state")).to_contain_text("1 changes not saved")
    asked.end()
    page.fill("#save [name=reason]", "its hours")
    save.click()
    expect(page.get_by_role("cell", name="its hours")).to_be_visible()
    named = [each["properties"]["name"] for each in page.request.get("/v1/zones").json()["features"]]
    assert "Night market, until ten" in named
    assert "Night market" not in named


def test_two_people_draw_at_once_and_nothing_is_lost_unseen(visitor: Visitor) -> None:
    first, second = (visitor(Role.ANALYST, "/admin/zones", language="en") for _ in range(2))
    for page in (first, second):
        draw(page, [(-30, -200), (30, -200), (0, -160)])
        page.fill("#save [name=reason]", "mine")
    first.get_by_role("button", name="Save all zones").click()
    expect(first.get_by_role("cell", name="mine")).to_be_visible()
    second.get_by_role("button", name="Save all zones").click()
    expect(second.locator("#refused")).to_contain_text("somebody else")
    with second.expect_download() as download:
        second.get_by_role("link", name="Download").click()
    kept = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert len(kept["features"]) >= 1


def test_a_webhook_is_added_fails_and_is_told(visitor: Visitor, unused_port: Callable[[], int]) -> None:
    page = visitor(Role.ADMIN, "/admin/webhooks", language="en")
    page.locator("#add > summary").click()
    page.locator("#add [name=name]").fill("platform")
    page.locator("#add [name=url]").fill("http://10.1.2.3/in")
    page.locator("#add button.main").click()
    expect(page.get_by_role("alert")).to_contain_text("10.1.2.3")
    page.locator("#add [name=url]").fill(f"http://127.0.0.1:{unused_port()}/in")
    page.locator("#add").get_by_text("release.promoted").click()
    page.locator("#add button.main").click()
    expect(page.locator("#add output.secret")).to_contain_text("whsec_")
    page.reload()
    assert "whsec_" not in page.content()
    page.get_by_role("link", name="platform").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator(".notice.bad")).to_contain_text("It did not arrive")
    page.get_by_role("button", name="Switch off").click()
    expect(page.locator("h1")).to_contain_text("switched off")


def test_settings_are_shown_without_their_secrets(visitor: Visitor, site: Any) -> None:
    page = visitor(Role.ADMIN, "/admin/settings", language="en")
    expect(page.get_by_role("row", name="STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS")).to_contain_text(
        "127.0.0.0/8"
    )
    expect(page.get_by_role("row", name="STREETSIGHT_DATABASE_URL")).to_contain_text("none")


def test_the_log_is_filtered_and_its_chain_checked(visitor: Visitor) -> None:
    page = visitor(Role.ADMIN, "/admin/audit", language="en")
    page.get_by_role("button", name="Check the chain").click()
    expect(page.locator("#chain .done")).to_contain_text("as they were written")
    page.fill("[name=action]", "zones")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr").first).to_contain_text("zones.")
    page.goto("/admin/audit?since=1999-01-01&until=1999-01-02")
    expect(page.locator("main")).to_contain_text("Nothing like this was done")


def test_what_left_is_listed_and_can_be_taken_along(visitor: Visitor) -> None:
    page = visitor(Role.ADMIN, "/admin/departures", language="en")
    with page.expect_download() as file:
        page.get_by_role("link", name="All as CSV").click()
    assert "actor_name" in Path(file.value.path()).read_text(encoding="utf-8-sig").splitlines()[0]
    assert page.request.get("/v1/candidates?format=csv&condition=exposed_garbage").ok
    page.get_by_label("Way").select_option("export")
    page.get_by_role("button", name="Filter").click()
    first = page.locator("tbody tr").first
    expect(first).to_contain_text("candidates.csv")
    expect(first).to_contain_text("condition=exposed_garbage")
    page.goto("/admin/departures?since=1999-01-01&until=1999-01-02")
    expect(page.locator("main")).to_contain_text("Nothing like this left")


def test_who_may_what(visitor: Visitor) -> None:
    page = visitor(Role.ANALYST, "/admin", language="en")
    assert page.url.endswith("/admin/areas")
    expect(page.locator(".tabs a")).to_have_count(2)
    page.goto("/admin/people")
    expect(page.locator("main")).to_contain_text("may not do this")
    page = visitor(Role.VIEWER, "/map", language="en")
    expect(page.locator("nav a[href='/admin']")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_everybody_can_use_it(
    visitor: Visitor,
    accessible: Callable[[Page], None],
    shoot: Callable[[Page, str], None],
    path: str,
    language: str,
) -> None:
    for phone, dark in ((False, False), (True, True)):
        page = visitor(Role.ADMIN, f"/admin/{path}", language=language, phone=phone, dark=dark)
        page.wait_for_load_state("networkidle")
        accessible(page)
        shoot(page, f"admin-{path}-{language}{'-phone-dark' if phone else ''}")
