"""Vending: permitted places and hours, and what the sub-type is."""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from streetsight.inference.rules.schedule import Schedule, parse_window
from streetsight.inference.rules.vending import judge_vending

Build = Callable[..., Any]
NIGHT = Schedule((parse_window({"from": "18:00", "to": "01:00"}),), timezone(timedelta(hours=8)))
EVENING = 7 * 3600  # 19:00 in China; the builder's zero is 12:00


@pytest.mark.parametrize(
    ("times", "box", "night_only", "lead", "state", "reason"),
    [
        ([EVENING], (-9, -9, 9, 9), True, False, "met", "permitted"),
        ([0], (-9, -9, 9, 9), True, True, "not_met", "window_missed"),
        ([EVENING, EVENING + 8 * 3600], (-9, -9, 9, 9), True, True, "not_met", "window_missed"),  # too late
        ([EVENING], (50, 50, 60, 60), True, True, "not_met", "not_permitted"),
        ([0], (-9, -9, 9, 9), False, False, "met", "permitted"),
        ([0], (-0.5, -9, 9, 9), False, False, "uncertain", "perhaps_permitted"),
        ([0], (0.5, -9, 9, 9), False, True, "not_met", "not_permitted"),
        ([None], (-9, -9, 9, 9), True, True, "not_measurable", "no_time"),
        ([None], (-9, -9, 9, 9), False, False, "met", "permitted"),
    ],
)
def test_permitted_is_no_lead(
    times: list[float | None],
    box: tuple[float, ...],
    night_only: bool,
    lead: bool,
    state: str,
    reason: str,
    sighting: Build,
    place: Build,
    zone: Build,
    context: Build,
) -> None:
    allowed = zone("vending_permitted", box, schedule=NIGHT if night_only else None)
    vendor = place(*(sighting(when) for when in times), class_name="street_vendor")
    opinion = judge_vending(vendor, context(allowed))
    permit = opinion.findings[0]
    assert (permit.state, permit.reason) == (state, reason)
    assert (opinion.refused is None) is lead


def test_without_zones_every_vendor_is_a_lead(sighting: Build, place: Build, context: Build) -> None:
    opinion = judge_vending(place(sighting(), class_name="street_vendor"), context())
    assert opinion.refused is None
    assert opinion.findings[0].reason == "no_zones"


def test_a_fire_lane_is_a_lead_even_where_vending_is_permitted(
    sighting: Build, place: Build, zone: Build, context: Build
) -> None:
    vendor = place(sighting(), class_name="street_vendor")
    opinion = judge_vending(vendor, context(zone("vending_permitted"), zone("fire_lane")))
    assert opinion.refused is None
    assert opinion.zone == ("fire_lane", "fire_lane")


@pytest.mark.parametrize(("seconds", "sub_type"), [([0], None), ([0, 3600], None), ([0, 7200], "stall")])
def test_who_stays_for_long_is_proposed_as_a_stall(
    seconds: list[float], sub_type: str | None, sighting: Build, place: Build, context: Build
) -> None:
    vendor = place(*(sighting(when) for when in seconds), class_name="street_vendor")
    opinion = judge_vending(vendor, context())
    assert (opinion.sub_type[0] if opinion.sub_type else None) == sub_type
