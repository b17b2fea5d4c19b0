"""Every known object has the size that such a thing has, and stands on the ground."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.datasets.simulation.shapes import Polygon, Shape
from streetsight.datasets.simulation.street import SPOTS, build_street
from streetsight.datasets.simulation.things import BUILDERS
from streetsight.models.taxonomy import default_taxonomy

# Least and greatest width (x), depth (y) and height (z), metres.
SIZES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "garbage": ((0.6, 6.0), (0.6, 6.0), (0.1, 1.2)),
    "garbage_bin": ((0.5, 0.8), (0.5, 0.8), (0.9, 1.2)),
    "overflowing_bin": ((0.5, 2.6), (0.5, 2.6), (1.2, 1.7)),
    "pothole": ((0.5, 2.2), (0.5, 2.2), (0.0, 0.05)),
    "road_crack": ((0.1, 2.5), (0.8, 4.0), (0.0, 0.05)),
    "manhole": ((0.7, 1.0), (0.7, 1.0), (0.0, 0.05)),
    "damaged_manhole": ((0.8, 1.8), (0.7, 1.8), (0.1, 0.5)),
    "sign": ((0.5, 1.0), (0.0, 0.4), (2.1, 2.8)),
    "damaged_sign": ((0.5, 1.3), (0.0, 0.6), (2.1, 2.9)),
    "street_vendor": ((1.5, 3.2), (1.0, 3.4), (1.9, 2.6)),
    "graffiti": ((1.5, 2.5), (0.0, 0.1), (0.5, 2.0)),
    "car": ((1.6, 2.0), (4.2, 4.8), (1.3, 1.7)),
    "van": ((1.6, 2.0), (4.2, 4.9), (1.7, 2.2)),
    "truck": ((1.8, 2.4), (4.5, 6.0), (2.3, 3.2)),
    "motorcycle": ((0.4, 0.9), (1.3, 2.1), (0.9, 1.4)),
}
HANGING = {"graffiti"}


def extent(shapes: list[Shape]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest corner (3,) of what is drawn, metres."""
    corners = [
        shape.points
        if isinstance(shape, Polygon)
        else np.array(shape.centre) + shape.radius * np.array([[-1.0], [1.0]])
        for shape in shapes
    ]
    points = np.vstack(corners)
    return points.min(axis=0), points.max(axis=0)


def test_every_known_object_is_a_class_of_the_taxonomy_with_a_place_on_the_street() -> None:
    assert set(BUILDERS) == set(SPOTS) == set(SIZES)
    assert set(BUILDERS) <= set(default_taxonomy().names)


@pytest.mark.parametrize("name", SIZES)
def test_size_and_stand(name: str) -> None:
    for seed in range(20):
        low, high = extent(BUILDERS[name](np.random.default_rng(seed)))
        for axis, (least, greatest) in zip("xyz", SIZES[name], strict=True):
            size = (high - low)["xyz".index(axis)]
            assert least <= size <= greatest, (name, seed, axis, size)
        assert abs((low + high)[:2] / 2).max() < 1.2, (name, seed)
        assert low[2] > -0.2, (name, seed)
        assert low[2] < 0.35 or name in HANGING, (name, seed)


@pytest.mark.parametrize("name", SIZES)
def test_colours_and_corners_can_be_drawn(name: str) -> None:
    for shape in BUILDERS[name](np.random.default_rng(0)):
        assert all(0 <= channel <= 255 for channel in shape.colour)
        if isinstance(shape, Polygon):
            assert shape.points.shape[0] >= 3
            assert np.isfinite(shape.points).all()
        else:
            assert shape.radius > 0


def test_a_street_has_every_class_and_the_same_one_for_the_same_seed() -> None:
    street, again, other = build_street(4), build_street(4), build_street(5)
    assert {thing.class_name for thing in street.things} == set(BUILDERS)
    assert [thing.id for thing in street.things] == list(range(1, len(street.things) + 1))
    where = [
        [(thing.class_name, thing.east_m, thing.north_m) for thing in each.things]
        for each in (street, again, other)
    ]
    assert where[0] == where[1] != where[2]
