"""For how long a thing has been seen at its place."""

from datetime import datetime, timedelta

from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.context import usable
from streetsight.inference.rules.finding import Finding


def times_of(place: Place) -> list[datetime]:
    """When it was seen on usable frames, in order."""
    return sorted(glimpse.taken_at for _, glimpse in usable(place) if glimpse.taken_at is not None)


def hours_seen(place: Place) -> float:
    """From the first to the last time, hours; 0 for one time or none."""
    times = times_of(place)
    return (times[-1] - times[0]) / timedelta(hours=1) if times else 0.0


def persistence(place: Place, needed_h: float) -> Finding:
    """Whether it has been seen over this many hours. Once proves nothing about how long it lay there."""
    hours = hours_seen(place)
    if not hours:
        return Finding("persistence", "not_measurable", "seen_once")
    values = {"hours": round(hours, 2), "needed_h": needed_h}
    met = hours >= needed_h
    return Finding("persistence", "met" if met else "not_met", "seen_for" if met else "seen_briefly", values)
