"""How urgent a candidate looks: the class's level, raised by size and time, never below its zone's."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.candidate import Opinion, Severity
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.finding import Finding
from streetsight.inference.rules.persistence import hours_seen
from streetsight.inference.rules.rulings import LEVELS


def severity_of(place: Place, opinion: Opinion, context: Context) -> Severity:
    """The level and every reason for it."""
    rule, hours = context.rules.severity_of(place.class_name), hours_seen(place)
    level = LEVELS.index(rule.level)
    reasons = [Finding("severity", "met", "base", {"level": rule.level})]
    if opinion.area and opinion.area.m2 >= rule.large_m2:
        level += 1
        reasons.append(
            Finding("severity", "met", "large", {"m2": opinion.area.m2, "needed_m2": rule.large_m2})
        )
    if hours >= rule.long_hours:
        level += 1
        values = {"hours": round(hours, 1), "needed_h": rule.long_hours}
        reasons.append(Finding("severity", "met", "long", values))
    least = context.rules.zone_kinds[opinion.zone[0]].level if opinion.zone else None
    if opinion.zone and least and LEVELS.index(least) > level:
        level = LEVELS.index(least)
        reasons.append(Finding("severity", "met", "zone_level", {"zone": opinion.zone[1], "level": least}))
    return Severity(LEVELS[min(level, len(LEVELS) - 1)], tuple(reasons))
