"""What is covered cannot be read: against the eye's way (shapes) and against knowing the font (templates)."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streetsight.inference.redaction.mosaic import Region, cover
from streetsight.inference.redaction.policy import Policy
from streetsight.inference.redaction.regions import band_regions, plate_regions

Image = NDArray[np.uint8]
CHARACTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
PLATE_WH = (240, 52)
PLATE_AT = (60, 40)


def plate(text: str) -> Image:
    """A picture with a plate, dark on light as most are, with the texture of a street around it."""
    picture = np.random.default_rng(0).integers(60, 120, (140, 380, 3)).astype(np.uint8)
    (x, y), (width, height) = PLATE_AT, PLATE_WH
    picture[y : y + height, x : x + width] = 230
    for index, character in enumerate(text):
        at = (x + 8 + index * 33, y + 42)
        cv2.putText(picture, character, at, cv2.FONT_HERSHEY_SIMPLEX, 1.4, (20, 20, 20), 4)
    return picture


def boxes() -> NDArray[np.float32]:
    (x, y), (width, height) = PLATE_AT, PLATE_WH
    return np.array([[x, y, x + width, y + height]], np.float32)


def covered(picture: Image) -> Image:
    return cover(picture, plate_regions(boxes(), Policy()))


def shapes(picture: Image) -> NDArray[np.float32]:
    """What reading goes by: the plate without its slow changes of light."""
    (x, y), (width, height) = PLATE_AT, PLATE_WH
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[y : y + height, x : x + width].astype(np.float32)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), height / 4), np.float32)


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(1e-6, float(np.linalg.norm(a) * np.linalg.norm(b))))


def test_no_shape_of_a_character_is_left() -> None:
    before = plate("A7K3091")
    assert correlation(shapes(before), shapes(before)) == pytest.approx(1)
    assert abs(correlation(shapes(before), shapes(covered(before)))) < 0.15
    assert shapes(covered(before)).std() < 0.05 * shapes(before).std()


def test_who_knows_the_font_reads_no_better_than_chance() -> None:
    """Match each place against every character drawn alone and covered in the same way."""
    random, text = np.random.default_rng(1), "B52X8F6"
    seen = covered(plate(text)).astype(np.float32)
    seen += random.normal(0, 2, seen.shape).astype(np.float32)
    right = 0
    for index, character in enumerate(text):
        guesses = []
        for candidate in CHARACTERS:
            guess = covered(plate(" " * index + candidate)).astype(np.float32)
            column = slice(PLATE_AT[0] + 8 + index * 33, PLATE_AT[0] + 38 + index * 33)
            rows = slice(PLATE_AT[1], PLATE_AT[1] + PLATE_WH[1])
            guesses.append(correlation(seen[rows, column].mean(2), guess[rows, column].mean(2)))
        right += CHARACTERS[int(np.argmax(guesses))] == character
    assert right <= 1  # of seven; by chance 0.2


def test_a_band_over_a_vehicle_hides_its_plate_too() -> None:
    """The plate is about a tenth of the vehicle's height."""
    before = plate("A7K3091")
    vehicle = np.array([[-200, -400, 560, 120]], np.float32)
    after = cover(before, band_regions(vehicle, np.zeros((0, 4), np.float32), Policy()))
    assert abs(correlation(shapes(before), shapes(after))) < 0.2


def test_what_is_outside_stays_and_the_original_too() -> None:
    before = plate("A7K3091")
    kept = before.copy()
    after = covered(before)
    assert (before == kept).all()
    (x, y), (width, height) = PLATE_AT, PLATE_WH
    margin = int(Policy().plate_margin * height) + 1
    outside = np.ones(before.shape[:2], bool)
    outside[y - margin : y + height + margin, x - margin : x + width + margin] = False
    assert (after[outside] == before[outside]).all()


@given(st.tuples(*[st.floats(-300, 300)] * 4), st.floats(0.1, 500), st.integers(1, 60), st.integers(1, 60))
def test_any_region_is_covered_or_ignored(
    box: tuple[float, float, float, float], cell: float, width: int, height: int
) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3)).astype(np.uint8)
    after = cover(picture, [Region(box, cell)])
    assert (after.shape, after.dtype) == (picture.shape, np.dtype(np.uint8))
