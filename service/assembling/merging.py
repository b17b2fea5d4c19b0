"""A tracked patrol among what is stored: which sightings are new or no more, what became of the places."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from streetsight.inference.places.fusion import fuse
from streetsight.inference.places.grid import CELL_M
from streetsight.inference.places.merging import Changes, Ending, Places
from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.rules.candidate import Candidate
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.judge import judge_place, mask
from streetsight.service.assembling.loading import Material
from streetsight.service.candidates.tables import PlaceEnding
from streetsight.service.sightings import tables
from streetsight.service.sightings.store import SightingStore
from streetsight.service.store.sessions import ReadSession

SAME_BOX = 0.5  # intersection over union on one frame, from which two sightings are of one thing
ENDINGS_REACH_M = 3 * CELL_M

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What the rules make of a place.

    Attributes:
        place: without what is masked.
        leads: one per condition; empty when it is none.
    """

    place: Place
    leads: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What an assembly changes, worked out and not written yet.

    Attributes:
        places: what it was worked out with; everything near the patrol is loaded.
        store: what they were loaded from.
        sightings: of this patrol, all of them; what lies in a sensitive zone is left out.
        dropped: ids of stored sightings that tracking no longer makes.
        verdicts: of all places that are new or different, by id.
        earlier: sighting -> stored sightings of the same boxes that it stands in place of; what was known of
            these holds for it.
        masked: sightings that were left out.
    """

    places: Places
    store: SightingStore
    sightings: tuple[Sighting, ...]
    dropped: frozenset[str]
    verdicts: tuple[Verdict, ...]
    earlier: Mapping[str, frozenset[str]]
    masked: int


def merge(session: ReadSession, material: Material, new: Sequence[Sighting], context: Context) -> Merged:
    """Bring the sightings of a patrol in place of those that are stored of it."""
    store = SightingStore(session)
    store.frame_of |= material.frame_of
    store.release_of |= material.release_of
    old = store.of_patrol(material.patrol_id)
    shown = [each for each in new if mask(fuse([each]), context)[0] is not None]
    changes = Changed(Places(load=store.load))
    for row in _endings_near(session, [*old, *shown]):
        if row.undone_at is None:
            changes.take(changes.places.end(Ending(row.class_name, row.lon, row.lat, row.radius_m, row.at)))
        else:
            changes.take(changes.places.look_again(row.lon, row.lat))
    changes.take(changes.places.add(old))
    kept = {each.id for each in shown}
    changes.take(changes.places.drop(each.id for each in old if each.id not in kept))
    changes.take(changes.places.add(shown))
    verdicts, hidden = _verdicts(changes, context)
    visible = tuple(each for each in shown if each.id not in hidden)
    left = {each.id for each in visible}
    return Merged(
        changes.places, store, visible,
        frozenset({each.id for each in old} - left | hidden.intersection(store.place_of)),
        tuple(verdicts),
        _earlier(session, material.patrol_id, visible),
        len(new) - len(visible),
    )  # fmt: skip


class Changed:
    """Places, and which of them differ from what is stored."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._ids: set[str] = set()

    def take(self, changes: Changes) -> None:
        self._ids -= changes.gone
        self._ids |= {each.id for each in changes.places}

    def __iter__(self) -> Iterator[Place]:
        return (self.places[each] for each in sorted(self._ids))


def judge(place: Place, context: Context) -> Verdict:
    """A verdict on a place that holds nothing masked."""
    return Verdict(place, tuple(each for each in judge_place(place, context) if isinstance(each, Candidate)))


def _verdicts(changes: Changed, context: Context) -> tuple[list[Verdict], set[str]]:
    """Verdicts on all changed places, and the ids of sightings that are masked with their place."""
    verdicts, hidden = [], set[str]()
    for place in changes:
        rest, _ = mask(place, context)
        hidden |= {each.id for each in place.sightings}
        if rest:
            hidden -= {each.id for each in rest.sightings}
            verdicts.append(judge(rest, context))
    return verdicts, hidden


def _endings_near(session: ReadSession, sightings: Sequence[Sighting]) -> Sequence[PlaceEnding]:
    """Endings of places around these sightings, in order of time; those that were undone, too."""
    placed = [(each.lon, each.lat) for each in sightings if each.lon is not None and each.lat is not None]
    if not placed:
        return ()
    lons, lats = zip(*placed, strict=True)
    east, north = (ENDINGS_REACH_M / each for each in LocalPlane(lons[0], lats[0]).metres_per_degree)
    near = select(PlaceEnding).where(
        PlaceEnding.lat.between(min(lats) - north, max(lats) + north),
        PlaceEnding.lon.between(min(lons) - east, max(lons) + east),
    )
    return session.scalars(near.order_by(PlaceEnding.at, PlaceEnding.id)).all()


def _earlier(
    session: ReadSession, patrol_id: str, sightings: Sequence[Sighting]
) -> dict[str, frozenset[str]]:
    """What each sighting stands in place of: those of the patrol that were stored, retired ones too, that
    share a box with it and that tracking no longer makes.

    Not those that it still makes: a bin that is drawn as two classes is two sightings, and what is known of
    one says nothing of the other.
    """
    rows = session.execute(
        select(tables.Sighting.id, tables.Sighting.glimpses).where(tables.Sighting.patrol_id == patrol_id)
    )
    standing = {each.id for each in sightings}
    boxes: dict[str, list[tuple[str, Box]]] = defaultdict(list)
    for own, glimpses in rows:
        for each in glimpses if own not in standing else ():
            x1, y1, x2, y2 = each["box_xyxy_px"]
            boxes[each["frame_id"]].append((own, (x1, y1, x2, y2)))
    return {
        sighting.id: frozenset(
            own for glimpse in sighting.glimpses for own in _alike(glimpse, boxes[glimpse.frame_id])
        )
        for sighting in sightings
    }


def _alike(glimpse: Glimpse, boxes: Iterable[tuple[str, Box]]) -> Iterator[str]:
    for own, box in boxes:
        if _overlap(glimpse.box_xyxy_px, box) >= SAME_BOX:
            yield own


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (both - width * height)
