"""Exposed garbage: accumulated or fresh, on green space or on the road."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.area import area_finding, area_of
from streetsight.inference.rules.candidate import Opinion
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding, percent
from streetsight.inference.rules.persistence import hours_seen, persistence
from streetsight.inference.rules.rulings import Ruling, rule_glimpses, weightiest


def judge_garbage(place: Place, context: Context) -> Opinion:
    """What the rules say about garbage or an overflowing bin."""
    rules = context.rules.garbage
    area = area_of(place, context)
    stayed = persistence(place, rules.accumulated_hours)
    large = area_finding("accumulated", area, rules.accumulated_m2)
    ruling = weightiest(rule_glimpses(place, "marks", context), context.rules.certainty.met)
    ground = on_ground(ruling, context)
    sub_type = None
    offered = context.rules.classes.get(place.class_name, ())
    kind = context.rules.zone_kinds.get(ruling.kind)
    if area and "accumulated" in offered and stayed.state == "met" and area.m2 >= rules.accumulated_m2:
        values = {"hours": round(hours_seen(place), 1), "m2": area.m2}
        sub_type = ("accumulated", Finding("code", "met", "by_persistence_and_size", values))
    elif kind and kind.sub_type in offered and ruling.probability >= context.rules.certainty.lead:
        sub_type = (kind.sub_type, Finding("code", "met", "by_zone", {"zone": ruling.zone}))
    return Opinion((stayed, large, ground), sub_type=sub_type, area=area)


def on_ground(ruling: Ruling, context: Context) -> Finding:
    """Whether it lies on ground that has a code of its own, such as green space."""
    certainty = context.rules.certainty
    if ruling.unknown:
        reason = "ground_unknown" if ruling.unknown == "no_zones" else ruling.unknown
        return Finding("ground", "not_measurable", reason)
    if ruling.probability <= certainty.not_met:
        return Finding("ground", "not_met", "outside_zones", {"share": percent(ruling.probability)})
    met = ruling.probability >= certainty.met
    values = {"share": percent(ruling.probability), "zone": ruling.zone, "kind": ruling.kind}
    return Finding("ground", "met" if met else "uncertain", "on_ground", values)
