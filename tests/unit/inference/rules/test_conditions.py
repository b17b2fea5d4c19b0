"""Garbage and facilities: what is measured, what needs a ruler."""

from collections.abc import Callable
from typing import Any

import pytest

from streetsight.inference.rules.facility import judge_facility
from streetsight.inference.rules.garbage import judge_garbage

Build = Callable[..., Any]
DAY = 24 * 3600


@pytest.mark.parametrize(
    ("seconds", "width", "zone_kind", "sub_type", "reason"),
    [
        ([0], 0.8, None, None, None),
        ([0, DAY], 2.0, None, "accumulated", "by_persistence_and_size"),
        ([0, DAY], 0.8, None, None, None),  # lies long, but is small
        ([0, 3600], 2.0, None, None, None),  # large, but fresh
        ([0, DAY], None, None, None, None),  # its size is not known
        ([0], 0.8, "green_space", "dirty_green", "by_zone"),
        ([0, DAY], 2.0, "green_space", "accumulated", "by_persistence_and_size"),
    ],
)
def test_the_sub_type_of_garbage(
    seconds: list[float],
    width: float | None,
    zone_kind: str | None,
    sub_type: str | None,
    reason: str | None,
    sighting: Build,
    place: Build,
    zone: Build,
    context: Build,
) -> None:
    heap = place(*(sighting(when, width_m=width) for when in seconds), class_name="garbage")
    opinion = judge_garbage(heap, context(*([zone(zone_kind)] if zone_kind else [])))
    assert opinion.refused is None
    assert (opinion.sub_type[0] if opinion.sub_type else None) == sub_type
    assert (opinion.sub_type[1].reason if opinion.sub_type else None) == reason


def test_an_overflowing_bin_on_green_space_stays_an_overflowing_bin(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    spilling = place(sighting(), class_name="overflowing_bin")
    assert judge_garbage(spilling, context(zone("green_space"))).sub_type is None


def test_the_ground_needs_a_map(sighting: Build, place: Build, context: Build) -> None:
    ground = judge_garbage(place(sighting(), class_name="garbage"), context()).findings[2]
    assert (ground.state, ground.reason) == ("not_measurable", "ground_unknown")


@pytest.mark.parametrize(
    ("class_name", "width", "expected"),
    [
        ("pothole", 2.0, [("damage_area", "met"), ("measure", "not_measurable")]),
        ("pothole", 0.9, [("damage_area", "uncertain"), ("measure", "not_measurable")]),
        ("pothole", 0.3, [("damage_area", "not_met"), ("measure", "not_measurable")]),
        ("pothole", None, [("damage_area", "not_measurable"), ("measure", "not_measurable")]),
        ("road_crack", 1.4, [("crack_length", "met"), ("measure", "not_measurable")]),
        ("road_crack", 0.4, [("crack_length", "not_measurable"), ("measure", "not_measurable")]),
        ("damaged_manhole", 0.7, [("measure", "not_measurable"), ("lid", "not_measurable")]),
        ("damaged_sign", 0.7, []),
    ],
)
def test_filing_conditions_of_facilities(
    class_name: str,
    width: float | None,
    expected: list[tuple[str, str]],
    sighting: Build,
    place: Build,
    context: Build,
) -> None:
    opinion = judge_facility(place(sighting(width_m=width), class_name=class_name), context())
    assert [(each.rule, each.state) for each in opinion.findings] == expected
    assert opinion.refused is None  # the bureau decides whether it is filed


def test_the_area_is_of_the_middle_width_with_honest_limits(
    sighting: Build, place: Build, context: Build
) -> None:
    seen = [sighting(index, width_m=width) for index, width in enumerate([1.0, 1.1, 5.0, None])]
    area = judge_facility(place(*seen, class_name="pothole"), context()).area
    assert area
    assert (area.low_m2, area.m2, area.high_m2) == (0.18, 0.79, 2.45)
    assert judge_facility(place(*seen, class_name="road_crack"), context()).area is None
