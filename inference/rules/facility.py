"""Broken facilities: the filing conditions that a picture can answer, and those it cannot."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.area import area_finding, area_of, width_of
from streetsight.inference.rules.candidate import Opinion
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding


def judge_facility(place: Place, context: Context) -> Opinion:
    """What the rules say about road damage, a manhole or another facility.

    None of them refuses: the filing conditions are the bureau's, and half of them need a ruler.
    """
    rule = _BY_CLASS.get(place.class_name)
    return Opinion(rule(place, context) if rule else (), area=area_of(place, context))


def pothole(place: Place, context: Context) -> tuple[Finding, ...]:
    """Broken area, and the drop that no picture shows."""
    rules = context.rules.facility
    return area_finding("damage_area", area_of(place, context), rules.road_damage_m2), _unseen(rules.drop_mm)


def crack(place: Place, context: Context) -> tuple[Finding, ...]:
    """Length: what lies across the view is measured, what runs along it is not."""
    rules, width = context.rules.facility, width_of(place)
    if width is not None and width > rules.crack_length_m:
        values = {"length_m": round(width, 2), "needed_m": rules.crack_length_m}
        length = Finding("crack_length", "met", "length_enough", values)
    else:
        length = Finding("crack_length", "not_measurable", "length_unknown")
    return length, _unseen(rules.crack_width_mm)


def manhole(place: Place, context: Context) -> tuple[Finding, ...]:
    """Neither the height of a lid nor whose it is."""
    return _unseen(context.rules.facility.lid_drop_mm), Finding("lid", "not_measurable", "lid_unread")


def _unseen(needed_mm: float) -> Finding:
    return Finding("measure", "not_measurable", "needs_measuring", {"needed_mm": needed_mm})


_BY_CLASS = {"pothole": pothole, "road_crack": crack, "damaged_manhole": manhole}
