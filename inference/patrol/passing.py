"""What each patrol of a run says about places that were there before it: re-check, pass by pass."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import numpy as np

from streetsight.inference.coverage.footprint import position_of
from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.recheck import recheck
from streetsight.inference.patrol.memory import Memory
from streetsight.inference.patrol.patrols import Patrol
from streetsight.inference.patrol.rows import Row, recheck_row
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Place
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame

AROUND_M = 100.0  # of the driven way: what lies farther off no frame can show


def recheck_all(
    wanted: Sequence[Place], places: Places, patrols: Iterable[Patrol], memory: Memory, recall: Recall
) -> None:
    """Ask each patrol, in order of time, about places seen before it; answers go into the memory.

    Args:
        wanted: those of `places` that are asked about.
        places: with the sightings of all patrols.
    """
    began = [(each, began_at(each.accepted)) for each in patrols]
    in_order = sorted(((each, at) for each, at in began if at is not None), key=lambda pair: pair[1])
    for patrol, moment in in_order:
        opened = list(_open_before(wanted, moment, patrol))
        present = {
            each.id: left
            for each in opened
            if (left := left_by_the_last(each, moment, answers_for(each, memory))) is not None
        }
        for answer in recheck(opened, places, patrol.id, patrol.accepted, recall, present):
            memory.rechecks[answer.place_id, patrol.id] = {
                **recheck_row(answer, patrol.id), "at": moment.isoformat()
            }  # fmt: skip


def answers_for(place: Place, memory: Memory) -> list[Row]:
    """What passes said of a place, whichever of its sightings it was known by then; in order of time."""
    ids = {each.id for each in place.sightings}
    found = [row for (place_id, _), row in memory.rechecks.items() if place_id in ids]
    return sorted(found, key=lambda row: (row["at"], row["patrol_id"]))


def state_of(place: Place, answers: Sequence[Row]) -> str:
    """ "gone" when the last pass that could tell says so and nothing was seen of it since, else "open"."""
    telling = [row for row in answers if row["outcome"] in ("still_present", "gone")]
    if not telling or telling[-1]["outcome"] != "gone":
        return "open"
    seen = [each.last_seen for each in place.sightings if each.last_seen]
    return "gone" if not seen or max(seen) < datetime.fromisoformat(telling[-1]["at"]) else "open"


def _open_before(wanted: Iterable[Place], moment: datetime, patrol: Patrol) -> Iterator[Place]:
    """Places near the way that were seen before the patrol began."""
    box = surroundings(patrol.accepted)
    for place in wanted:
        if box is None or place.lon is None or place.lat is None:
            continue
        west, south, east, north = box
        near = west <= place.lon <= east and south <= place.lat <= north
        if near and any(each.last_seen and each.last_seen < moment for each in place.sightings):
            yield place


def left_by_the_last(place: Place, moment: datetime, answers: Iterable[Row]) -> float | None:
    """Probability that it is there, by the last pass between its last sighting before a patrol and that.

    Args:
        moment: when the patrol began; something of the place was seen before it.
        answers: of passes over this place, in order of time.
    """
    seen = max(each.last_seen for each in place.sightings if each.last_seen and each.last_seen < moment)
    since = [
        row
        for row in answers
        if seen < datetime.fromisoformat(row["at"]) < moment and row["outcome"] != "not_seen"
    ]
    return 1 - float(since[-1]["gone"]) if since else None


def surroundings(frames: Iterable[PatrolFrame]) -> tuple[float, float, float, float] | None:
    """West, south, east, north of all that the frames of a pass may show, degrees; None without positions."""
    known = [position_of(each) for each in frames]
    points = np.array([[each.lon, each.lat] for each in known if each])
    if not len(points):
        return None
    reach = AROUND_M / np.array(LocalPlane(*points[0].tolist()).metres_per_degree)
    west, south = (points.min(axis=0) - reach).tolist()
    east, north = (points.max(axis=0) + reach).tolist()
    return west, south, east, north


def began_at(frames: Iterable[PatrolFrame]) -> datetime | None:
    """When the first of them was taken."""
    return min((each.pose.taken_at for each in frames if each.pose.taken_at), default=None)
