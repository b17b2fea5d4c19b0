"""What is too small, too fleeting or too blurred to be a lead; every refusal carries its number."""

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.area import width_of
from streetsight.inference.rules.context import Context, usable
from streetsight.inference.rules.finding import Finding


def gates(place: Place, context: Context) -> tuple[Finding, ...]:
    """All gates of a class; a finding "not_met" refuses the place."""
    first = scorable(place, context)
    if first.state == "not_met":
        return (first,)
    widths = (width,) if context.rules.gate(place.class_name).min_width_m else ()
    return first, *(gate(place, context) for gate in (size, *widths, frames, passes))


def scorable(place: Place, context: Context) -> Finding:
    """Seen on at least one frame that the quality gate let through."""
    count = len(usable(place))
    if count:
        return Finding("scorable", "met", "scorable", {"frames": count})
    return Finding("scorable", "not_met", "not_scorable")


def size(place: Place, context: Context) -> Finding:
    """Longer side of the box on the frame where it is largest, pixels."""
    needed = context.rules.gate(place.class_name).min_px
    sides = [
        max(right - left, bottom - top)
        for left, top, right, bottom in (glimpse.box_xyxy_px for _, glimpse in usable(place))
    ]
    values = {"size_px": round(max(sides)), "needed_px": needed}
    met = max(sides) >= needed
    return Finding("size", "met" if met else "not_met", "large_enough" if met else "too_small_px", values)


def width(place: Place, context: Context) -> Finding:
    """Width of the thing, metres."""
    needed, measured = context.rules.gate(place.class_name).min_width_m, width_of(place)
    if measured is None:
        return Finding("width", "not_measurable", "no_ground_width")
    values = {"width_m": round(measured, 2), "needed_m": needed}
    met = measured >= needed
    return Finding("width", "met" if met else "not_met", "wide_enough" if met else "too_small_m", values)


def frames(place: Place, context: Context) -> Finding:
    """On enough different frames, or on one with a score that is beyond doubt."""
    gate, seen = context.rules.gate(place.class_name), usable(place)
    count, score = len({glimpse.frame_id for _, glimpse in seen}), max(g.score for _, g in seen)
    if count >= gate.min_frames or score >= gate.sure_score:
        return Finding("frames", "met", "enough_frames", {"frames": count, "score": round(score, 3)})
    values = {"frames": count, "needed": gate.min_frames, "sure_score": gate.sure_score}
    return Finding("frames", "not_met", "too_few_frames", values)


def passes(place: Place, context: Context) -> Finding:
    """On enough patrols."""
    needed = context.rules.gate(place.class_name).min_passes
    count = len({sighting.patrol_id for sighting, _ in usable(place)})
    if count >= needed:
        return Finding("passes", "met", "enough_passes", {"passes": count})
    return Finding("passes", "not_met", "too_few_passes", {"passes": count, "needed": needed})
