"""Devices and patrols: how they are, quality, profile, tokens; live while photos come in."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from streetsight.service.auth.actor import Role
from streetsight.service.devices.tables import Device, DeviceSettings
from streetsight.service.store.opening import open_database

pytestmark = pytest.mark.browser

Visitor = Callable[..., Page]


def device_of(page: Page, name: str) -> str:
    """Adds a device by the page; returns its token."""
    page.locator("#add > summary").click()
    page.locator("#add [name=name]").fill(name)
    page.locator("#add button.main").click()
    shown = page.locator("#add output.secret")
    expect(shown).to_contain_text("ssd_")
    return shown.inner_text()


def client_of(site: Any, token: str) -> httpx2.Client:
    return httpx2.Client(base_url=site.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_a_token_is_shown_once_and_a_revoked_one_is_refused(visitor: Visitor, site: Any) -> None:
    page = visitor(Role.ADMIN, "/devices", language="en")
    name = f"car-{os.urandom(3).hex()}"
    with client_of(site, device_of(page, name)) as device:
        assert device.post("/v1/devices/self/heartbeat", json={}).status_code == 200
        page.get_by_role("link", name=name).click()
        expect(page.locator("output[name=token]")).to_be_hidden()
        page.get_by_role("button", name="New token").click()
        expect(page.locator("output[name=token]")).to_contain_text("ssd_")
        page.reload()
        assert "ssd_" not in page.content()
        expect(page.locator("#tokens tbody tr")).to_have_count(2)
        page.locator("#tokens tbody tr").last.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Yes").click()
        expect(page.locator("#tokens tbody tr").last).to_contain_text("revoked")
        assert device.post("/v1/devices/self/heartbeat", json={}).status_code == 401


def test_a_patrol_is_seen_as_it_goes_on(
    visitor: Visitor, site: Any, street_photos: list[Path], tmp_path: Path,
    accessible: Callable[[Page], None], shoot: Callable[[Page, str], None],
) -> None:  # fmt: skip
    page = visitor(Role.ADMIN, "/devices", language="en")
    name = f"car-{os.urandom(3).hex()}"
    dark = tmp_path / "dark.jpg"
    Image.new("RGB", (640, 360)).save(dark)
    with client_of(site, device_of(page, name)) as device:
        said = {
            "queued_frames": 1234, "queued_bytes": 5_000_000_000, "free_bytes": 61_000_000_000,
            "software": "agent 1.2", "temperature_celsius": 41.5, "problems": ["the GPS gives no position"],
        }  # fmt: skip
        device.post("/v1/devices/self/heartbeat", json=said).raise_for_status()
        patrol = device.post("/v1/patrols", json={"key": "morning-3"}).raise_for_status().json()["id"]
        page.goto(f"/patrols/{patrol}")
        expect(page.locator("main")).to_contain_text("No frame has arrived yet.")
        for photo in [*street_photos[:3], dark]:
            metadata = f'{{"patrol_id": "{patrol}"}}'
            answer = device.post(
                "/v1/frames", files={"photo": (photo.name, photo.read_bytes())}, data={"metadata": metadata}
            )
            assert answer.status_code in (200, 201), answer.text
        expect(page.locator(".outcomes")).to_contain_text("Too dark")  # without a reload
        expect(page.locator(".figures")).to_contain_text("100%")
        device.post(f"/v1/patrols/{patrol}/close").raise_for_status()
        expect(page.locator(".figures")).to_contain_text("closed")
    shoot(page, "patrol-en")
    page.goto("/devices")
    expect(page.get_by_role("row", name=name)).to_contain_text("1,234")
    page.get_by_role("link", name=name).click()
    expect(page.locator(".quality")).to_contain_text("Too dark")
    expect(page.locator(".problem")).to_contain_text("the GPS gives no position")
    for path, title in ((f"/patrols/{patrol}", "patrol"), (page.url, "device"), ("/patrols", "patrols")):
        for language, phone in (("zh-CN", False), ("en", True)):
            other = visitor(Role.VIEWER, path, language=language, phone=phone, dark=phone)
            other.wait_for_load_state("networkidle")
            accessible(other)
            shoot(other, f"{title}-{language}{'-phone-dark' if phone else ''}")


def test_the_profile_is_kept(visitor: Visitor, site: Any) -> None:
    page = visitor(Role.ADMIN, "/devices", language="en")
    name = f"car-{os.urandom(3).hex()}"
    device_of(page, name)
    page.reload()
    page.get_by_role("link", name=name).click()
    expect(page.locator("main")).to_contain_text("Nobody has said yet")
    expect(page.locator("[name='camera.height_m']")).to_be_hidden()
    page.get_by_label("Mounting and optics are known").check()
    page.fill("[name='camera.hfov_deg']", "70")
    page.fill("[name='camera.height_m']", "1.8")
    page.fill("[name=time_zone]", "+08:00")
    page.get_by_role("button", name="Keep the profile").click()
    expect(page.locator("main")).not_to_contain_text("Nobody has said yet")
    assert page.input_value("[name='camera.height_m']") == "1.8"
    assert page.input_value("[name='errors.position_m']") == "3.0"
    page.get_by_label("Mounting and optics are known").uncheck()
    page.get_by_role("button", name="Keep the profile").click()
    expect(page.locator("[name='camera.height_m']")).to_be_hidden()


def test_a_vehicle_is_told_what_to_do_and_keeps_what_the_form_does_not_change(
    visitor: Visitor, site: Any, accessible: Callable[[Page], None], shoot: Callable[[Page, str], None]
) -> None:
    page = visitor(Role.ADMIN, "/devices", language="en")
    name = f"car-{os.urandom(3).hex()}"
    device_of(page, name)
    page.reload()
    page.get_by_role("link", name=name).click()
    form = page.locator("#told")
    expect(page.locator("main")).to_contain_text("It was told nothing")
    form.get_by_label("Metres between frames", exact=True).fill("-1")
    form.get_by_role("button", name="Sign and send").click()
    expect(form.locator(".problem")).to_contain_text("every_m")
    form.get_by_label("Metres between frames", exact=True).fill("6")
    form.get_by_label("Most bytes a second").fill("300KiB")
    form.get_by_label("Only in these hours").fill("19:00-06:00, 12:00-13:00")
    form.get_by_label("Cover faces and plates on board").select_option("true")
    form.get_by_role("button", name="Sign and send").click()
    expect(page.locator("main")).to_contain_text("Version 1 waits")
    form.get_by_label("Metres between frames", exact=True).fill("")
    form.get_by_role("button", name="Sign and send").click()
    expect(page.locator("main")).to_contain_text("Version 2 waits")
    device = page.url.rpartition("/")[2]
    with open_database(site.settings) as database, database.read() as session:
        told = json.loads(session.get_one(DeviceSettings, device).payload)["settings"]
    assert told == {
        "upload": {"max_bytes_per_s": "300KiB", "hours": ["19:00-06:00", "12:00-13:00"]},
        "look": {"redact": True},
    }
    with open_database(site.settings) as database, database.write() as session:
        session.get_one(Device, device).heartbeat = {"settings_version": 2}
    for language, phone in (("zh-CN", False), ("en", True)):
        other = visitor(Role.ADMIN, f"/devices/{device}", language=language, phone=phone, dark=phone)
        expect(other.locator("main")).to_contain_text("by version 2" if language == "en" else "第 2 版运行")
        accessible(other)
        shoot(other, f"vehicle-settings-{language}{'-phone-dark' if phone else ''}")


def test_who_may_not_change_is_offered_nothing_to_change(visitor: Visitor) -> None:
    page = visitor(Role.VIEWER, "/devices", language="en")
    expect(page.locator("#add")).to_have_count(0)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_the_list(
    visitor: Visitor, accessible: Callable[[Page], None], shoot: Callable[[Page, str], None], language: str
) -> None:
    for phone, dark in ((False, False), (True, True)):
        page = visitor(Role.ADMIN, "/devices", language=language, phone=phone, dark=dark)
        page.locator("#add > summary").click()
        accessible(page)
        shoot(page, f"devices-{language}{'-phone-dark' if phone else ''}")
