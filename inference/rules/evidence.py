"""The evidence pair of a standing vehicle: what GA/T 832-2014 asks, item by item.

A pair that meets all that a machine can check is still a lead: plate, colour, model and landmarks are left
to a person, and a device that was not examined for it (行政处罚法, article 41) makes no evidence.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.rules.candidate import Picture
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding
from streetsight.inference.rules.image_zones import anchor
from streetsight.inference.rules.pictures import fitness

CONSIDERED = 20  # best panoramas of which the pair is chosen, beside the first and the last


def choose_pair(pictures: Sequence[Picture], context: Context) -> tuple[Picture, Picture] | None:
    """Two pictures at different times that meet most; None when no two times are known.

    Enough time between goes first, then both whole, then enough pixels, then good panoramas, then more time.
    """
    rules = context.rules
    timed = sorted((each for each in pictures if each.glimpse.taken_at), key=_moment)
    best = sorted(timed, key=lambda each: fitness(each, rules.pictures))[:CONSIDERED]
    chosen = {id(each): each for each in (*timed[:1], *best, *timed[-1:])}
    pairs = [
        (one, other)
        for one, other in combinations(sorted(chosen.values(), key=_moment), 2)
        if _seconds(one, other) > 0
    ]
    return min(pairs, key=lambda pair: _wants(pair, context), default=None)


def check_pair(pair: tuple[Picture, Picture] | None, context: Context) -> tuple[Finding, ...]:
    """Every item of the pair with its numbers."""
    if pair is None:
        return (Finding("pair_times", "not_met", "one_time"),)
    return (
        Finding("pair_times", "met", "two_times"),
        interval(pair, context),
        resolution(pair, context),
        clock(pair, context),
        place(pair, context),
        whole(pair),
        Finding("pair_colour", "not_measurable", "colour_unknown"),
        Finding("pair_plate", "not_measurable", "left_to_a_person"),
    )


def interval(pair: tuple[Picture, Picture], context: Context) -> Finding:
    """Seconds between the two."""
    seconds, needed = _seconds(*pair), context.rules.pair.min_interval_s
    met = seconds >= needed
    return Finding(
        "pair_interval",
        "met" if met else "not_met",
        "interval_long" if met else "interval_short",
        {"seconds": round(seconds, 1), "needed_s": needed},
    )


def resolution(pair: tuple[Picture, Picture], context: Context) -> Finding:
    """Pixels of the smaller of the two, either way up."""
    rules = context.rules.pair
    sizes = [each.glimpse.size_wh for each in pair]
    width, height = min(max(size) for size in sizes), min(min(size) for size in sizes)
    values = {
        "width": width, "height": height,
        "needed_width": rules.min_width_px, "needed_height": rules.min_height_px,
    }  # fmt: skip
    met = width >= rules.min_width_px and height >= rules.min_height_px
    return Finding(
        "pair_resolution", "met" if met else "not_met", "resolution" if met else "resolution_low", values
    )


def clock(pair: tuple[Picture, Picture], context: Context) -> Finding:
    """Stated error of the worse of the two devices' clocks."""
    devices = sorted({each.sighting.device_id for each in pair})
    for device in devices:
        if device not in context.devices:
            return Finding("pair_clock", "not_measurable", "clock_unknown", {"device": device})
    worst = max(context.devices[device].errors.clock_s for device in devices)
    allowed = context.rules.pair.max_clock_error_s
    met = worst <= allowed
    return Finding(
        "pair_clock",
        "met" if met else "not_met",
        "clock_close" if met else "clock_off",
        {"seconds": worst, "allowed_s": allowed},
    )


def place(pair: tuple[Picture, Picture], context: Context) -> Finding:
    """Whether both show the same place: one track, or places no farther apart than a car's length."""
    one, other = (each.sighting for each in pair)
    if one.device_id == other.device_id and context.is_fixed(one.device_id):
        return _same_spot_in_frame(pair, context)
    if one.id == other.id:
        return Finding("pair_place", "met", "same_track")
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return Finding("pair_place", "not_measurable", "no_position")
    east, north = LocalPlane(one.lon, one.lat).to_metres(np.array([other.lon, other.lat]))
    metres, allowed = math.hypot(east, north), context.rules.pair.same_place_m
    covariances = (one.own_m2, one.shared_m2, other.own_m2, other.shared_m2)
    sigma = math.sqrt(sum(each[0] + each[2] for each in covariances) / 2)
    values = {"metres": round(metres, 1), "allowed_m": allowed, "sigma_m": round(sigma, 1)}
    if metres <= allowed:
        return Finding("pair_place", "met", "same_place", values)
    if metres <= allowed + 2 * sigma:
        return Finding("pair_place", "uncertain", "place_unsure", values)
    return Finding("pair_place", "not_met", "other_place", values)


def whole(pair: tuple[Picture, Picture]) -> Finding:
    """Front or rear and the whole vehicle in both pictures."""
    met = all(each.whole for each in pair)
    return Finding("pair_whole", "met" if met else "not_met", "whole_in_frame" if met else "cut_off")


def _same_spot_in_frame(pair: tuple[Picture, Picture], context: Context) -> Finding:
    (x0, y0), (x1, y1) = (anchor(each.glimpse) for each in pair)
    width, height = pair[0].glimpse.size_wh
    moved = math.hypot((x1 - x0) * width, (y1 - y0) * height)
    box = pair[0].glimpse.box_xyxy_px
    values = {
        "moved_widths": round(moved / max(box[2] - box[0], 1.0), 2),
        "allowed_widths": context.rules.parking.fixed_max_move,
    }
    met = values["moved_widths"] <= values["allowed_widths"]
    return Finding(
        "pair_place", "met" if met else "not_met", "same_in_frame" if met else "moved_in_frame", values
    )


def _wants(pair: tuple[Picture, Picture], context: Context) -> tuple[bool, bool, bool, float, float]:
    rules = context.rules
    return (
        interval(pair, context).state != "met",
        not all(each.whole for each in pair),
        resolution(pair, context).state != "met",
        sum(fitness(each, rules.pictures)[1] for each in pair),
        -_seconds(*pair),
    )


def _moment(each: Picture) -> tuple[float, str]:
    assert each.glimpse.taken_at is not None, "only pictures with a time get here"
    return each.glimpse.taken_at.timestamp(), each.glimpse.frame_id


def _seconds(one: Picture, other: Picture) -> float:
    return _moment(other)[0] - _moment(one)[0]
