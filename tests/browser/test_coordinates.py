"""The pages' conversion between coordinate systems is the one of the program."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from streetsight.inference.positions.coordinates import from_wgs84, to_wgs84
from streetsight.inference.positions.profile import Crs

pytestmark = pytest.mark.browser

CONVERT = """async ([points, crs, way, address]) => {
    const module = await import(address);
    return points.map((point) => module[way](point, crs));
}"""


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09"])
def test_it_is_the_conversion_of_the_program(visitor: Callable[..., Page], crs: Crs) -> None:
    page = visitor(None, "/sign-in")
    app = page.locator("script[type=module]").first.get_attribute("src") or ""
    address = app.replace("app.js", "coordinates.js")
    there = np.random.default_rng(7).uniform((60.0, -10.0), (150.0, 65.0), (2000, 2))
    for way, ours in (("fromWgs84", from_wgs84), ("toWgs84", to_wgs84)):
        theirs = page.evaluate(CONVERT, [there.tolist(), crs, way, address])
        np.testing.assert_allclose(theirs, ours(there, crs), rtol=0, atol=1e-9)
