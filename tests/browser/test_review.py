"""Review: by keyboard alone, by touch, two people at once, and a session that ends in between."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from holding import held
from playwright.sync_api import Locator, Page, expect
from rows import write_lead
from sqlalchemy import select, update

from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions.tables import Decision
from streetsight.service.frames.tables import Frame
from streetsight.service.people.tables import PersonSession
from streetsight.service.store.types import now

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
PASSWORD = "a long walk home"
STREET = "/330106/330106999/"
SIZE, BOX = (960, 540), (380.0, 300.0, 560.0, 430.0)


@pytest.fixture(scope="module")
def frames(site: Any, street_photos: list[Path]) -> list[str]:
    """Ids of uploaded photos, in an area that everybody here may see."""
    uploaded: list[str] = site.upload(street_photos[:4])
    with site.write() as session:
        session.execute(update(Frame).where(Frame.id.in_(uploaded)).values(area_path=STREET))
    return uploaded


@dataclass(frozen=True, slots=True)
class Queue:
    """Leads in an area of their own, so that nobody else's come between them."""

    site: Any
    visitor: Visitor
    frames: list[str]
    area: str

    def add(self, count: int, sightings: int = 2, **fields: Any) -> list[str]:
        with self.site.write() as session:
            return [
                write_lead(
                    session, sightings, 1,
                    {"area_path": self.area, "score": 0.9 - number / 50, "best_box": [*BOX], **fields},
                    [*self.frames[number % 4 :], *self.frames[: number % 4]], BOX, SIZE,
                )
                for number in range(count)
            ]  # fmt: skip

    def open(self, role: Role = Role.INSPECTOR, path: str = "/review", **options: Any) -> Page:
        return self.visitor(role, path, areas=[self.area, STREET], **options)

    def states(self, ids: list[str]) -> list[str]:
        with self.site.write() as session:
            wanted = select(Candidate.id, Candidate.state).where(Candidate.id.in_(ids))
            found = {each.id: each.state for each in session.execute(wanted)}
        return [found[each] for each in ids]

    def decisions(self, candidate_id: str) -> list[Decision]:
        with self.site.write() as session:
            wanted = select(Decision).where(Decision.candidate_id == candidate_id).order_by(Decision.id)
            return list(session.scalars(wanted))


@pytest.fixture
def queue(site: Any, visitor: Visitor, frames: list[str]) -> Iterator[Queue]:
    area = f"/330106/330106{os.urandom(3).hex()}/"
    yield Queue(site, visitor, frames, area)
    with site.write() as session:
        session.execute(update(Candidate).where(Candidate.area_path == area).values(state="gone"))


def lead(page: Page) -> Locator:
    return page.locator("#desk .lead")


def shown(page: Page) -> str:
    """Id of the lead before the reviewer."""
    found = lead(page).get_attribute("data-id")
    assert found
    return found


def step(page: Page, act: Callable[[], None]) -> str:
    """Does something that leads on; gives the lead that was before the reviewer."""
    before = shown(page)
    act()
    expect(page.locator(f"#desk .lead[data-id='{before}']")).to_have_count(0)
    return before


def settle(page: Page) -> None:
    """Waits until all decisions have arrived."""
    expect(page.locator("#counts")).to_have_attribute("data-sending", "0")


def test_from_the_first_to_the_last_by_keyboard(queue: Queue) -> None:
    ids, page = queue.add(5), queue.open()
    keys = page.keyboard
    expect(page.locator("#counts")).to_contain_text("5")
    first = step(page, lambda: keys.press("a"))
    keys.press("r")
    expect(page.get_by_role("dialog")).to_be_visible()
    second = step(page, lambda: keys.press("2"))
    third = step(page, lambda: keys.press("n"))
    assert len({first, second, third}) == 3
    keys.press("z")
    expect(lead(page)).to_have_attribute("data-id", third)
    keys.press("z")
    expect(lead(page)).to_have_attribute("data-id", second)
    settle(page)
    assert queue.states([first, second]) == ["confirmed", "open"]
    keys.press("r")
    keys.press("8")
    keys.type("a delivery that is being unloaded")
    step(page, lambda: keys.press("Enter"))
    for _ in range(3):
        step(page, lambda: keys.press("a"))
    expect(page.locator("#empty")).to_be_visible()
    settle(page)
    assert sorted(queue.states(ids)) == ["confirmed"] * 4 + ["rejected"]
    kinds = [(each.kind, each.reason) for each in queue.decisions(second)]
    assert kinds == [("reject", "not_an_issue"), ("reopen", None), ("reject", "other")]
    assert queue.decisions(second)[-1].text == "a delivery that is being unloaded"


def test_class_and_box_are_corrected_by_keyboard_and_undone(queue: Queue) -> None:
    [candidate], page = queue.add(1, sightings=1), queue.open(language="en")
    keys = page.keyboard
    expect(lead(page)).to_be_visible()
    keys.press("b")
    expect(page.get_by_role("button", name="Save the box")).to_be_enabled()
    for key in ("ArrowRight", "Shift+ArrowDown", "Enter"):
        keys.press(key)
    expect(page.get_by_text("Corrected; accept or reject it now.")).to_be_visible()
    [moved] = queue.decisions(candidate)
    x1, y1, x2, y2 = moved.after["best_box"]
    assert (x1, x2) == (BOX[0] + 4.8, BOX[2] + 4.8)
    assert (y1, y2) == (BOX[1], BOX[3] + 4.8)
    keys.press("c")
    page.get_by_role("dialog").get_by_role("button", name="overflowing bin").click()
    expect(lead(page).get_by_role("heading", level=2)).to_contain_text("overflowing bin")
    keys.press("z")
    expect(lead(page).get_by_role("heading", level=2)).not_to_contain_text("overflowing bin")
    step(page, lambda: keys.press("a"))
    settle(page)
    assert [each.kind for each in queue.decisions(candidate)] == ["correct"] * 3 + ["confirm"]


READS_HELD = """
const sent = fetch, held = [];
window.fetch = async (path, options) => {
  const answer = await sent(path, options);
  if (options.method === "GET" && /candidates\\/[0-9a-f-]{36}$/.test(path)) {
    await new Promise((go) => { held.push(go); document.body.dataset.held = "yes"; });
  }
  return answer;
};
window.letGo = () => {
  delete document.body.dataset.held;
  held.splice(0).forEach((go) => go());
  return new Promise((done) => setTimeout(done, 300));
};
"""


def let_read(page: Page) -> None:
    """Lets an answer that is there arrive, and waits until the page has it."""
    expect(page.locator("body[data-held]")).to_be_attached()
    page.evaluate("letGo()")


@pytest.mark.parametrize("key", ["a", "n"])
def test_who_goes_on_while_a_correction_is_read_is_not_called_back(queue: Queue, key: str) -> None:
    """What was read before the next act must not be shown after it."""
    [candidate], page = queue.add(1), queue.open(language="en")
    expect(lead(page)).to_be_visible()
    page.evaluate(READS_HELD)
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_role("button", name="overflowing bin").click()
    expect(page.locator("body[data-held]")).to_be_attached()
    step(page, lambda: page.keyboard.press(key))
    settle(page)
    let_read(page)
    expect(lead(page)).to_have_count(0)
    expect(page.locator("#empty")).to_be_visible()
    assert queue.states([candidate]) == ["confirmed" if key == "a" else "open"]
    page.keyboard.press("z")  # what was done last is undone first
    if key == "a":
        let_read(page)
    expect(lead(page)).to_have_attribute("data-id", candidate)
    expect(lead(page).get_by_role("heading", level=2)).to_contain_text("overflowing bin")
    page.keyboard.press("z")
    let_read(page)
    expect(lead(page).get_by_role("heading", level=2)).not_to_contain_text("overflowing bin")
    settle(page)
    kinds = [each.kind for each in queue.decisions(candidate)]
    assert kinds == (["correct", "confirm", "reopen", "correct"] if key == "a" else ["correct", "correct"])


# Between two keys promises go on, and events that are queued do not.
QUICK = """
async (keys) => {
  for (const key of keys) {
    const pressed = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    (document.activeElement ?? document.body).dispatchEvent(pressed);
    for (let turn = 0; turn < 20; turn += 1) await null;
  }
}
"""


def test_keys_quicker_than_events_are_for_the_next_lead(queue: Queue) -> None:
    ids, page = queue.add(2), queue.open()
    first = shown(page)
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.evaluate(QUICK, ["1", "a"])
    expect(page.locator("#empty")).to_be_visible()
    settle(page)
    [other] = set(ids) - {first}
    assert queue.states([first, other]) == ["rejected", "confirmed"]


def test_a_key_that_is_held_decides_once(queue: Queue) -> None:
    queue.add(3)
    page = queue.open()
    first = shown(page)
    for _ in range(4):
        page.keyboard.down("a")
    page.keyboard.up("a")
    settle(page)
    expect(lead(page)).to_have_count(1)
    assert queue.states([first]) == ["confirmed"]
    expect(page.locator("#counts")).to_contain_text("2")


def test_a_correction_is_taken_back_after_what_came_behind_it(queue: Queue) -> None:
    [candidate], page = queue.add(1), queue.open(language="en")
    heading = lead(page).get_by_role("heading", level=2)
    expect(heading).not_to_contain_text("overflowing bin")
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_role("button", name="overflowing bin").click()
    expect(heading).to_contain_text("overflowing bin")
    step(page, lambda: page.keyboard.press("a"))
    page.keyboard.press("z")
    expect(heading).to_contain_text("overflowing bin")
    page.keyboard.press("z")
    expect(heading).not_to_contain_text("overflowing bin")
    assert [each.kind for each in queue.decisions(candidate)] == ["correct", "confirm", "reopen", "correct"]


COME_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


def test_what_was_left_to_others_comes_back_whatever_is_under_way(queue: Queue) -> None:
    queue.add(2)
    page = queue.open(language="en")
    first = shown(page)
    asked = held(page, "**/v1/review/next?**")
    step(page, lambda: page.keyboard.press("n"))
    asked.first()
    step(page, lambda: page.keyboard.press("n"))
    asked.end()
    expect(page.locator("#empty")).to_be_visible()
    asked = held(page, "**/v1/review/next?**")
    page.evaluate(COME_BACK)
    asked.first()
    page.locator("#passed").click()
    asked.end()
    expect(lead(page)).to_have_attribute("data-id", first)


@pytest.mark.parametrize("deciding", [False, True], ids=["asked before it", "asked while it is sent"])
def test_what_is_taken_back_stays_whatever_was_said_of_it_before(queue: Queue, deciding: bool) -> None:
    """An answer of the time when it was decided comes late: the lead is not taken for somebody else's."""
    queue.add(2)
    page = queue.open()
    expect(lead(page)).to_be_visible()
    asked, sent = held(page, "**/v1/review/next?**"), held(page, "**/v1/candidates/*/decisions")
    if not deciding:
        page.evaluate(COME_BACK)
        asked.first()
    decided = step(page, lambda: page.keyboard.press("a"))
    if deciding:
        page.evaluate(COME_BACK)
    waiting = asked.first()
    sent.first().continue_()
    sent.end()
    settle(page)
    late = waiting.fetch()
    assert late.json()["lost"] == [decided]
    page.keyboard.press("z")
    expect(lead(page)).to_have_attribute("data-id", decided)
    settle(page)
    asked.routes.clear()
    waiting.fulfill(response=late)
    asked.first()  # it goes on asking once it has read that
    assert shown(page) == decided
    asked.end()


NO_PHOTO = "void (HTMLImageElement.prototype.decode = () => new Promise(() => {}))"
BAD_PHOTO = (
    "void (HTMLImageElement.prototype.decode = async () => { throw new DOMException('', 'EncodingError'); })"
)


def test_a_photo_that_does_not_come_stops_nobody(queue: Queue) -> None:
    queue.add(2)
    page = queue.open(language="en")
    bar, save = page.locator("#box-bar"), page.get_by_role("button", name="Save the box")
    expect(lead(page)).to_be_visible()
    page.evaluate(NO_PHOTO)
    page.keyboard.press("b")
    expect(bar).to_be_visible()
    expect(save).to_be_disabled()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    page.evaluate(BAD_PHOTO)
    page.keyboard.press("b")
    expect(page.locator(".notice")).to_contain_text("This photo cannot be shown")
    expect(bar).to_be_hidden()
    step(page, lambda: page.keyboard.press("a"))
    settle(page)


def test_what_is_the_same_is_merged(queue: Queue) -> None:
    first, second = queue.add(2)
    page = queue.open()
    expect(lead(page)).to_be_visible()
    page.keyboard.press("m")
    expect(page.get_by_role("dialog").get_by_role("button")).to_have_count(2)
    merged = step(page, lambda: page.keyboard.press("1"))
    settle(page)
    assert queue.states([merged]) == ["merged"]
    assert {merged, shown(page)} == {first, second}
    page.keyboard.press("z")
    expect(lead(page)).to_have_attribute("data-id", merged)
    settle(page)
    assert queue.states([first, second]) == ["open", "open"]


def test_by_touch_on_a_phone(queue: Queue) -> None:
    ids, page = queue.add(2), queue.open(phone=True)
    expect(lead(page)).to_be_visible()
    step(page, page.get_by_role("button", name="确认立案").tap)
    page.get_by_role("button", name="不予立案").tap()
    step(page, page.get_by_role("dialog").get_by_role("button").nth(2).tap)
    expect(page.locator("#empty")).to_be_visible()
    settle(page)
    assert sorted(queue.states(ids)) == ["confirmed", "rejected"]


def test_two_people_at_once_never_see_the_same(queue: Queue) -> None:
    ids = queue.add(12, sightings=1)
    pages = [queue.open(), queue.open()]
    seen: list[str] = []
    for page in pages:
        expect(lead(page)).to_be_visible()
    while any(lead(page).count() for page in pages):
        for page in pages:
            if lead(page).count():
                seen.append(step(page, lambda page=page: page.keyboard.press("a")))  # type: ignore[misc]
    for page in pages:
        settle(page)
    assert sorted(seen) == sorted(ids)
    assert set(queue.states(ids)) == {"confirmed"}


def test_who_leaves_gives_back_what_they_had(queue: Queue) -> None:
    [candidate] = queue.add(1)
    one, other = queue.open(), queue.open()
    expect(lead(one)).to_be_visible()
    expect(other.locator("#empty")).to_be_visible()
    one.goto("/account")
    one.wait_for_load_state("networkidle")
    other.locator("#look").click()
    expect(lead(other)).to_have_attribute("data-id", candidate)


def test_a_decision_on_what_was_changed_meanwhile_is_not_taken(queue: Queue) -> None:
    [candidate], page = queue.add(1), queue.open(language="en")
    expect(lead(page)).to_be_visible()
    with queue.site.write() as session:
        changed = update(Candidate).where(Candidate.id == candidate)
        session.execute(changed.values(version=7, severity="high"))
    page.keyboard.press("a")
    notice = page.locator(".notice.bad")
    expect(notice).to_contain_text("your decision was not taken")
    notice.get_by_role("button", name="Look again").click()
    expect(lead(page).locator(".badge", has_text="severe")).to_be_visible()
    page.keyboard.press("a")
    settle(page)
    assert queue.states([candidate]) == ["confirmed"]


def test_a_session_that_ends_loses_no_decision(queue: Queue, site: Any) -> None:
    login, _ = site.person(Role.INSPECTOR, [queue.area, STREET])
    ids, page = queue.add(2), queue.visitor(None, "/sign-in?next=/review", language="en")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    expect(lead(page)).to_be_visible()
    filling = held(page, "**/v1/review/next?**")
    page.evaluate(COME_BACK)
    filling.first()
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_be_visible()
    with site.write() as session:
        session.execute(update(PersonSession).values(ended_at=now()))
    with page.expect_response("**/v1/review/next?**"):
        filling.end()  # what nobody asked for asks nobody now
    page.keyboard.press("8")
    page.keyboard.type("seen with my own eyes")
    rejected = step(page, lambda: page.keyboard.press("Enter"))
    dialog = page.get_by_role("dialog")
    dialog.locator("[name=login]").fill(login)
    dialog.locator("[name=password]").fill(PASSWORD)
    dialog.get_by_role("button").click()
    settle(page)
    assert queue.decisions(rejected)[-1].text == "seen with my own eyes"
    step(page, lambda: page.keyboard.press("a"))
    settle(page)
    assert sorted(queue.states(ids)) == ["confirmed", "rejected"]


def test_an_empty_queue_teaches(queue: Queue, accessible: Any, shoot: Any) -> None:
    page = queue.open(language="en")
    expect(page.get_by_text("Leads come from patrols")).to_be_visible()
    accessible(page)
    shoot(page, "review-empty-en")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(queue: Queue, accessible: Any, shoot: Any, language: str) -> None:
    queue.add(2, severity="high")
    for phone, dark in ((False, False), (True, True)):
        page = queue.open(language=language, phone=phone, dark=dark)
        name = f"{language}{'-phone' if phone else ''}{'-dark' if dark else ''}"
        expect(page.locator("#desk .whole img[data-loaded]")).to_be_visible()
        accessible(page)
        shoot(page, f"review-{name}")
        page.locator("[data-do=reject]").click()
        accessible(page)
        shoot(page, f"review-reasons-{name}")
        page.goto("/account")
        page.wait_for_load_state("networkidle")


def test_two_cases_in_one_lead_are_split(queue: Queue, accessible: Any, shoot: Any) -> None:
    [candidate] = queue.add(1, sightings=3)
    page = queue.open()
    page.goto(f"/candidates/{candidate}")
    form = page.locator("form.split")
    expect(form.get_by_role("checkbox")).to_have_count(3)
    form.get_by_role("checkbox").nth(1).check()
    accessible(page)
    shoot(page, "lead-split")
    form.get_by_role("button").click()
    page.wait_for_url(lambda url: "/candidates/" in url and candidate not in url)
    expect(page.locator("form.split")).to_have_count(0)
    page.goto(f"/candidates/{candidate}")
    expect(page.locator("form.split").get_by_role("checkbox")).to_have_count(2)
