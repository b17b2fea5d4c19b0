"""Scores in the browser: a scheme is adopted, a month is closed, and its sheet is read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from places import write_places
from playwright.sync_api import Page, expect
from rows import write_lead

from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.issues import acting, schemas
from streetsight.service.issues.tables import Issue
from streetsight.service.scoring import periods, versions
from streetsight.service.scoring.reading import example_schemes, read_scheme
from streetsight.service.scoring.spans import Span, month_of, quarter_of
from streetsight.service.settings import Settings
from streetsight.service.store.opening import open_database

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
Walk = Callable[[Page, dict[str, str], str], None]
SIZE, BOX = (960, 540), (380.0, 300.0, 560.0, 430.0)
CHIEF = Actor("person", "00000000-0000-7000-8000-00000000000c", "王调度", Role.INSPECTOR)
NAMES = {"A1": "文三路片区", "A2": "学院路片区", "A3": "湖滨片区", "B1": "城北片区", "B2": "站前片区"}
ZONE = Settings(data_folder=Path("/tmp")).zone


def months_ago(many: int) -> Span:
    span = month_of(datetime.now(UTC).astimezone(ZONE).date())
    for _ in range(many):
        span = span.before()
    return span


THIRD, SECOND, LAST, NOW = (months_ago(count) for count in (3, 2, 1, 0))


@dataclass(slots=True)
class City:
    """A server with five areas, two of them in a group of their own, and photos of one street."""

    site: Any
    frames: list[str]
    numbers: Iterator[int] = field(default_factory=count)

    def issue(self, code: str, month: Span, day: int = 5, **fields: Any) -> str:
        """A confirmed issue in an area, found on a day of a month; gives its id."""
        west, south, _, _ = BOUNDS[code]
        number = next(self.numbers) % 180  # each more than 60 m from any other: none shares its place
        found = month.moments(ZONE)[0] + timedelta(days=day - 1, hours=10)
        given = {
            "lon": west + 0.0005 + number * 5e-5, "lat": south + 0.0005 + number % 13 * 7e-4,
            "best_box": [*BOX], "first_seen_at": found, "last_seen_at": found, **fields,
        }  # fmt: skip
        with self.site.write() as session:
            lead = write_lead(session, 1, 1, given, self.frames, BOX, SIZE)
            wish = decisions.Wish(lead, Confirm(kind="confirm"), 1)
            issue = decisions.decide(session, CHIEF, wish, ZONE).issue
            assert issue is not None
            issue.place = "文三路 138 号东侧人行道"
            return str(issue.id)

    def act(self, issue: str, asked: Any, actor: Actor = CHIEF) -> None:
        with self.site.write() as session:
            version = session.get_one(Issue, issue).version
            acting.act(session, actor, acting.Wish(issue, asked, version), self.site.settings)

    def close(self, key: str, *months: Span) -> None:
        with open_database(self.site.settings) as database:
            for month in months:
                periods.close(database, self.site.settings, SYSTEM, key, month, None)


BOUNDS = {
    code: (120.10 + 0.02 * number, 30.20, 120.115 + 0.02 * number, 30.21) for number, code in enumerate(NAMES)
}


def document(**changes: Any) -> dict[str, Any]:
    content = yaml.safe_load(example_schemes()["sections-by-scene"].read_text(encoding="utf-8"))
    return {**content, **changes}


def with_figures() -> dict[str, Any]:
    """A scheme that wants a survey, and lets people give points."""
    rules = [
        {"key": "satisfaction", "kind": "by_figure", "zh": "满意度", "en": "satisfaction",
         "of": "satisfaction", "points": 10},
        {"key": "by_hand", "kind": "manual", "zh": "手工加减分", "en": "by hand", "lowest": -5, "highest": 5},
    ]  # fmt: skip
    survey = {"key": "survey", "zh": "问卷调查", "en": "survey", "full": 10, "starts": "zero",
              "rules": rules}  # fmt: skip
    part = {"key": "survey", "zh": "群众满意度", "en": "satisfaction", "weight": 10, "items": [survey]}
    return document(
        key="mixed", zh="片区综合考核", en="areas, with a survey", total=110, example=False,
        parts=[*document()["parts"], part],
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, unused_port: Callable[[], int], new_site: Callable[..., Any]
) -> Iterator[Any]:
    """A server of its own: months that are closed here are nobody else's."""
    folder = tmp_path_factory.mktemp("scores")
    settings = Settings(
        data_folder=folder / "data", port=unused_port(), min_free_bytes=0, workers=1,  # type: ignore[arg-type]
    )  # fmt: skip
    running = new_site(settings)
    running.begin()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def city(site: Any, street_photos: list[Path]) -> City:
    """Three months of one scheme, two of them closed, and another scheme that lacks figures."""
    made = City(site, site.upload(street_photos[3:5]))
    with site.write() as session:
        for code, name in NAMES.items():
            group = "中心城区" if code.startswith("A") else "新城区"
            write_places(session, ("section", code, name, BOUNDS[code]), peer_group=group)
        write_places(
            session, ("point", "P1", "菜场门口", BOUNDS["A1"]), ("point", "P2", "桥下", BOUNDS["B2"])
        )
        points = yaml.safe_load(example_schemes()["points-by-aspect"].read_text(encoding="utf-8"))
        for content, month in ((document(), THIRD), (with_figures(), LAST), (points, THIRD)):
            scheme = read_scheme(content, versions.known_groupings(session))
            version = versions.bring_in(session, SYSTEM, scheme, "a test")
            versions.adopt(session, SYSTEM, version, month, "a test")
    for month, counts in ((THIRD, (1, 3, 2, 4)), (SECOND, (3, 1, 2, 1)), (LAST, (2, 5, 1, 3))):
        for code, many in zip(("A1", "A2", "A3", "B1"), counts, strict=True):
            for number in range(many):
                kind = {"class_name": "pothole", "condition": "broken_facility"} if number % 3 == 2 else {}
                made.issue(code, month, 3 + 4 * number, **kind)
    made.close("sections", THIRD, SECOND)
    made.close("points", THIRD)
    return made


def test_a_month_is_closed_read_and_reopened(
    visitor: Visitor, city: City, shoot: Callable[[Page, str], None]
) -> None:
    contested = city.issue("A1", LAST, 20)
    city.act(contested, schemas.Dispatch(kind="dispatch", unit="环卫所"))
    handler = Actor("person", "00000000-0000-7000-8000-00000000000d", "李所长", Role.HANDLER, unit="环卫所")
    city.act(contested, schemas.Appeal(kind="appeal", text="不在我辖区"), handler)
    page = visitor(Role.ANALYST, f"/scores/sections/{LAST.name}", language="en")
    expect(page.locator(".standing")).to_contain_text("preliminary")
    row = page.locator("tr.without", has_text="站前片区")
    expect(row).to_contain_text("not inspected")
    expect(row).not_to_contain_text("100")
    page.get_by_role("button", name="Close 20").click()
    expect(page.locator("#closing")).to_contain_text("1 appeals are open")
    expect(page.locator("#closing").get_by_role("button", name="Close and freeze")).to_have_count(0)
    shoot(page, "scores-closing-refused-en")
    city.act(contested, schemas.UpholdAppeal(kind="uphold_appeal", text="证据成立"))
    page.reload()
    page.get_by_role("button", name="Close 20").click()
    expect(page.locator("#closing")).to_contain_text("Nothing stands in the way")
    expect(page.locator("#closing")).to_contain_text("站前片区")
    page.locator("#closing [name=note]").fill("for the bulletin")
    shoot(page, "scores-closing-en")
    page.get_by_role("button", name="Close and freeze").click()
    expect(page.locator(".standing")).to_contain_text("Closed by")
    expect(page.locator(".standing")).to_contain_text("for the bulletin")
    page.get_by_role("button", name="Reckon once more").click()
    expect(page.locator("#recomputed")).to_contain_text("5 sheets reckoned once more: equal byte for byte.")
    page.get_by_role("link", name="学院路片区").click()
    expect(page.locator(".big")).to_contain_text("97.00")
    page.go_back()
    page.get_by_role("link", name="文三路片区").click()
    page.emulate_media(media="print")
    shoot(page, "score-sheet-print-en")
    page.emulate_media(media="screen")
    expect(page.locator(".line", has_text="appeal upheld")).to_have_count(1)
    expect(page.locator(".fairness")).to_contain_text("Nobody has looked there")
    page.locator(".line", has_text="appeal upheld").get_by_role("link", name=re.compile("-")).click()
    expect(page.locator(".case-side")).to_contain_text("In closed months")
    expect(page.locator(".case-side")).to_contain_text("took nothing")
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Reopen…").click()
    page.get_by_role("button", name="Reopen", exact=True).click()
    expect(page.locator(".standing")).to_contain_text("Closed by")  # the reason is asked for
    page.locator("#reopening [name=why]").fill("a photo came late")
    page.get_by_role("button", name="Reopen", exact=True).click()
    expect(page.locator(".standing")).to_contain_text("preliminary")
    expect(page.locator("main")).to_contain_text("a photo came late")


def test_a_scheme_is_refused_brought_in_tried_and_adopted(
    visitor: Visitor, city: City, tmp_path: Path, shoot: Callable[[Page, str], None]
) -> None:
    broken = document()
    broken["parts"][0]["weight"] = 90
    (tmp_path / "broken.yaml").write_text(yaml.safe_dump(broken, allow_unicode=True), encoding="utf-8")
    wrong = document()
    wrong["parts"][0]["items"][0]["rules"][0] |= {"where": {"aspect": ["dirt"]}, "kind": "per_thing"}
    wrong["parts"][0]["items"][1]["floor"] = 99
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(wrong, allow_unicode=True), encoding="utf-8")
    stricter = document(example=False)
    stricter["parts"][0]["items"][0]["rules"][0]["points"] = 4
    (tmp_path / "stricter.yaml").write_text(yaml.safe_dump(stricter, allow_unicode=True), encoding="utf-8")
    page = visitor(Role.ANALYST, "/schemes", language="en")
    form = page.locator("#scheme-file")
    form.locator("[name=reason]").fill("sanitation costs more")
    for name, said in (("broken.yaml", "add up to 90"), ("wrong.yaml", "parts.1.items.2")):
        form.locator("[name=file]").set_input_files(tmp_path / name)
        form.get_by_role("button", name="Bring in").click()
        expect(page.locator("#refused .findings")).to_contain_text(said)
    shoot(page, "schemes-refused-en")
    form.locator("[name=file]").set_input_files(tmp_path / "stricter.yaml")
    form.get_by_role("button", name="Bring in").click()
    page.wait_for_url(re.compile("/schemes/sections/[0-9]+"))
    expect(page.locator(".standing")).to_contain_text("Nothing is scored by it")
    expect(page.locator(".differences .added")).to_contain_text(["4 points off for each place"])
    page.get_by_role("button", name="Try", exact=True).click()
    rows = page.locator("#tried tbody tr", has_text=SECOND.name)
    expect(rows.filter(has_text="文三路片区")).to_contain_text("91.00")
    page.wait_for_url("**on=**")
    shoot(page, "scheme-tried-en")
    page.get_by_role("button", name="Adopt…").click()
    page.locator("#adopting [name=month]").fill(SECOND.name)
    page.locator("#adopting [name=reason]").fill("decided on Monday")
    page.locator("#adopting").get_by_role("button", name="Adopt", exact=True).click()
    expect(page.locator("#adopting .problem")).to_contain_text("are closed")
    page.locator("#adopting [name=month]").fill(NOW.name)
    page.locator("#adopting").get_by_role("button", name="Adopt", exact=True).click()
    page.wait_for_url(f"**/scores/sections/{NOW.name}")
    expect(page.locator(".standing")).to_contain_text("version 2")
    page.goto("/schemes")
    page.get_by_role("listitem").filter(has_text="problem points").get_by_role("button").click()
    page.wait_for_url("**/schemes/points/2")
    expect(page.get_by_role("heading", name="problem points")).to_be_visible()


def test_figures_points_by_hand_and_days(
    visitor: Visitor, city: City, tmp_path: Path, shoot: Callable[[Page, str], None]
) -> None:
    page = visitor(Role.ANALYST, f"/scores/mixed/{LAST.name}", language="en")
    page.get_by_role("button", name="Close 20").click()
    expect(page.locator("#closing")).to_contain_text("4 figures are missing")
    page.get_by_role("link", name="bring them in").click()
    (tmp_path / "survey.csv").write_text(
        "code,key,value\nA1,satisfaction,86.5\nA9,satisfaction,90\nA2,satisfaction,viel\nA2,satisfaction,91\n"
    )
    page.locator("#figures [name=file]").set_input_files(tmp_path / "survey.csv")
    expect(page.locator("#checked .findings li")).to_have_count(2)
    expect(page.locator("#checked .findings")).to_contain_text("line 3: code A9 is no subject")
    expect(page.locator("#checked .findings")).to_contain_text("line 4: value viel")
    shoot(page, "scores-figures-en")
    page.get_by_role("button", name="Keep the 2 good lines").click()
    expect(page.locator("#notices")).to_contain_text("2 figures are kept")
    expect(page.locator("td", has_text="86.5")).to_be_visible()
    page.get_by_label("Subject").select_option("A1")
    page.get_by_label("Points", exact=True).fill("9")
    page.get_by_label("Reason, stands in the sheet").fill("honoured by the city")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("form .problem")).to_contain_text("allows -5 to 5")
    page.get_by_label("Points", exact=True).fill("0.5")
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("tbody", has_text="honoured")).to_contain_text("+0.50")
    page.locator("#day [data-part=day]").fill(f"{LAST.name}-07")
    page.locator("#day [data-part=note]").fill("city inspection")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".days-said li")).to_contain_text(["city inspection"])
    page.goto(f"/scores/mixed/{LAST.name}/sheets/A1")
    expect(page.locator(".line", has_text="honoured by the city")).to_contain_text("+0.50")
    expect(page.locator(".splits")).to_contain_text("announced")
    page.go_back()
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("tr.withdrawn")).to_contain_text("honoured")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".days-said")).to_contain_text("None in this month")


def test_what_a_quarter_does_to_a_point_is_decided(visitor: Visitor, city: City) -> None:
    page = visitor(Role.ANALYST, f"/scores/points/{quarter_of(THIRD.starts).name}/roll", language="en")
    row = page.locator("#point-P1")
    expect(row).to_contain_text("stays on the list")
    expect(page.locator("#point-P2")).to_contain_text("not inspected")
    row.get_by_text("Decide on it").first.click()
    row.get_by_label("What becomes of it").select_option("long_failing")
    row.get_by_label("Reason").fill("every day again")
    row.get_by_role("button", name="Decide on it").click()
    expect(row).to_contain_text("every day again")
    expect(row.locator("td > strong").last).to_contain_text("failing for long")


def test_who_only_reads_gets_no_buttons(visitor: Visitor, city: City) -> None:
    page = visitor(Role.VIEWER, f"/scores/sections/{SECOND.name}", language="en")
    expect(page.get_by_role("button", name="Reckon once more")).to_be_visible()
    expect(page.get_by_role("button", name="Reopen…")).to_have_count(0)
    page.goto(f"/scores/mixed/{LAST.name}/inputs")
    expect(page.locator("main form:not(.which)")).to_have_count(0)
    page.goto("/schemes")
    expect(page.locator("#scheme-file")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    visitor: Visitor, city: City, walk: Walk,
    language: str,
) -> None:  # fmt: skip
    paths = {
        "scores": f"/scores/sections/{SECOND.name}", "score-sheet": f"/scores/sections/{LAST.name}/sheets/A2",
        "score-inputs": f"/scores/mixed/{LAST.name}/inputs",
        "score-year": f"/scores/sections/{SECOND.starts.year}",
        "score-roll": f"/scores/points/{quarter_of(THIRD.starts).name}/roll",
        "score-rhythm": f"/scores/sections/{LAST.name}/rhythm?by=week", "schemes": "/schemes",
        "scheme": f"/schemes/sections/1?on={SECOND.name}",
    }  # fmt: skip
    for phone, dark in ((False, False), (True, True)):
        page = visitor(Role.ADMIN, "/account", language=language, phone=phone, dark=dark)
        walk(page, paths, f"{language}{'-phone-dark' if phone else ''}")
