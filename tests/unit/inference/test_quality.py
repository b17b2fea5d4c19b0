"""The capture-quality gate: what could not be seen is not scorable, and says why."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.inference.quality import QualityLimits, measure_quality

Pixels = NDArray[np.uint8]


def scaled(image: Pixels, factor: float, plus: float = 0) -> Pixels:
    return np.asarray(np.clip(image.astype(np.float32) * factor + plus, 0, 255), dtype=np.uint8)


def blurred(image: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def shaken(image: Pixels, length: int, upright: bool = False) -> Pixels:
    """Motion blur along x, or along y."""
    kernel = np.full((length, 1) if upright else (1, length), 1 / length, np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel), dtype=np.uint8)


def covered(level: int) -> Pixels:
    """A thumb or a cap before the lens: one tone with a sensor's noise."""
    noise = np.random.default_rng(1).normal(level, 1.5, (360, 640, 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


def test_a_good_photo_is_scorable(street_rgb: Pixels) -> None:
    quality = measure_quality(street_rgb)
    assert quality.scorable
    assert quality.faults == ()
    assert 60 < quality.brightness < 200
    assert quality.sharpness > 3 * QualityLimits().min_sharpness


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.4])
def test_ordinary_light_is_no_fault(factor: float, street_rgb: Pixels) -> None:
    assert measure_quality(scaled(street_rgb, factor)).scorable


def test_faults_are_listed(street_rgb: Pixels) -> None:
    cases = {
        "night": (scaled(street_rgb, 0.13), ("too_dark",)),
        "night without a lamp": (scaled(street_rgb, 0.03), ("lens_covered", "too_dark")),
        "washed out": (scaled(street_rgb, 1.5, plus=150), ("over_exposed",)),
        "out of focus": (blurred(street_rgb, 8), ("blurred",)),
        "shaken sideways": (shaken(street_rgb, 61), ("blurred",)),
        "shaken up and down": (shaken(street_rgb, 61, upright=True), ("blurred",)),
        "lens covered": (covered(90), ("lens_covered",)),
        "lens covered in the dark": (covered(8), ("lens_covered", "too_dark")),
        "pure white": (np.full((360, 640, 3), 255, np.uint8), ("over_exposed",)),
    }
    found = {why: measure_quality(image).faults for why, (image, _) in cases.items()}
    assert found == {why: faults for why, (_, faults) in cases.items()}


def test_only_the_limits_decide(street_rgb: Pixels) -> None:
    strict = QualityLimits(min_brightness=250, max_dark_share=0, max_bright_share=1, min_sharpness=1000)
    assert measure_quality(street_rgb, strict).faults == ("too_dark",)
    sharp = QualityLimits(min_sharpness=1000)
    assert measure_quality(street_rgb, sharp).faults == ("blurred",)
    lenient = QualityLimits(0, 1, 1, 0, 0)
    assert measure_quality(covered(8), lenient).scorable


@pytest.mark.parametrize("side", [320, 1280])
def test_shares_do_not_depend_on_resolution(side: int, street_rgb: Pixels) -> None:
    """The photo is measured as the model sees it: a larger original gives the same picture there."""
    larger = cv2.resize(street_rgb, (side, side * 9 // 16), interpolation=cv2.INTER_CUBIC)
    again = np.asarray(cv2.resize(larger, (640, 360), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    first, second = measure_quality(street_rgb), measure_quality(again)
    assert second.faults == first.faults
    assert second.brightness == pytest.approx(first.brightness, abs=1)
    assert second.dark_share == pytest.approx(first.dark_share, abs=0.02)
    assert second.detail == pytest.approx(first.detail, abs=0.05)


@pytest.mark.parametrize("shape", [(6, 640), (640, 5), (1, 640), (9, 9), (361, 643)])
def test_odd_sizes_are_measured(shape: tuple[int, int]) -> None:
    """A panorama's strip can be a few pixels high at the model's scale."""
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    quality = measure_quality(image)
    assert np.isfinite([quality.brightness, quality.sharpness, quality.detail]).all()


def test_the_picture_is_left_alone(street_rgb: Pixels) -> None:
    before = street_rgb.copy()
    measure_quality(street_rgb)
    assert np.array_equal(street_rgb, before)
