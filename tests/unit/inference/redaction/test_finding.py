"""Which parts of a picture are covered, by the boxes of a release."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streetsight.inference.redaction.finding import redact, veil
from streetsight.inference.redaction.policy import Policy, redactable
from streetsight.inference.redaction.regions import band_regions, head_regions, view_around
from streetsight.inference.session import Detector
from streetsight.models.detections import Detections
from streetsight.models.releases import Release

Row = tuple[str, float, list[float]]

NONE = np.zeros((0, 4), np.float32)
CLOSE_PLATE = [40.0, 120, 80, 130]


def boxes(*rows: list[float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


class Sees(Detector):
    """Sees what it is told: on the whole picture, then on every part that it is shown alone."""

    def __init__(self, release: Release, whole: list[Row], closer: list[Row] | None = None) -> None:
        self.release, self.card = release, release.card
        self._whole, self._closer = whole, closer or []
        self.views: list[tuple[int, int]] = []

    def detect(
        self,
        image_rgb_hwc: NDArray[np.uint8],
        size_wh: tuple[int, int] | None = None,
        min_score: float | None = None,
    ) -> Detections:
        rows = self._whole if not self.views else self._closer
        self.views.append((image_rgb_hwc.shape[1], image_rgb_hwc.shape[0]))
        ids = [self.card.class_names.index(name) for name, _, _ in rows]
        return Detections(
            boxes(*(box for _, _, box in rows)),
            np.array([score for _, score, _ in rows], np.float32),
            np.array(ids, np.int64),
        )


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (400, 600, 3)).astype(np.uint8)


def changed(before: NDArray[np.uint8], after: NDArray[np.uint8], box: list[int]) -> float:
    x0, y0, x1, y1 = box
    return float((before[y0:y1, x0:x1] != after[y0:y1, x0:x1]).any(axis=2).mean())


def test_a_plate_is_covered_however_unsure(release: Release, picture: NDArray[np.uint8]) -> None:
    redacted = redact(picture, Sees(release, [("license_plate", 0.021, [100, 200, 180, 220])]))
    assert changed(picture, redacted.image_rgb_hwc, [100, 200, 180, 220]) > 0.99
    assert changed(picture, redacted.image_rgb_hwc, [300, 0, 600, 400]) == 0


def test_vehicles_are_looked_at_again_closer(release: Release, picture: NDArray[np.uint8]) -> None:
    car = [200.0, 100, 320, 250]
    detector = Sees(release, [("car", 0.9, car)], [("license_plate", 0.5, CLOSE_PLATE)])
    redacted = redact(picture, detector)
    assert detector.views == [(600, 400), (150, 180)]
    left, top = 200 - 15, 100 - 15  # the view reaches a tenth of the car's height beyond it
    there = [left + 40, top + 120, left + 80, top + 130]
    assert changed(picture, redacted.image_rgb_hwc, there) > 0.99
    assert changed(picture, redacted.image_rgb_hwc, [202, 240, 230, 250]) == 0, "its plate is known: no band"


def test_a_near_vehicle_without_a_plate_loses_its_lower_part(
    release: Release, picture: NDArray[np.uint8]
) -> None:
    rows = [("car", 0.9, [200.0, 100, 320, 250]), ("car", 0.9, [400.0, 100, 440, 140])]
    redacted = redact(picture, Sees(release, rows))
    assert changed(picture, redacted.image_rgb_hwc, [200, 175, 320, 250]) > 0.99
    assert changed(picture, redacted.image_rgb_hwc, [200, 100, 320, 165]) == 0
    assert changed(picture, redacted.image_rgb_hwc, [400, 100, 440, 140]) == 0, "too far to be read"


def test_at_most_so_many_second_looks(release: Release, picture: NDArray[np.uint8]) -> None:
    rows = [("car", 0.9, [10.0 * n, 10, 10 * n + 30, 40]) for n in range(50)]
    detector = Sees(release, rows)
    redact(picture, detector)
    assert len(detector.views) == 1 + Policy().second_looks


@pytest.mark.parametrize(
    ("person", "head", "why"),
    [
        ([100, 100, 160, 300], [100, 100, 160, 160], "standing"),
        ([100, 100, 300, 300], [150, 100, 250, 250], "from the chest up: the head is most of the box"),
        ([100, 100, 140, 120], [100, 100, 140, 120], "lying: all of it"),
    ],
)
def test_the_head_is_covered(person: list[float], head: list[float], why: str) -> None:
    (region,) = head_regions(boxes(person), Policy())
    x0, y0, x1, y1 = region.box_xyxy_px
    assert x0 <= head[0], why
    assert y0 <= head[1], why
    assert x1 >= head[2], why
    assert y1 >= head[3], why


def test_the_band_spares_a_vehicle_whose_plate_is_known() -> None:
    car, plate = boxes([0, 0, 200, 100]), boxes([80, 70, 120, 80])
    assert not list(band_regions(car, plate, Policy()))
    assert len(list(band_regions(car, boxes([280, 70, 320, 80]), Policy()))) == 1
    assert not list(band_regions(boxes([0, 0, 90, 59]), NONE, Policy()))


def test_what_fills_the_picture_is_not_looked_at_twice() -> None:
    assert view_around(boxes([0, 0, 600, 380])[0], (600, 400), 0.1) is None
    assert view_around(boxes([0, 0, 100, 50])[0], (600, 400), 0.1) == (0, 0, 110, 60)


@given(st.lists(st.tuples(*[st.floats(0, 600, width=32)] * 4), min_size=1, max_size=5))
def test_views_lie_inside_the_picture(corners: list[tuple[float, float, float, float]]) -> None:
    for a, b, c, d in corners:
        box = boxes([min(a, c), min(b, d) * 2 / 3, max(a, c), max(b, d) * 2 / 3])[0]
        view = view_around(box, (600, 400), 0.1)
        if view is not None:
            assert 0 <= view[0] <= view[2] <= 600
            assert 0 <= view[1] <= view[3] <= 400


def test_a_release_says_what_it_can_redact(release: Release) -> None:
    names = set(release.card.class_names)
    assert redactable(release.card) == {
        kind for kind, name in (("plates", "license_plate"), ("people", "person")) if name in names
    }


def test_under_a_veil_leads_without_people_can_be_told_and_faces_cannot(release: Release) -> None:
    """Stripes as wide as a heap's parts are left on leads alone; stripes as fine as a face's are nowhere."""
    rows = [
        ("garbage", 0.95, [50.0, 50, 150, 150]),
        ("garbage", 0.05, [50.0, 250, 150, 350]),
        ("street_vendor", 0.95, [300.0, 50, 400, 150]),
        ("license_plate", 0.5, [60.0, 55, 140, 85]),
    ]
    coarse, fine = (
        np.tile((np.arange(600) // width % 2 * 255)[None, :, None], (400, 1, 3)).astype(np.uint8)
        for width in (15, 3)
    )

    def left(picture: NDArray[np.uint8], box: list[int]) -> float:
        """Share of the contrast that is left."""
        x0, y0, x1, y1 = box
        part = veil(picture, Sees(release, rows)).image_rgb_hwc[y0:y1, x0:x1]
        return float(part.std() / picture[y0:y1, x0:x1].std())

    assert left(coarse, [55, 110, 145, 145]) > 0.5
    assert left(fine, [55, 110, 145, 145]) < 0.2
    assert left(coarse, [62, 57, 138, 83]) < 0.2, "a plate on a lead"
    assert left(coarse, [55, 255, 145, 345]) < 0.2, "not sure enough to be shown"
    assert left(coarse, [305, 55, 395, 145]) < 0.2, "a vendor is a person"


def test_a_policy_is_data(release: Release, picture: NDArray[np.uint8]) -> None:
    bare = replace(Policy(), second_looks=0, band_min_score=2.0)
    detector = Sees(release, [("car", 0.9, [200.0, 100, 320, 250])])
    assert (redact(picture, detector, bare).image_rgb_hwc == picture).all()
    assert len(detector.views) == 1
