"""Shops and patrol duties in the browser: a file with wrong lines, a card, a board, a month of duties."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from places import write_places
from playwright.sync_api import Page, expect
from rows import write_lead

from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.issues.tables import Issue
from streetsight.service.people.service import NewPerson, add_person
from streetsight.service.places.tables import Place

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
Walk = Callable[[Page, dict[str, str], str], None]
Shoot = Callable[[Page, str], None]
CHIEF = Actor("person", "00000000-0000-7000-8000-00000000000c", "王调度", Role.INSPECTOR)
LON, LAT = 120.4105, 30.401
FILE = f"""店铺编号,店铺名称,地址,经度,纬度,门前范围,道路编号,责任单位,店长,电话,签订日期
B-1,早点铺,文三路 138 号,{LON},{LAT},30,R-40,城管科,王芳,0571-88880001,2026-03-01
B-2,五金店,文三路 140 号,{LON + 0.002},{LAT},30,R-40,城管科,李明,电话不详,
B-3,水果店,文三路 142 号,{LON + 0.004},{LAT},500,R-40,城管科,,,
"""


@pytest.fixture(scope="module")
def street(site: Any) -> str:
    """A street with a chief, an issue in front of a shop, rules; gives the issue's id."""
    with site.write() as session:
        write_places(session, ("road", "R-40", "文三路", (120.409, 30.399, 120.42, 30.4005)), chief_3="王强")
        chief = add_person(session, SYSTEM, NewPerson("wangqiang", "王强", Role.STREET_CHIEF, None, "城管科"))
        session.query(Place).filter(Place.code == "R-40").one().chief_3_id = chief.id
        moment = datetime.now(UTC)
        seen = {"lon": LON, "lat": LAT, "first_seen_at": moment, "last_seen_at": moment}
        elsewhere = seen | {"lat": LAT + 1, "area_path": "/440204/"}
        twins: list[Issue] = []
        for each in (elsewhere, seen | {"area_path": "/440203/"}):
            wish = decisions.Wish(write_lead(session, 1, 1, each), Confirm(kind="confirm"), 1)
            issue = decisions.decide(session, CHIEF, wish, site.settings.zone).issue
            assert issue is not None
            twins.append(issue)
        assert twins[0].number == twins[1].number, "districts give the same numbers"
        here = str(twins[1].id)
    with site.api(Role.ADMIN) as client:
        for path, name in (("/v1/shops/rules", "example"), ("/v1/quotas/rules", "street-chiefs")):
            rules = client.get(f"{path}/examples/{name}").raise_for_status().json()
            for each in rules.get("quotas", []):
                each["days"] = "all"  # there is no calendar here
            sent = client.put(path, json=rules, params={"reason": "test"}, headers={"If-Match": '"0"'})
            sent.raise_for_status()
    return here


@pytest.fixture(scope="module")
def shop(site: Any, street: str) -> str:
    """A shop that was taken in; gives its path."""
    with site.api(Role.ADMIN) as client:
        said = {"code": "B-0", "name": "理发店", "lon": LON, "lat": LAT - 0.005, "street": "R-40"}
        sent = client.post("/v1/shops", json={**said, "manager": "王芳", "telephone": "0571-88880000"})
        return f"/shops/{sent.raise_for_status().json()['id']}"


def test_a_file_with_wrong_lines_a_card_and_a_board(
    visitor: Visitor, street: str, tmp_path: Path, shoot: Shoot
) -> None:
    (tmp_path / "shops.csv").write_text(FILE, encoding="gb18030")
    page = visitor(Role.INSPECTOR, "/shops/import")
    page.locator("[name=file]").set_input_files(tmp_path / "shops.csv")
    page.locator("[name=reason]").fill("年度名册")
    page.get_by_role("button", name="检查").click()
    expect(page.locator("#found")).to_contain_text("坐标")  # no system was named
    page.locator("[name=crs]").select_option("wgs84")
    page.get_by_role("button", name="检查").click()
    expect(page.locator(".findings tbody tr")).to_have_count(2)
    expect(page.locator(".findings")).to_contain_text("电话: 格式不符")
    expect(page.locator(".findings")).to_contain_text("门前范围米: 应不大于 100")
    shoot(page, "shops-import-refused-zh-CN")
    page.get_by_role("button", name="只保存可用的 1 行").click()
    page.wait_for_url("**/shops")
    page.get_by_label("名称、编号或地址").fill("早点")
    page.get_by_label("名称、编号或地址").press("Enter")
    expect(page.locator(".rows li")).to_have_count(1)
    page.get_by_role("link", name="早点铺").click()
    expect(page.locator(".big")).to_contain_text("92.0")
    expect(page.locator(".ten .some")).to_have_text("乱倒 1")
    page.get_by_role("button", name="出牌…").click()
    page.locator(".act-sheet [value=yellow]").check()
    page.locator(".act-sheet [name=reason]").fill("店外经营")
    page.locator(".act-sheet").get_by_role("button", name="出牌").click()
    expect(page.locator(".side li", has=page.locator(".card-yellow"))).to_contain_text("店外经营")
    expect(page.locator(f".side a[href='/issues/{street}']")).to_be_visible()
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".facts output")).to_have_text("0571-88880001")
    page.get_by_role("link", name="修改").click()
    page.get_by_label("店铺名称").fill("早点王")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("h1")).to_have_text("早点王")
    page.get_by_role("button", name="查看").click()
    expect(page.locator(".facts output")).to_have_text("0571-88880001")  # it was kept
    page.get_by_role("link", name="打印公示牌").click()
    expect(page.locator(".board")).to_contain_text("王强")
    expect(page.locator(".board")).to_contain_text("黄牌")
    page.goto("/shops?band=good")
    expect(page.locator(".rows")).to_contain_text("早点王")


def test_who_owes_outings(visitor: Visitor, street: str) -> None:
    page = visitor(Role.INSPECTOR, "/duties/outing", language="en")
    page.locator("[name=text]").fill("Wensan road")
    page.get_by_role("button", name="Write it down").click()
    expect(page.locator(".notice.bad")).to_contain_text("Say where you were")
    page.locator(".place-degrees").fill(f"{LAT}, {LON}")
    page.locator(".place-degrees").blur()
    page.get_by_role("button", name="Write it down").click()
    page.wait_for_url("**/duties")
    row = page.locator("tr", has_text="王强")
    expect(row.locator(".periods li").first).to_be_visible()
    expect(row).to_contain_text("0/")
    row.get_by_role("link", name="王强").click()
    expect(page.locator("#outings")).to_contain_text("None.")


@pytest.mark.parametrize(("language", "phone"), [("zh-CN", False), ("en", True)])
def test_everybody_can_use_it(
    visitor: Visitor,
    shop: str,
    walk: Walk,
    language: str,
    phone: bool,
) -> None:
    paths = {
        "shops": "/shops", "shop-new": "/shops/new", "shop": shop, "shop-rules": "/shops/rules",
        "shop-board": f"{shop}/board", "street-board": "/shops/streets/R-40/board", "duties": "/duties",
        "suggestions": "/places/suggestions?least=2",
    }  # fmt: skip
    page = visitor(Role.ADMIN, "/account", language=language, phone=phone, dark=phone)
    walk(page, paths, f"{language}{'-phone-dark' if phone else ''}")
