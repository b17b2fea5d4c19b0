"""The pages' conversion between coordinate systems is the one of the program."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from streetsight.inference.positions.coordinates import from_wgs84, to_wgs84
from streetsight.inference.positions.profile import Crs
from streetsight.service.auth.actor import Role

pytestmark = pytest.mark.browser

CONVERT = """async ([points, crs, way, address]) => {
    const module = await import(address);
    return points.map((point) => module[way](point, crs));
}"""


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_it_is_the_conversion_of_the_program(visitor: Callable[..., Page], crs: Crs) -> None:
    page = visitor(None, "/sign-in")
    address = module_beside(page, "app.js", "coordinates.js")
    there = np.random.default_rng(7).uniform((60.0, -10.0), (150.0, 65.0), (2000, 2))
    for way, ours in (("fromWgs84", from_wgs84), ("toWgs84", to_wgs84)):
        theirs = page.evaluate(CONVERT, [there.tolist(), crs, way, address])
        np.testing.assert_allclose(theirs, ours(there, crs), rtol=0, atol=1e-9)


DRAW = """async ([point, address]) => {
    const { drawn, meant } = await import(address);
    const at = drawn(point);
    return [[at.lng, at.lat], meant(at)];
}"""


def test_maps_are_drawn_in_the_system_of_their_tiles(visitor: Callable[..., Page]) -> None:
    page = visitor(Role.INSPECTOR, "/account")
    page.route("**/file", _answer_with_gcj02_tiles)
    page.goto("/file")
    address = module_beside(page, "file.js", "pin_map.js")
    here = [114.26, 30.54]
    there, back = page.evaluate(DRAW, [here, address])
    np.testing.assert_allclose(there, from_wgs84(np.array([here]), "gcj02")[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(back, here, rtol=0, atol=1e-9)
    page.fill(".place-degrees", "30.54000, 114.26000")
    page.keyboard.press("Tab")
    page.locator(".pin").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".place-degrees")).to_have_value("30.54000, 114.26000")


def _answer_with_gcj02_tiles(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace('"crs": "wgs84"', '"crs": "gcj02"'))


def module_beside(page: Page, known: str, wanted: str) -> str:
    """Address of another module of the page's digest."""
    address = page.locator(f"script[src$='/{known}']").get_attribute("src")
    assert address is not None
    return address.replace(known, wanted)
