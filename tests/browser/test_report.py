"""The HTML report in a real Chromium: it shows, it filters, it fits a phone, it asks nobody for anything."""

import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on rendered frames, a black photo and a broken one, made by the command line, in Chinese."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("report")
    deque(simulate_patrol(folder, 0, 3, Camera((640, 360)), step_m=20), maxlen=0)
    Image.fromarray(np.zeros((360, 640, 3), np.uint8)).save(folder / "frames" / "black.jpg")
    (folder / "frames" / "broken.jpg").write_text("no picture")
    words = ["detect", "frames", "-o", "out", "--report", "--lang", "zh"]
    command = [sys.executable, "-m", "streetsight", *words]
    done = subprocess.run(
        [*command, "--min-score", "0.05"], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stderr
    return folder / "out" / "report.html"


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    shown = browser.new_page()
    yield shown
    shown.close()


@pytest.fixture
def opened(page: Page, report: Path) -> Page:
    page.goto(report.as_uri())
    return page


def test_it_asks_nobody_for_anything_and_has_no_errors(page: Page, report: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []


def test_every_photo_is_there(opened: Page) -> None:
    text = opened.inner_text("body")
    for name in ("0001.jpg", "0002.jpg", "0003.jpg", "black.jpg", "broken.jpg"):
        assert name in text
    assert "不可评分" in text
    assert "不是有效图片" in text


def test_filters_show_what_they_say(opened: Page) -> None:
    opened.click("button[data-show='!']")
    shown = opened.locator("figure:visible")
    assert shown.count() == 1
    assert "black.jpg" in shown.first.inner_text()
    opened.click("button[data-show='']")
    assert opened.locator("figure:visible").count() == 4


def test_filters_work_by_keyboard(opened: Page) -> None:
    opened.focus("button[data-show='!']")
    opened.keyboard.press("Enter")
    assert opened.get_attribute("button[data-show='!']", "aria-pressed") == "true"
    assert opened.locator("figure:visible").count() == 1


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_the_screen(opened: Page, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    assert opened.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(opened: Page, scheme: str) -> None:
    opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    ink, ground = opened.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert _contrast(ink, ground) >= 4.5  # WCAG 2 AA


def _contrast(a: str, b: str) -> float:
    """Contrast ratio of two CSS rgb() colours (WCAG 2.2, 1.4.3)."""
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in colour.strip("rgb()").split(",")]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
