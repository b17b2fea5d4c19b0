"""Illegal parking: a vehicle, in a zone that forbids it, that stands there.

Dwell is shown by a fixed camera that sees it stand for N seconds, or by two passes at least N minutes
apart. One pass shows no dwell: the candidate then asks for a second look. What a fixed camera saw twice
with nothing between is not two passes: it looked all the time.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.candidate import Opinion
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding, percent
from streetsight.inference.rules.image_zones import anchor
from streetsight.inference.rules.rulings import RuledGlimpse, Ruling, rule_glimpses, weightiest
from streetsight.inference.rules.settings import Certainty, Parking


def judge_parking(place: Place, context: Context) -> Opinion:
    """What the rules say about a vehicle."""
    ruled = rule_glimpses(place, "forbids", context)
    ruling = weightiest(ruled, context.rules.certainty.met)
    lead = context.rules.parking.zone_lead
    where = in_zone(ruling, context.rules.certainty, lead)
    there = [each for each in ruled if each.ruling.probability >= lead]
    stood = standing(place, context)
    dwelt = dwell(there, context)
    findings = (where, stood, dwelt, Finding("same_vehicle", "not_measurable", "plates_not_read"))
    refused = None
    if where.state == "not_measurable":
        refused = where
    elif not there:
        refused = permitted_bay(place, context) or where
    elif stood.state == "not_met":
        refused = stood
    elif dwelt.reason == "left_too_soon":
        refused = dwelt
    kind = context.rules.zone_kinds.get(ruling.kind)
    return Opinion(
        findings,
        refused,
        (kind.sub_type, Finding("code", "met", "by_zone", {"zone": ruling.zone}))
        if kind and kind.sub_type
        else None,
        (ruling.kind, ruling.zone) if ruling.kind else None,
        ruling.probability,
        needs_second_look=dwelt.state != "met",
    )


def in_zone(ruling: Ruling, certainty: Certainty, lead: float) -> Finding:
    """Whether it stands in a zone that forbids it, permitted bays cut out.

    Args:
        lead: from this probability on an uncertain one still makes a lead.
    """
    if ruling.unknown:
        return Finding("zone", "not_measurable", ruling.unknown)
    if ruling.probability <= certainty.not_met:
        return Finding("zone", "not_met", "outside_zones", {"share": percent(ruling.probability)})
    values = {"share": percent(ruling.probability), "zone": ruling.zone, "kind": ruling.kind}
    if ruling.probability < lead:
        return Finding("zone", "uncertain", "likelier_outside", values)
    if ruling.probability >= certainty.met:
        return Finding("zone", "met", "in_image_zone" if ruling.on_image else "in_zone", values)
    return Finding("zone", "uncertain", "in_image_zone" if ruling.on_image else "perhaps_in_zone", values)


def permitted_bay(place: Place, context: Context) -> Finding | None:
    """That it stands in bays for its kind, if that is likelier than not."""
    certainty = context.rules.certainty
    ruling = weightiest(rule_glimpses(place, "permits", context), certainty.met)
    if ruling.unknown or ruling.probability < certainty.lead:
        return None
    return Finding(
        "bay", "not_met", "permitted_bay", {"share": percent(ruling.probability), "zone": ruling.zone}
    )


def standing(place: Place, context: Context) -> Finding:
    """That it stood while a patrol drove past at least once; a fixed camera measures this as dwell."""
    speeds = [each.speed_mps for each in place.sightings if each.speed_mps is not None]
    if not speeds:
        return Finding("standing", "not_measurable", "speed_unknown")
    slowest, limit = min(speeds), context.rules.parking.max_standing_mps
    met = slowest <= limit
    values = {"speed_mps": round(slowest, 2), "allowed_mps": limit}
    return Finding("standing", "met" if met else "not_met", "stood" if met else "moving", values)


def dwell(there: Sequence[RuledGlimpse], context: Context) -> Finding:
    """How long it stood in the zone and its hours.

    Args:
        there: its glimpses inside.
    """
    parking = context.rules.parking
    timed = [each for each in there if each.glimpse.taken_at is not None]
    watched = [each for each in timed if context.is_fixed(each.sighting.device_id)]
    seconds = _seconds_on_camera(watched, parking)
    # A pass counts where it saw the vehicle stand: two brief glimpses of what drives may fall together.
    passing = [
        each
        for each in timed
        if not context.is_fixed(each.sighting.device_id)
        and each.sighting.speed_mps is not None
        and each.sighting.speed_mps <= parking.max_standing_mps
    ]
    minutes = _minutes_between_passes(passing, parking)
    if seconds >= parking.fixed_min_s:
        values = {"seconds": round(seconds, 1), "needed_s": parking.fixed_min_s}
        return Finding("dwell", "met", "stood_on_camera", values)
    if minutes is not None:
        met = minutes >= parking.passes_min_minutes
        values = {"minutes": round(minutes, 1), "needed_min": parking.passes_min_minutes}
        return Finding(
            "dwell", "met" if met else "not_met", "passes_apart" if met else "passes_too_close", values
        )
    if watched and not passing:
        values = {"seconds": round(seconds, 1), "needed_s": parking.fixed_min_s}
        return Finding("dwell", "not_met", "left_too_soon", values)
    return Finding("dwell", "not_measurable", "one_pass" if timed else "no_time")


@dataclass(slots=True)
class _Stay:
    """A box that stays where it is on a fixed camera's picture."""

    x: float
    y: float
    since: datetime
    until: datetime


def _seconds_on_camera(glimpses: Sequence[RuledGlimpse], parking: Parking) -> float:
    """The longest stay, seconds.

    Each glimpse goes on with the stay whose box stands where its own does, so that a track that broke, or
    one that jumped to a passer-by for a frame, does not end it.
    """
    stays: list[tuple[str, _Stay]] = []
    longest = 0.0
    for each in sorted(glimpses, key=_time):
        device, now, (x, y) = each.sighting.device_id, _time(each), anchor(each.glimpse)
        left, _, right, _ = each.glimpse.box_xyxy_px
        reach = parking.fixed_max_move * (right - left) / each.glimpse.size_wh[0]
        ratio = each.glimpse.size_wh[1] / each.glimpse.size_wh[0]
        stays = [
            (owner, stay)
            for owner, stay in stays
            if (now - stay.until).total_seconds() <= parking.fixed_max_gap_s
        ]
        for owner, stay in stays:
            if owner == device and (stay.x - x) ** 2 + ((stay.y - y) * ratio) ** 2 <= reach**2:
                stay.until = now
                longest = max(longest, (now - stay.since).total_seconds())
                break
        else:
            stays.append((device, _Stay(x, y, now, now)))
    return longest


def _minutes_between_passes(glimpses: Sequence[RuledGlimpse], parking: Parking) -> float | None:
    """The longest time from the end of one pass's sighting to the beginning of another's, within the limit.

    None for want of two.
    """
    spans: dict[str, tuple[datetime, datetime]] = {}
    for each in glimpses:
        now = _time(each)
        first, last = spans.get(each.sighting.id, (now, now))
        spans[each.sighting.id] = (min(first, now), max(last, now))
    ends = sorted(last for _, last in spans.values())
    longest = timedelta(0)
    for start, _ in spans.values():
        earliest = bisect_left(ends, start - timedelta(hours=parking.passes_max_hours))
        longest = max(longest, start - ends[earliest] if earliest < len(ends) else longest)
    return longest / timedelta(minutes=1) if longest else None


def _time(each: RuledGlimpse) -> datetime:
    assert each.glimpse.taken_at is not None, "only glimpses with a time get here"
    return each.glimpse.taken_at
