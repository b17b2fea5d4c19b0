"""How wide a thing is and how much ground it covers, where the ground projection tells."""

from statistics import median

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.candidate import Area
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding


def width_of(place: Place) -> float | None:
    """Metres across the line of sight: the middle one of its sightings that know."""
    widths = [each.width_m for each in place.sightings if each.width_m is not None]
    return median(widths) if widths else None


def area_of(place: Place, context: Context) -> Area | None:
    """Square metres of ground, from the width and what share of its square things of the class cover.

    A box tells no depth, hence the wide limits: two sigmas of the width and the whole range of shares.
    """
    width, rules = width_of(place), context.rules.area
    share = rules.shares.get(place.class_name)
    if width is None or share is None:
        return None
    low, high = width * (1 - 2 * rules.width_sigma), width * (1 + 2 * rules.width_sigma)
    return Area(
        round(share.middle * width**2, 2),
        round(share.low * max(low, 0) ** 2, 2),
        round(share.high * high**2, 2),
    )


def area_finding(rule: str, area: Area | None, needed_m2: float) -> Finding:
    """Whether an area reaches a size; uncertain when its limits lie on both sides."""
    if area is None:
        return Finding(rule, "not_measurable", "area_unknown")
    values = {"m2": area.m2, "low_m2": area.low_m2, "high_m2": area.high_m2, "needed_m2": needed_m2}
    if area.low_m2 >= needed_m2:
        return Finding(rule, "met", "area_large", values)
    if area.high_m2 < needed_m2:
        return Finding(rule, "not_met", "area_small", values)
    return Finding(rule, "uncertain", "area_unsure", values)
