"""Issues and tasks: the whole life by clicks, by inspector and handler side by side, on desk and phone."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from rows import write_lead
from sqlalchemy import select, update

from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.calendar.reading import DeadlineDocument
from streetsight.service.calendar.service import bring_in
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.frames.tables import Frame
from streetsight.service.issues import acting, schemas
from streetsight.service.issues.attention import look_after_deadlines
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto
from streetsight.service.people.tables import PersonSession
from streetsight.service.store.types import now

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
STREET = "/330106/330106998/"
SIZE, BOX = (960, 540), (380.0, 300.0, 560.0, 430.0)
LON, LAT = 120.15, 30.27
HERE = {"longitude": LON + 1e-4, "latitude": LAT, "accuracy": 8}
AT_THE_PLACE: dict[str, Any] = {"geolocation": HERE, "permissions": ["geolocation"]}
CHIEF = Actor("person", "00000000-0000-7000-8000-00000000000c", "王调度", Role.INSPECTOR)
DEADLINES = {
    "name": "test", "limits": [{"condition": "exposed_garbage", "clock": "continuous", "hours": 4}],
    "supervision": [{"name": "first", "colour": "white", "after": {"clock": "continuous", "minutes": 0},
                     "text": "已超过处置时限，请立即处置并反馈。"}],
}  # fmt: skip


@dataclass(slots=True)
class Office:
    """A unit with issues of its own, in one street."""

    site: Any
    frames: list[str]
    unit: str

    def issue(self, unit: str | None = None, **fields: Any) -> str:
        """A confirmed issue that a photo shows; with `unit` dispatched to it."""
        given = {"area_path": STREET, "lon": LON, "lat": LAT, "best_box": [*BOX], **fields}
        with self.site.write() as session:
            lead = write_lead(session, 2, 1, given, self.frames, BOX, SIZE)
            wish = decisions.Wish(lead, Confirm(kind="confirm"), 1)
            issue = decisions.decide(session, CHIEF, wish, self.site.settings.zone).issue
            assert issue is not None
            issue.place = "文三路 138 号东侧人行道"
            found = issue.id
        if unit:
            self.act(found, schemas.Dispatch(kind="dispatch", unit=unit, text="请尽快清理。"))
        return found

    def act(self, issue: str, asked: Any, actor: Actor = CHIEF) -> None:
        with self.site.write() as session:
            version = session.get_one(Issue, issue).version
            acting.act(session, actor, acting.Wish(issue, asked, version), self.site.settings)

    def read(self, issue: str) -> Issue:
        with self.site.write() as session:
            found: Issue = session.get_one(Issue, issue)
            session.expunge(found)
        return found

    def change(self, issue: str, **values: Any) -> None:
        with self.site.write() as session:
            session.execute(update(Issue).where(Issue.id == issue).values(**values))

    def kinds(self, issue: str) -> list[str]:
        with self.site.write() as session:
            rows = session.scalars(
                select(IssueAct.kind).where(IssueAct.issue_id == issue).order_by(IssueAct.id)
            )
            return list(rows)


@pytest.fixture(scope="module")
def frames(site: Any, street_photos: list[Path]) -> list[str]:
    """Ids of uploaded photos, in the street."""
    uploaded: list[str] = site.upload(street_photos[3:6])
    with site.write() as session:
        session.execute(update(Frame).where(Frame.id.in_(uploaded)).values(area_path=STREET))
        bring_in(session, SYSTEM, DeadlineDocument.model_validate(DEADLINES), "a test", None)
    return uploaded


@pytest.fixture
def office(site: Any, frames: list[str]) -> Office:
    return Office(site, frames, f"环卫{os.urandom(3).hex()}所")


@pytest.fixture
def photo(street_photos: list[Path], tmp_path: Path) -> Callable[[], Path]:
    """Photos as a phone's camera hands them to a browser: without EXIF, each of its own."""

    def photo() -> Path:
        path = tmp_path / f"{os.urandom(4).hex()}.jpg"
        with Image.open(street_photos[6]) as picture:
            kept = io.BytesIO()
            picture.save(kept, "JPEG", quality=90)
        path.write_bytes(kept.getvalue() + os.urandom(8))
        return path

    return photo


def inspector(visitor: Visitor, path: str, **options: Any) -> Page:
    return visitor(Role.INSPECTOR, path, areas=[STREET, "/330106/"], **options)


def handler(visitor: Visitor, office: Office, path: str = "/tasks", **options: Any) -> Page:
    return visitor(Role.HANDLER, path, unit=office.unit, **options)


def sheet(page: Page) -> Locator:
    return page.locator("dialog.act-sheet")


def do(page: Page, act: str) -> Locator:
    """Opens the form of an act, and gives it."""
    page.wait_for_load_state("domcontentloaded")  # its modules have run
    button = page.locator(f"button[data-act={act}]").first
    if not button.is_visible():
        page.locator(".more-acts summary").first.click()
    button.click()
    expect(sheet(page)).to_be_visible()
    return sheet(page)


def send(page: Page) -> None:
    sheet(page).locator(".actions button").first.click()
    expect(sheet(page)).to_have_count(0)


def test_from_dispatch_to_closing_in_two_browsers(
    visitor: Visitor, office: Office, photo: Callable[[], Path], shoot: Callable[[Page, str], None]
) -> None:
    issue = office.issue()
    desk = inspector(visitor, f"/issues/{issue}", language="en")
    phone = handler(visitor, office, phone=True, **AT_THE_PLACE)
    expect(phone.locator("main")).to_contain_text("没有待处置任务")
    form = do(desk, "dispatch")
    expect(form).to_contain_text("by the table of deadlines: 4 h, day and night, until")
    form.locator("[name=unit]").fill(office.unit)
    shoot(desk, "issue-dispatch-en")
    send(desk)
    expect(desk.locator(".case-head .badges")).to_contain_text("dispatched")
    expect(desk.locator(".case-side")).to_contain_text("due in 4 hours")
    phone.reload()
    expect(phone.locator(".task-cards > li")).to_have_count(1)
    phone.locator("input[type=file][data-act=answer]").set_input_files(photo())
    expect(sheet(phone)).to_contain_text("距问题点位 10 米")
    sheet(phone).get_by_role("button", name="已清理完毕。").tap()
    phone.wait_for_load_state("networkidle")
    shoot(phone, "tasks-answer-zh-CN-phone")
    send(phone)
    expect(phone.locator("main")).to_contain_text("没有待处置任务")
    desk.reload()
    expect(desk.locator(".compare figure").nth(1).locator("img").first).to_be_visible()
    form = do(desk, "rework")
    form.get_by_role("button", name="Cleared only in part.").click()
    send(desk)
    phone.reload()
    expect(phone.locator(".badges")).to_contain_text("返工 1 次")
    form = do(phone, "answer")
    form.locator("textarea").fill("已再次清理")
    form.locator(".actions button").first.tap()
    expect(form.locator(".act-photos")).to_contain_text("请添加处置后照片")
    form.locator("[data-photos=camera]").set_input_files(photo())
    send(phone)
    desk.reload()
    form = do(desk, "close")
    form.get_by_role("button", name="Checked, in order.").click()
    send(desk)
    expect(desk.locator(".case-head .badges")).to_contain_text("closed")
    expect(desk.locator(".case-side")).to_contain_text("checked")
    assert office.kinds(issue) == ["dispatch", "answer", "rework", "answer", "close"]
    with office.site.write() as session:
        brought = session.scalars(select(IssuePhoto).where(IssuePhoto.issue_id == issue)).all()
        assert [(each.position_source, each.warning) for each in brought] == [("browser", None)] * 2
    desk.wait_for_load_state("networkidle")
    shoot(desk, "issue-closed-en")


def test_an_extension_is_asked_for_and_granted(visitor: Visitor, office: Office) -> None:
    issue = office.issue(office.unit)
    due = office.read(issue).due_at
    assert due is not None
    phone = handler(visitor, office, phone=True)
    form = do(phone, "ask_extension")
    form.get_by_role("button", name="缺少材料或配件。").tap()
    form.locator("[data-part=mode]").select_option("limit")
    form.locator("[data-part=amount]").fill("2")
    send(phone)
    expect(phone.locator(".badges")).to_contain_text("申请延期中")
    desk = inspector(visitor, "/issues?extension_asked=true&unit=" + office.unit)
    desk.get_by_role("link", name="垃圾").first.click()
    expect(desk.locator(".note")).to_contain_text("延长 2 紧急工作时")
    do(desk, "grant_extension")
    send(desk)
    expect(desk.locator(".note")).to_have_count(0)
    assert office.read(issue).due_at == due + timedelta(hours=2)
    form = do(desk, "shelve")
    form.locator("textarea").fill("等待施工许可")
    until = (now() + timedelta(days=9)).date()
    form.locator("[name=until]").fill(until.isoformat())
    send(desk)
    expect(desk.locator(".case-head .badges")).to_contain_text("挂账")
    assert office.read(issue).shelved_until == until


def test_two_at_once_lose_nothing(
    visitor: Visitor, office: Office, shoot: Callable[[Page, str], None]
) -> None:
    issue = office.issue(office.unit)
    first = inspector(visitor, f"/issues/{issue}", language="en")
    second = inspector(visitor, f"/issues/{issue}", language="en")
    form = do(second, "pause")
    form.locator("textarea").fill("waits for the permit")
    do(first, "supervise").get_by_label("yellow").check()
    sheet(first).locator("textarea").fill("the mayor asks")
    send(first)
    form.locator(".actions button").first.click()
    problem = form.locator(".problem")
    expect(problem).to_contain_text("supervise")
    expect(problem).to_contain_text("the mayor asks")
    expect(second.locator(".case-head .badges")).to_contain_text("supervised: yellow")  # behind the sheet
    expect(form.locator("textarea")).to_have_value("waits for the permit")
    shoot(second, "issue-stale-en")
    send(second)
    expect(second.locator(".case-head .badges")).to_contain_text("clock stopped")
    form = do(second, "resume")
    office.act(issue, schemas.Close(kind="close", text="nothing there any more"))
    form.locator("textarea").fill("the permit is there")
    form.locator(".actions button").first.click()
    expect(form.locator(".problem")).to_contain_text("can no longer be done")
    form.get_by_role("button", name="Leave it as a comment").click()
    expect(sheet(second).locator("textarea")).to_have_value("the permit is there")
    send(second)
    expect(second.locator(".timeline > li").last).to_contain_text("the permit is there")
    assert office.kinds(issue) == ["dispatch", "supervise", "pause", "close", "comment"]


def test_what_is_typed_outlives_the_page_and_the_session(
    visitor: Visitor, office: Office, photo: Callable[[], Path]
) -> None:
    office.issue(office.unit)
    login, _ = office.site.person(Role.HANDLER, unit=office.unit)
    page = visitor(None, "/sign-in?next=/tasks", phone=True, language="en", **AT_THE_PLACE)
    sign_in(page.locator("main"), login)
    form = do(page, "answer")
    form.locator("textarea").fill("swept twice")
    form.locator("[data-photos=camera]").set_input_files(photo())
    expect(form.locator(".shots")).to_contain_text("10 m from the place")
    page.reload()
    form = do(page, "answer")
    expect(form.locator("textarea")).to_have_value("swept twice")
    expect(form.locator(".shots li")).to_have_count(1)
    with office.site.write() as session:
        session.execute(update(PersonSession).values(ended_at=now()))
    form.locator(".actions button").first.click()
    sign_in(page.locator("dialog", has=page.locator("#again")), login)
    expect(page.locator("main")).to_contain_text("Nothing to do")


def sign_in(form: Locator, login: str) -> None:
    form.locator("[name=login]").fill(login)
    form.locator("[name=password]").fill("a long walk home")
    form.locator("button.main").click()


def test_a_photo_that_cannot_be_used_is_said_and_costs_nothing(
    visitor: Visitor, office: Office, photo: Callable[[], Path], tmp_path: Path
) -> None:
    office.issue(office.unit)
    page = handler(visitor, office, language="en")  # tells no position
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photo", encoding="utf-8")
    form = do(page, "answer")
    form.locator("[data-photos=files]").set_input_files([broken, photo()])
    expect(form.locator(".shots .warning")).to_have_count(1)
    expect(form.locator(".shots")).to_contain_text("no position")
    form.locator("textarea").fill("swept")
    send(page)
    expect(page.locator(".notice.bad")).to_contain_text("does not say where it was taken")


def test_filters_live_in_the_address(visitor: Visitor, office: Office) -> None:
    late, early = office.issue(office.unit, severity="high"), office.issue(office.unit)
    office.change(late, due_at=now() - timedelta(hours=3))
    page = inspector(visitor, f"/issues?unit={office.unit}", language="en")
    rows = page.locator(".issue-rows li")
    expect(rows).to_have_count(2)
    page.get_by_label("Severity").select_option("high")
    expect(rows).to_have_count(1)
    assert "severity=high" in page.url
    page.go_back()
    expect(rows).to_have_count(2)
    expect(page.get_by_label("Severity")).to_have_value("")
    page.go_forward()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Severity")).to_have_value("high")
    page.get_by_label("Severity").select_option("")
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Overdue").click()
    expect(rows).to_have_count(1)
    expect(rows.locator(".due")).to_contain_text("was due 3 hours ago")
    with page.expect_download() as loading:
        page.get_by_role("link", name="CSV").click()
    text = Path(loading.value.path()).read_text(encoding="utf-8-sig")
    assert late in text
    assert early not in text
    page.get_by_label("Confirmed from").fill("2020-01-01")
    page.get_by_label("to", exact=True).fill("2020-02-01")
    expect(page.locator("main")).to_contain_text("No issue is like that")
    page.goto("/issues?number=20200101-000001")
    expect(page.locator("main")).to_contain_text("No issue is like that")


def test_what_a_pass_proposes_is_done_or_not(visitor: Visitor, office: Office) -> None:
    issue = office.issue(office.unit)
    because = {"why": "recheck", "outcome": "gone", "pass_id": "p", "frames": [], "at": now().isoformat()}
    office.change(issue, proposal="close", proposed_because=because, proposed_at=now())
    page = inspector(visitor, f"/issues?proposal=any&unit={office.unit}")
    page.locator(".issue-rows .what a").click()
    expect(page.locator(".note")).to_contain_text("后续巡查发现该处问题已消失")
    do(page, "keep")
    send(page)
    expect(page.locator(".note")).to_have_count(0)
    assert office.read(issue).state == "dispatched"


def test_nobody_is_offered_what_is_not_theirs(visitor: Visitor, office: Office) -> None:
    issue = office.issue(office.unit)
    viewer = visitor(Role.VIEWER, f"/issues/{issue}", areas=[STREET])
    expect(viewer.locator("button[data-act]")).to_have_count(0)
    viewer.goto("/issues")
    expect(viewer.get_by_role("link", name="CSV")).to_have_count(0)
    stranger = visitor(Role.HANDLER, f"/issues/{issue}", unit="园林所", language="en")
    expect(stranger.locator("main")).to_contain_text("not among yours")
    helper = visitor(Role.HANDLER, "/tasks")
    expect(helper.locator("main")).to_contain_text("尚未加入责任单位")


def supervised(office: Office) -> str:
    """An issue that is late, and under supervision for it."""
    issue = office.issue(office.unit)
    past = now() - timedelta(hours=2)
    office.change(issue, due_at=past, attention_at=past)
    with office.site.write() as session:
        look_after_deadlines(session, office.site.settings)
    return issue


def test_an_order_is_printed(visitor: Visitor, office: Office, shoot: Callable[[Page, str], None]) -> None:
    issue = supervised(office)
    page = inspector(visitor, f"/issues/{issue}")
    number = office.read(issue).number
    page.emulate_media(media="print")
    page.wait_for_load_state("networkidle")
    shoot(page, "issue-print-zh-CN")
    expect(page.locator(".top")).to_be_hidden()
    page.emulate_media(media="screen")
    page.get_by_role("link", name=f"{number}-1").click()
    expect(page.locator(".order")).to_contain_text("已超过处置时限")
    expect(page.locator(".order")).to_contain_text(office.unit)
    page.emulate_media(media="print")
    page.wait_for_load_state("networkidle")
    shoot(page, "order-print-zh-CN")
    page.goto(f"/issues/{issue}/orders/9")
    expect(page.locator("main")).to_contain_text("没有第 9 号督办单")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    visitor: Visitor,
    office: Office,
    accessible: Callable[[Page], None],
    shoot: Callable[[Page, str], None],
    language: str,
) -> None:
    late = supervised(office)
    office.issue(office.unit, severity="high")
    office.act(late, schemas.Comment(kind="comment", text="已联系责任单位负责人。"))
    office.issue()
    for phone, dark in ((False, False), (True, True)):
        options: dict[str, Any] = {"language": language, "phone": phone, "dark": dark}
        suffix = f"{language}{'-phone-dark' if phone else ''}"
        page = inspector(visitor, "/issues", **options)
        for path, name in (
            ("/issues", "issues"),
            (f"/issues/{late}", "issue"),
            (f"/issues/{late}/orders/1", "order"),
        ):
            page.goto(path)
            page.wait_for_load_state("networkidle")
            accessible(page)
            shoot(page, f"{name}-{suffix}")
        mine = handler(visitor, office, **options)
        mine.wait_for_load_state("networkidle")
        accessible(mine)
        shoot(mine, f"tasks-{suffix}")
        do(mine, "answer")
        accessible(mine)
        shoot(mine, f"tasks-sheet-{suffix}")
