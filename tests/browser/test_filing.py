"""Photos are tagged and filed by key, pointer and touch, issues by hand; nothing is lost on the way."""

import io
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from holding import held
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import ByteSize
from sqlalchemy import select, update

from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import Role
from streetsight.service.candidates.tables import Candidate
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto
from streetsight.service.people.tables import PersonSession
from streetsight.service.settings import Settings
from streetsight.service.store.types import now

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]
LOOKED_AT = 60_000
GPS, LATITUDE = 0x8825, 2
ELSEWHERE = itertools.count(1)
ALL_LOOKED_AT = re.compile("all photos looked at|照片已全部识别")


@pytest.fixture
def photos(street_photos: list[Path], tmp_path: Path) -> list[Path]:
    """Photos taken where no other test has filed anything."""
    elsewhere = next(ELSEWHERE)
    return [taken_at(path, tmp_path / path.name, elsewhere) for path in street_photos[:3]]


def taken_at(path: Path, copy: Path, minutes_north: int) -> Path:
    with Image.open(path) as picture:
        exif = picture.getexif()
        places = exif.get_ifd(GPS)
        degrees, minutes, seconds = places[LATITUDE]
        places[LATITUDE] = (degrees, minutes - minutes_north, seconds)
        picture.save(copy, "JPEG", quality="keep", exif=exif)
    return copy


@pytest.fixture
def bare_photo(street_photos: list[Path], tmp_path: Path) -> Path:
    """A photo as phones hand it to a browser: without EXIF."""
    with Image.open(street_photos[1]) as picture:
        kept = io.BytesIO()
        picture.save(kept, "JPEG", quality=92)
    path = tmp_path / "bare.jpg"
    path.write_bytes(kept.getvalue() + os.urandom(8))
    return path


def tag(page: Page, paths: list[Path]) -> None:
    """Gives photos to the page, and waits until all were looked at."""
    page.set_input_files("#files", paths)
    expect(page.locator("#progress")).to_have_text(ALL_LOOKED_AT, timeout=LOOKED_AT)
    expect(page.locator("#picture .boxes")).to_be_visible()


def boxes(page: Page, text: str = "") -> Locator:
    return page.locator("#boxes > li", has_text=text)


def issues(site: Any, **wanted: Any) -> list[Issue]:
    with site.write() as session:
        found = session.scalars(select(Issue).filter_by(**wanted).order_by(Issue.id)).all()
        session.expunge_all()
        return list(found)


def issue_numbered(site: Any, number: str) -> Issue:
    *_, issue = issues(site, number=number)  # numbers are unique in a district: other tests file in others
    return issue


def filed_number(page: Page) -> str:
    expect(page.locator(".box-issue").first).to_be_visible()
    return page.locator(".box-issue").first.text_content() or ""


def test_photos_become_issues_by_keyboard_alone(visitor: Visitor, site: Any, photos: list[Path]) -> None:
    page = visitor(Role.INSPECTOR, "/tag", language="en")
    tag(page, photos)
    expect(page.locator("#photo-place")).to_contain_text("EXIF")
    expect(boxes(page)).to_have_count(3)
    first = boxes(page).first
    page.keyboard.press("Enter")
    expect(first).to_contain_text("confirmed")
    expect(boxes(page).nth(1).get_by_role("button")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("d")
    expect(boxes(page).nth(1)).to_contain_text("not an issue")
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("f")
    expect(page.locator("[role=combobox]")).to_have_value("06042 overflowing waste station or bin")
    expect(page.locator("#issue-form button.main")).to_be_focused()
    page.keyboard.press("Enter")
    issue = issue_numbered(site, filed_number(page))
    assert (issue.condition, issue.class_name) == ("exposed_garbage", "overflowing_bin")
    assert issue.lon == pytest.approx(114.26, abs=1e-3)
    assert 30 < (issue.lat or 0) < 30.54
    assert issue.best_box is not None
    assert issue.best_box[2] <= 960
    with site.write() as session:
        frame = session.get_one(Frame, issue.best_frame_id)
        assert (frame.position or {})["source"] == "exif"
        assert session.get_one(Candidate, issue.candidate_id).score == pytest.approx(0.8, abs=0.1)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#photo-name")).to_have_text("0002.jpg")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("file it as an issue")
    page.keyboard.press("Escape")


def test_a_bad_file_costs_no_other(visitor: Visitor, photos: list[Path], tmp_path: Path) -> None:
    broken, text = tmp_path / "broken.jpg", tmp_path / "notes.jpg"
    broken.write_bytes(photos[0].read_bytes()[:20_000])
    text.write_text("not a photo", encoding="utf-8")
    page = visitor(Role.INSPECTOR, "/tag")
    page.set_input_files("#files", [broken, photos[0], text])
    strip = page.locator("#strip li")
    expect(strip.nth(1)).to_contain_text("待确认", timeout=LOOKED_AT)
    for index in (0, 2):
        expect(strip.nth(index)).to_contain_text("无法使用", timeout=LOOKED_AT)
    strip.nth(2).get_by_role("button").click()
    expect(page.locator("#photo-problem")).to_contain_text("图片")
    page.locator("#photo-problem").get_by_text("移除").click()
    expect(strip).to_have_count(2)
    page.set_input_files("#files", [photos[0]])
    expect(page.locator(".notice")).to_contain_text("已在列表中")
    expect(strip).to_have_count(2)


def test_what_is_confirmed_is_filed_at_once(
    visitor: Visitor, site: Any, photos: list[Path], bare_photo: Path
) -> None:
    page = visitor(Role.INSPECTOR, "/tag", language="en")
    tag(page, [photos[0], bare_photo])
    page.keyboard.press("a")
    expect(page.locator("#photo-name")).to_have_text("bare.jpg")
    page.keyboard.press("a")
    page.locator("#file-all").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    said = page.locator(".notice", has_text="issues are filed")
    expect(said).to_contain_text("their photo has no position", timeout=LOOKED_AT)
    page.locator("#strip button").first.click()
    expect(page.locator(".box-issue").first).to_be_visible()


def test_what_is_taken_back_while_all_are_filed_is_not_filed(
    visitor: Visitor, site: Any, photos: list[Path]
) -> None:
    page = visitor(Role.INSPECTOR, "/tag", language="en")
    tag(page, photos[:1])
    page.keyboard.press("a")
    page.locator("#strip button").first.click()
    expect(boxes(page, "confirmed")).to_have_count(3)
    asked = held(page, "**/v1/issues/similar?**")
    page.locator("#file-all").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    similar = asked.first()
    for box in (boxes(page).nth(1), boxes(page).nth(2)):  # neither the one that is asked about, nor ...
        box.get_by_role("button").first.click()
        page.keyboard.press("d")
        expect(box).to_contain_text("not an issue")
    similar.fulfill(status=500, json={"detail": "out of order"})  # ... does its fault end all
    expect(page.locator(".notice", has_text="issues are filed")).to_contain_text("1 were not filed")
    asked.end()
    expect(boxes(page, "not an issue")).to_have_count(2)
    page.locator("#file-all").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.locator(".notice", has_text="issues are filed")).to_contain_text("1 issues are filed")
    expect(page.locator(".box-issue")).to_have_count(1)


def test_who_says_where_it_is_is_told(visitor: Visitor, site: Any, bare_photo: Path) -> None:
    here = {"longitude": 114.2601, "latitude": 30.5402, "accuracy": 12}
    page = visitor(Role.INSPECTOR, "/tag", language="en", geolocation=here, permissions=["geolocation"])
    tag(page, [bare_photo])
    place = page.locator("#photo-place")
    expect(place).to_have_text("no position")
    page.keyboard.press("p")
    dialog = page.locator("#place-dialog")
    dialog.get_by_role("button", name="Where I am now").click()
    expect(dialog.locator(".place-said")).to_have_text("from this browser ±12 m")
    pin = dialog.locator(".pin")
    pin.focus()
    page.keyboard.press("ArrowUp")
    expect(dialog.locator(".place-said")).to_have_text("pin on the map")
    dialog.locator(".place-degrees").fill("114.26, 30.54")
    dialog.locator(".place-degrees").blur()
    expect(dialog.locator(".place-degrees")).to_have_value("30.54000, 114.26000")
    dialog.locator(".place-degrees").fill("somewhere")
    dialog.locator(".place-degrees").blur()
    expect(dialog.get_by_role("alert")).to_contain_text("This is no position")
    dialog.get_by_role("button", name="Where I am now").click()
    expect(dialog.locator(".place-said")).to_have_text("from this browser ±12 m")
    dialog.get_by_role("button", name="Done").click()
    expect(place).to_have_text("from this browser ±12 m")
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    issue = issue_numbered(site, filed_number(page))
    with site.write() as session:
        position = session.get_one(Frame, issue.best_frame_id).position
    assert position is not None
    assert (position["source"], position["accuracy_m"], position["lon"]) == ("browser", 12, 114.2601)


def test_the_camera_of_a_phone_brings_the_place_of_the_phone(visitor: Visitor, bare_photo: Path) -> None:
    here = {"longitude": 114.2601, "latitude": 30.5402, "accuracy": 8}
    page = visitor(Role.INSPECTOR, "/tag", phone=True, geolocation=here, permissions=["geolocation"])
    expect(page.get_by_text("拍照")).to_be_visible()
    page.set_input_files("#camera", [bare_photo])
    expect(page.locator("#photo-place")).to_have_text("来自本浏览器定位 ±8 m", timeout=LOOKED_AT)


def test_a_box_is_drawn_moved_and_corrected(visitor: Visitor, site: Any, photos: list[Path]) -> None:
    page = visitor(Role.INSPECTOR, "/tag", language="en")
    tag(page, photos[:1])
    page.keyboard.press("n")
    picture = page.locator("#picture img").bounding_box()
    assert picture is not None
    page.mouse.move(picture["x"] + 100, picture["y"] + 60)
    page.mouse.down()
    page.mouse.move(picture["x"] + 220, picture["y"] + 160, steps=5)
    page.mouse.up()
    page.get_by_role("dialog").get_by_role("button", name="pothole").click()
    drawn = boxes(page, "pothole")
    expect(drawn).to_contain_text("drawn by hand")
    expect(drawn).to_contain_text("confirmed")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    expect(page.locator("#mode")).to_contain_text("Arrows move the box")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(boxes(page, "drawn by hand")).to_have_count(2)
    page.keyboard.press("c")
    page.get_by_role("dialog").get_by_role("button", name="road crack").click()
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    issue = issue_numbered(site, filed_number(page))
    assert issue.class_name == "road_crack"
    assert issue.best_box is not None
    x1, y1, x2, y2 = issue.best_box
    assert x1 == pytest.approx(0.4 * 960 - 9.6)
    assert y1 == pytest.approx(0.4 * 540)
    assert x2 - x1 == pytest.approx(0.2 * 960)
    assert y2 - y1 == pytest.approx(0.2 * 540 + 9.6)


def test_it_works_by_touch(visitor: Visitor, site: Any, photos: list[Path]) -> None:
    page = visitor(Role.INSPECTOR, "/tag", phone=True)
    tag(page, photos[:2])
    boxes(page).nth(1).get_by_role("button").tap()
    page.locator("#acts [data-act=reject]").tap()
    expect(boxes(page).nth(1)).to_contain_text("不是问题")
    page.locator("#picture").scroll_into_view_if_needed()
    box = page.locator(".a9s-annotation .a9s-inner").first.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(boxes(page, "垃圾满溢").get_by_role("button")).to_have_attribute("aria-pressed", "true")
    page.locator("#acts [data-act=confirm]").tap()
    page.locator("#file-all").tap()
    page.get_by_role("dialog").get_by_role("button", name="是").tap()
    expect(page.locator("#strip li").first).to_contain_text("待确认")
    expect(page.locator(".box-issue")).to_be_visible(timeout=LOOKED_AT)
    page.locator("#strip button").nth(1).tap()
    expect(page.locator("#photo-name")).to_have_text("0002.jpg")


def test_nothing_typed_is_lost_when_the_session_ends(visitor: Visitor, site: Any, photos: list[Path]) -> None:
    login, _ = site.person(Role.INSPECTOR)
    page = visitor(None, "/sign-in?next=/tag", language="en")
    sign_in(page.locator("main"), login)
    tag(page, photos[:1])
    page.keyboard.press("f")
    page.fill("[name=description]", "behind the kiosk")
    with site.write() as session:
        session.execute(update(PersonSession).values(ended_at=now()))
    page.locator("#issue-form button.main").click()
    dialog = page.locator("dialog", has=page.locator("#again"))
    sign_in(dialog, login)
    assert issue_numbered(site, filed_number(page)).description == "behind the kiosk"


def sign_in(form: Locator, login: str) -> None:
    form.locator("[name=login]").fill(login)
    form.locator("[name=password]").fill("a long walk home")
    form.locator("button.main").click()


@pytest.fixture
def own_site(tmp_path: Path, unused_port: Callable[[], int], site: Any) -> Iterator[Any]:
    """A server that a test may kill."""
    settings = Settings(
        data_folder=tmp_path / "own" / "data", port=unused_port(), min_free_bytes=ByteSize(0), workers=0
    )
    settings.data_folder.mkdir(parents=True)
    running = type(site)(settings)
    running.begin()
    yield running
    running.stop()


def test_a_restart_in_mid_upload_loses_nothing(
    browser: Browser, own_site: Any, street_photos: list[Path]
) -> None:
    _, token = own_site.person(Role.INSPECTOR)
    context = browser.new_context(base_url=own_site.url, locale="en")
    context.add_cookies([{"name": COOKIE, "value": token, "url": own_site.url}])
    page = context.new_page()
    page.goto("/tag")
    page.set_input_files("#files", street_photos[0])
    strip = page.locator("#strip li")
    expect(strip.first).to_contain_text("to decide", timeout=LOOKED_AT)
    own_site.process.kill()
    own_site.process.wait()
    page.set_input_files("#files", street_photos[1:])
    expect(page.locator(".notice")).to_contain_text("Trying again", timeout=LOOKED_AT)
    page.keyboard.press("a")  # goes on with what there is
    page.locator("#strip button").first.click()
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    page.locator("#strip button").first.click()
    expect(boxes(page).first).to_contain_text("is being filed")
    own_site.start()
    expect(page.locator("#progress")).to_have_text(ALL_LOOKED_AT, timeout=LOOKED_AT)
    expect(page.locator("#strip .badge.bad")).to_have_count(0)
    number = filed_number(page)
    with own_site.write() as session:
        assert [each.number for each in session.scalars(select(Issue))] == [number]
        assert len(session.scalars(select(Frame)).all()) == 1
    context.close()


def test_any_code_is_filed_by_hand(visitor: Visitor, site: Any) -> None:
    page = visitor(Role.INSPECTOR, "/file", language="en")
    code = page.locator("[role=combobox]")
    page.locator("button.main", has_text="File").click()
    expect(page.locator(".form-problem")).to_contain_text("Choose what it is")
    code.press_sequentially("barbec")
    page.keyboard.press("Enter")
    expect(code).to_have_value("06029 open-air barbecue")
    page.fill(".place-degrees", "30.6, 114.4")
    page.fill("[name=words]", "north gate of the park")
    page.fill("[name=description]", "four grills")
    page.locator("button.main", has_text="File").click()
    expect(page.locator("#filed a")).to_have_count(1)
    issue = issue_numbered(site, page.locator("#filed a").text_content() or "")
    assert issue.condition == "other"
    assert issue.code is not None
    assert issue.code["code"] == "06029"
    assert (issue.place, issue.description) == ("north gate of the park", "four grills")
    assert page.input_value("[name=description]") == ""
    page.fill(".place-degrees", "30.6001, 114.4")
    page.keyboard.press("Tab")
    expect(page.locator(".similar")).to_contain_text("Open nearby")
    code.fill("06029")
    code.press("Enter")
    expect(page.locator(".similar")).to_contain_text("Perhaps it is filed already")
    expect(page.locator(".similar a")).to_have_text(issue.number)
    page.fill("[name=description]", "now five")
    page.get_by_role("button", name="Add to it").click()
    expect(page.locator(".notice", has_text=f"added to {issue.number}")).to_be_visible()
    with site.write() as session:
        acts = session.scalars(select(IssueAct).filter_by(issue_id=issue.id).order_by(IssueAct.id))
        assert [(each.kind, each.text) for each in acts] == [
            ("enter", "four grills"),
            ("comment", "now five"),
        ]


def test_a_photo_proposes_what_and_where_by_hand(visitor: Visitor, site: Any, photos: list[Path]) -> None:
    page = visitor(Role.INSPECTOR, "/file", language="en")
    page.set_input_files("#files", photos[:2])
    expect(page.locator("#photos li").first).to_contain_text("found:", timeout=LOOKED_AT)
    expect(page.locator("[role=combobox]")).not_to_have_value("")
    expect(page.locator(".place-said")).to_contain_text("from the photo (EXIF)")
    page.locator(".pin-map").click(position={"x": 60, "y": 120})
    expect(page.locator(".place-said")).to_have_text("pin on the map")
    page.locator("button.main", has_text="File").click()
    expect(page.locator("#filed a")).to_have_count(1, timeout=LOOKED_AT)
    issue = issue_numbered(site, page.locator("#filed a").text_content() or "")
    with site.write() as session:
        assert len(session.scalars(select(IssuePhoto).filter_by(issue_id=issue.id)).all()) == 2
    expect(page.locator("#photos li")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    visitor: Visitor,
    accessible: Callable[[Page], None],
    shoot: Callable[[Page, str], None],
    street_photos: list[Path],
    language: str,
) -> None:
    for phone, dark in ((False, False), (True, True)):
        name = f"{language}{'-phone-dark' if phone else ''}"
        page = visitor(Role.INSPECTOR, "/tag", language=language, phone=phone, dark=dark)
        accessible(page)
        shoot(page, f"tag-empty-{name}")
        tag(page, street_photos[:3])
        page.keyboard.press("Enter")
        accessible(page)
        shoot(page, f"tag-{name}")
        for key, what in (("c", "class"), ("p", "place"), ("f", "issue"), ("?", "keys")):
            page.keyboard.press(key)
            expect(page.locator("dialog[open]")).to_be_visible()
            accessible(page)
            page.screenshot(path=f"out/screenshots/tag-{what}-{name}.png")
            page.keyboard.press("Escape")
        page.goto("/file")
        page.locator("[role=combobox]").press_sequentially("06")
        expect(page.locator("[role=listbox]")).to_be_visible()
        accessible(page)
        shoot(page, f"file-{name}")
