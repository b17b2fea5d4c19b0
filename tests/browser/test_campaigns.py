"""Campaigns in the browser: written down, started, looked at, a line handed over, ended, printed."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from places import write_places
from playwright.sync_api import Page, expect
from rows import write_lead

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.issues import acting, schemas
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import WriteSession

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
Walk = Callable[[Page, dict[str, str], str], None]
Shoot = Callable[[Page, str], None]
CHIEF = Actor("person", "00000000-0000-7000-8000-00000000000c", "王调度", Role.INSPECTOR)
BOX, SIZE = (380.0, 300.0, 560.0, 430.0), (960, 540)
MARKETS = {"M1": (120.301, 30.301), "M2": (120.311, 30.301), "M3": (120.321, 30.301)}
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def markets(site: Any, street_photos: list[Path]) -> Callable[..., str]:
    """Three markets; gives what files an issue in one, and closes it if asked.

    A district elsewhere gives each of its numbers, too.
    """
    frames = site.upload(street_photos[:2])
    with site.write() as session:
        for code, (lon, lat) in MARKETS.items():
            write_places(session, ("market", code, f"集贸市场 {code}", (lon, lat, lon + 0.002, lat + 0.002)),
                         unit="市场所")  # fmt: skip

    def confirmed(session: WriteSession, lon: float, lat: float, area_path: str) -> Issue:
        moment = datetime.now(UTC)
        given = {"lon": lon, "lat": lat, "best_box": [*BOX], "first_seen_at": moment, "last_seen_at": moment,
                 "area_path": area_path}  # fmt: skip
        lead = write_lead(session, 1, 1, given, frames, BOX, SIZE)
        wish = decisions.Wish(lead, Confirm(kind="confirm"), 1)
        issue = decisions.decide(session, CHIEF, wish, site.settings.zone).issue
        assert issue is not None
        return issue

    def filed(code: str, struck: bool = False) -> str:
        lon, lat = MARKETS[code]
        with site.write() as session:
            elsewhere = confirmed(session, lon + 1, lat + 1, "/440202/")
            issue = confirmed(session, lon + 0.001, lat + 0.001, "/440201/")
            number = str(issue.number)
            assert number == elsewhere.number
            if struck:
                asked = schemas.Handle(kind="handle", text="已清理", photos=[frames[1]])
                acting.act(session, CHIEF, acting.Wish(issue.id, asked, issue.version), site.settings)
                assert session.get_one(Issue, issue.id).state == "closed"
            return number

    return filed


def write_down(page: Page, name: str) -> None:
    """Fills the form of a sweep of markets, and saves it."""
    page.goto("/campaigns/new")
    page.get_by_label("Name of the campaign").fill(name)
    page.locator("[name=kind][value=sweep]").check()
    page.locator("[name=lead]").fill("城管科")
    page.locator("[name=co_units]").fill("环卫所、市场所")
    page.locator("[data-part=name]").fill("整治")
    page.locator("[data-part=first]").fill(str(TODAY - timedelta(days=5)))
    page.locator("[data-part=last]").fill(str(TODAY + timedelta(days=20)))
    page.locator("[name='places.kinds'][value=market]").check()
    page.locator("[name='subset.conditions'][value=exposed_garbage]").check()


def phase(name: str, first: int, last: int, **more: Any) -> dict[str, Any]:
    """A phase from so many days after today to so many."""
    days = {"first": str(TODAY + timedelta(days=first)), "last": str(TODAY + timedelta(days=last))}
    return {"name": name, **days, **more}


@pytest.fixture(scope="module")
def started(site: Any, markets: Callable[..., str]) -> str:
    """A sweep that goes on, with an issue that is struck and one that is not; gives its path."""
    sent = {
        "name": "集贸市场拉网式排查", "kind": "sweep", "lead": "城管科", "co_units": ["环卫所"],
        "purpose": "迎检前逐个市场检查。",
        "phases": [phase("部署", -9, -6, counts=False), phase("整治", -5, 9)],
        "places": {"codes": [f"market:{code}" for code in MARKETS]},
        "subset": {"conditions": ["exposed_garbage"]},
    }  # fmt: skip
    with site.api(Role.ADMIN) as client:
        made = client.post("/v1/campaigns", json=sent).raise_for_status().json()
        act = f"/v1/campaigns/{made['id']}/acts"
        client.post(act, json={"kind": "start"}, headers={"If-Match": '"1"'}).raise_for_status()
    markets("M1", struck=True)
    markets("M2")
    return f"/campaigns/{made['id']}"


def test_a_sweep_is_written_down_started_and_ended(
    visitor: Visitor, markets: Callable[..., str], shoot: Shoot
) -> None:
    page = visitor(Role.INSPECTOR, "/campaigns", language="en")
    write_down(page, "Markets before the inspection")
    page.locator("[data-part=last]").fill(str(TODAY - timedelta(days=9)))
    page.get_by_role("button", name="Write down as a draft").click()
    expect(page.locator("form .problem")).to_contain_text("before it begins")
    page.get_by_role("button", name="three steps").click()
    expect(page.locator("#phases > li")).to_have_count(3)
    for _ in range(2):
        page.locator("#phases > li").last.get_by_role("button", name="Remove").click()
    page.locator("[data-part=first]").fill(str(TODAY - timedelta(days=5)))
    page.locator("[data-part=last]").fill(str(TODAY + timedelta(days=20)))
    page.get_by_label("counts").check()
    page.get_by_role("button", name="Write down as a draft").click()
    page.wait_for_url(re.compile("/campaigns/[0-9a-f-]{36}$"))
    expect(page.locator("main")).to_contain_text("It would start with these 3 places")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".title-row").first).to_contain_text("going on")
    expect(page.locator("#ledger .empty")).to_be_visible()
    number = markets("M2")
    page.locator("tr", has_text="M1").get_by_role("button", name="Look…").click()
    sheet = page.locator(".act-sheet")
    sheet.get_by_label("in order, nothing found").check()
    sheet.get_by_role("button", name="Write it down").click()
    expect(sheet.locator(".problem")).to_contain_text("show it by a photo")
    shoot(page, "campaign-look-refused-en")
    sheet.locator("[name=text]").fill("all stalls within the line")
    sheet.get_by_role("button", name="Write it down").click()
    expect(page.locator("tr", has_text="M1")).to_contain_text("1×")
    line = page.locator(".ledger > li", has_text=number)
    line.get_by_role("button", name="Hand over…").click()
    sheet.locator("[name=department]").fill("Market supervision")
    sheet.locator("[name=text]").fill("licence")
    sheet.get_by_role("button", name="Hand over").click()
    expect(line).to_contain_text("Handed over to Market supervision")
    late = markets("M2")
    page.get_by_role("link", name="End it…").click()
    page.locator("[name=text]").fill("done before the inspection")
    page.locator("[name=unseen_reason]").fill("closed for repairs")
    page.get_by_role("button", name="End it").click()
    expect(page.locator("form .problem")).to_contain_text(f"1 lines are not struck: {late}")
    page.get_by_label(f"Why {late} is left over").fill("waits for a skip")
    shoot(page, "campaign-end-en")
    page.get_by_role("button", name="End it").click()
    expect(page.locator(".title-row").first).to_contain_text("ended")
    expect(page.locator(".ledger > li", has_text=late)).to_contain_text("waits for a skip")
    page.get_by_label("Which lines").select_option("check")
    expect(page.locator(".ledger > li")).to_have_count(1)
    page.goto("/campaigns?state=ended")
    expect(page.locator(".rows li").first).to_contain_text("Markets before the inspection")


@pytest.mark.parametrize(("language", "phone"), [("zh-CN", False), ("en", True)])
def test_everybody_can_use_it(
    visitor: Visitor,
    started: str,
    walk: Walk,
    language: str,
    phone: bool,
) -> None:
    paths = {"campaigns": "/campaigns", "campaign-new": "/campaigns/new", "campaign": started,
             "campaign-end-form": f"{started}/end", "campaign-print": f"{started}/print"}  # fmt: skip
    page = visitor(Role.ADMIN, "/account", language=language, phone=phone, dark=phone)
    walk(page, paths, f"{language}{'-phone-dark' if phone else ''}")
