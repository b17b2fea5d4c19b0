"""Street vending: no issue inside a permitted zone and its hours, wherever else a lead."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.candidate import Opinion
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding, percent
from streetsight.inference.rules.parking import in_zone
from streetsight.inference.rules.persistence import hours_seen, persistence
from streetsight.inference.rules.rulings import rule_glimpses, weightiest


def judge_vending(place: Place, context: Context) -> Opinion:
    """What the rules say about a vendor."""
    certainty = context.rules.certainty
    permit = permitted(place, context)
    forbidden = weightiest(rule_glimpses(place, "forbids", context), certainty.met)
    where = in_zone(forbidden, certainty, certainty.lead)
    banned = forbidden.probability >= certainty.lead
    stayed = persistence(place, context.rules.vending.stall_hours)
    kind = context.rules.zone_kinds.get(forbidden.kind) if banned else None
    sub_type = None
    if kind and kind.sub_type:
        sub_type = (kind.sub_type, Finding("code", "met", "by_zone", {"zone": forbidden.zone}))
    elif stayed.state == "met":
        hours = {"hours": round(hours_seen(place), 1)}
        sub_type = ("stall", Finding("code", "met", "by_persistence", hours))
    return Opinion(
        (permit, where, stayed),
        permit if permit.reason in ("permitted", "perhaps_permitted") and not banned else None,
        sub_type,
        (forbidden.kind, forbidden.zone) if banned else None,
    )


def permitted(place: Place, context: Context) -> Finding:
    """Whether it stood in a permitted zone, within its hours, on every frame.

    "not_met" is the lead. A position that is not exact enough counts for what is likelier.
    """
    certainty = context.rules.certainty
    ruled = rule_glimpses(place, "permits", context)
    if unknown := next((each.ruling.unknown for each in ruled if each.ruling.unknown), ""):
        return Finding("permit", "not_measurable", unknown)
    worst = min(ruled, key=lambda each: each.ruling.probability)
    ruling = worst.ruling
    if ruling.probability >= certainty.lead:
        sure = ruling.probability >= certainty.met
        values = {"share": percent(ruling.probability), "zone": ruling.zone}
        return Finding(
            "permit", "met" if sure else "uncertain", "permitted" if sure else "perhaps_permitted", values
        )
    anyway = weightiest(rule_glimpses(place, "permits", context, any_hour=True), certainty.met)
    if anyway.probability >= certainty.lead and worst.glimpse.taken_at is not None:
        when = worst.glimpse.taken_at.isoformat(timespec="minutes")
        return Finding("permit", "not_met", "window_missed", {"zone": anyway.zone, "when": when})
    return Finding("permit", "not_met", "not_permitted", {"share": percent(ruling.probability)})
