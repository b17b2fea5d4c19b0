"""Changes of the register: from a moment on places are others, and the past keeps what it had."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, tuple_

from streetsight.inference.positions.profile import Crs
from streetsight.service.areas.service import area_path_at, require_whole_city
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Invalid
from streetsight.service.groupings.reading import Grouping
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.jobs.queue import enqueue
from streetsight.service.places.membership import frozen_before
from streetsight.service.places.reading import (
    Finding,
    NotAPlace,
    PlaceRead,
    PlacesRead,
    PlacesRefused,
    nested,
    read_place,
)
from streetsight.service.places.schemas import ATTRIBUTES, PlaceChanged, PlaceSent
from streetsight.service.places.service import find_place, number_in_force, tag_of
from streetsight.service.places.tables import Place, PlaceChange
from streetsight.service.store.ids import first_id, new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now

KIND = "assign_places"
"""Jobs that give issues their places anew; their key is the id of the change."""

COMPARED = (*ATTRIBUTES, "geometry")
AT_ONCE = 500  # codes in one query

Key = tuple[str, str]


class MonthClosed(Conflict):
    """A change that would reach into months that are closed."""

    code = "month_closed"


class PlaceExists(Conflict):
    """A place to add whose code is in use."""

    code = "place_exists"


class NothingChanged(Invalid):
    """A change that asks for what is there already."""

    code = "nothing_changed"


@dataclass(frozen=True, slots=True, eq=False)
class Diff:
    """What a set of places comes to, at a moment.

    Attributes:
        added, changed: to be put in force; fields: what of a changed one is another.
        ended: to be ended.
    """

    added: list[PlaceRead] = field(default_factory=list)
    changed: list[PlaceRead] = field(default_factory=list)
    fields: dict[Key, list[str]] = field(default_factory=dict)
    ended: list[Key] = field(default_factory=list)
    unchanged: list[Key] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        return {
            "added": len(self.added), "changed": len(self.changed), "ended": len(self.ended),
            "unchanged": len(self.unchanged),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """Attributes: moment: from when on; wanted: the version that who asks has read, None for whichever."""

    reason: str
    moment: datetime
    wanted: int | None = None


def aspects_of(session: ReadSession) -> Grouping | None:
    """The grouping that aspects of places are of."""
    return groupings_in_force(session).by_code.get("aspect")


def compare(session: ReadSession, read: PlacesRead, moment: datetime) -> Diff:
    """What the register would become if these were the only places of their kinds from a moment on."""
    diff, there = Diff(), _from_then_on(session, moment, read.kinds)
    for place in read.places:
        _sort_in(diff, place, there.pop(place.key, []), moment)
    diff.ended.extend(sorted(there))
    return diff


def import_places(
    session: WriteSession, actor: Actor, read: PlacesRead, said: Said
) -> tuple[PlaceChange, Diff]:
    """Put places in force in place of all of their kinds.

    Raises:
        WholeCityOnly, Stale, MonthClosed: nothing is changed.
    """
    begin_change(session, actor, said.wanted)
    diff = compare(session, read, said.moment)
    warnings = [asdict(each) for each in read.warnings]
    change = _write(session, actor, "imported", said, diff, read.kinds, read.crs, warnings)
    return change, diff


def add_place(session: WriteSession, actor: Actor, sent: PlaceSent) -> Place:
    """Add a place.

    Raises:
        WholeCityOnly, PlaceExists, PlacesRefused
    """
    begin_change(session, actor)
    moment = sent.valid_from or now()
    outside = {"geometry", "crs", "valid_from", "reason"}
    place = _read(session, sent.model_dump(exclude=outside), sent.geometry, sent.crs)
    if _from_then_on(session, moment, [place.kind], [place.key]):
        raise PlaceExists(
            "there is a {kind} {code} already; change that one, or take another code",
            kind=place.kind, code=place.code,
        )  # fmt: skip
    said = Said(sent.reason, moment)
    return _one(session, actor, "added", said, Diff(added=[place]), place.key, sent.crs)


def change_place(session: WriteSession, actor: Actor, key: Key, sent: PlaceChanged, wanted: int) -> Place:
    """Change a place from a moment on.

    Raises:
        WholeCityOnly, NoPlace, Stale, MonthClosed, PlacesRefused, NothingChanged
    """
    begin_change(session, actor)
    moment = sent.valid_from or now()
    _require_read(session, key, wanted)
    old = find_place(session, *key, moment)
    properties = attributes_of(old) | _fixed_kept(old, nested(sent.attributes))
    geometry, crs = (sent.geometry, sent.crs) if sent.geometry else (old.geometry, "wgs84")
    place = _read(session, {**properties, "kind": key[0], "code": key[1]}, geometry, crs)
    diff = Diff()
    _sort_in(diff, place, _from_then_on(session, moment, [key[0]], [key]).get(key, []), moment)
    if diff.unchanged:
        raise NothingChanged("{kind} {code} is like that already", kind=key[0], code=key[1])
    said = Said(sent.reason, moment)
    return _one(session, actor, "changed", said, diff, key, sent.crs if sent.geometry else None)


def end_place(
    session: WriteSession, actor: Actor, key: Key, reason: str, moment: datetime | None, wanted: int
) -> Place:
    """End a place from a moment on; its past stays.

    Raises:
        WholeCityOnly, NoPlace, Stale, MonthClosed
    """
    begin_change(session, actor)
    at = moment or now()
    _require_read(session, key, wanted)
    place = find_place(session, *key, at)
    _write(session, actor, "ended", Said(reason, at), Diff(ended=[key]), [key[0]], None, [])
    return place


def compare_attributes(session: ReadSession, places: Sequence[PlaceRead], moment: datetime) -> Diff:
    """What other attributes come to for places that are in force at a moment."""
    diff, keys = Diff(), [place.key for place in places]
    there = _from_then_on(session, moment, sorted({kind for kind, _ in keys}), keys)
    for place in places:
        _sort_in(diff, place, there.get(place.key, []), moment)
    return diff


def change_attributes(
    session: WriteSession, actor: Actor, places: Sequence[PlaceRead], said: Said
) -> tuple[PlaceChange | None, Diff]:
    """Give places that are in force other attributes; None where nothing is another.

    Raises:
        WholeCityOnly, Stale, MonthClosed
    """
    begin_change(session, actor, said.wanted)
    diff = compare_attributes(session, places, said.moment)
    if not diff.changed:
        return None, diff
    kinds = sorted({place.kind for place in diff.changed})
    return _write(session, actor, "attributes_imported", said, diff, kinds, None, []), diff


def begin_change(session: WriteSession, actor: Actor, wanted: int | None = None) -> None:
    """Nobody else changes the register until the transaction ends. Raises WholeCityOnly, Stale."""
    require_whole_city(actor)
    take_turn(session, "places")
    if wanted is not None:
        require_version(number_in_force(session), wanted)


def attributes_of(place: Place) -> dict[str, Any]:
    """What is said of a place, as it would be sent."""
    return {name: getattr(place, name) for name in ATTRIBUTES}


def _read(session: ReadSession, properties: Mapping[str, Any], geometry: Any, crs: Crs) -> PlaceRead:
    try:
        return read_place(properties, geometry, crs, aspects_of(session))
    except NotAPlace as wrong:
        refused = PlacesRefused("nothing was changed")
        name = f"{properties.get('kind')}/{properties.get('code')}"
        refused.findings = (Finding(name, wrong.outcome, wrong.detail, wrong.other),)
        raise refused from wrong


def _fixed_kept(old: Place, sent: Mapping[str, Any]) -> dict[str, Any]:
    """五定 is changed one by one, too."""
    fixed = sent.get("five_fixed")
    return {**sent, "five_fixed": {**old.five_fixed, **fixed}} if isinstance(fixed, dict) else dict(sent)


def _require_read(session: ReadSession, key: Key, wanted: int) -> None:
    require_version(tag_of(session, *key), wanted)


def _from_then_on(
    session: ReadSession, moment: datetime, kinds: Sequence[str], keys: Sequence[Key] | None = None
) -> dict[Key, list[Place]]:
    """Versions that are in force at a moment or come after it, the first one first."""
    wanted = select(Place).where(
        Place.kind.in_(kinds), or_(Place.valid_to.is_(None), Place.valid_to > moment),
        or_(Place.valid_to.is_(None), Place.valid_to > Place.valid_from),
    )  # fmt: skip
    found: dict[Key, list[Place]] = {}
    for some in [None] if keys is None else _blocks(keys):
        these = wanted if some is None else wanted.where(tuple_(Place.kind, Place.code).in_(some))
        for place in session.scalars(these.order_by(Place.valid_from)):
            found.setdefault((place.kind, place.code), []).append(place)
    return found


def _blocks(keys: Sequence[Key]) -> Iterable[Sequence[Key]]:
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))


def _sort_in(diff: Diff, place: PlaceRead, there: Sequence[Place], moment: datetime) -> None:
    """Whether a place is new, another, or as it was: in force now, and for good."""
    old = next((each for each in there if each.valid_from <= moment), None)
    if old is None:
        diff.added.append(place)
        return
    fields = [name for name in COMPARED if getattr(old, name) != place.values[name]]
    if not fields and old.valid_to is None:
        diff.unchanged.append(place.key)
        return
    diff.changed.append(place)
    diff.fields[place.key] = fields or ["valid_to"]


def _one(
    session: WriteSession, actor: Actor, action: str, said: Said, diff: Diff, key: Key, crs: Crs | None
) -> Place:
    _write(session, actor, action, said, diff, [key[0]], crs, [])
    return find_place(session, *key, said.moment)


def _write(
    session: WriteSession, actor: Actor, action: str, said: Said, diff: Diff, kinds: list[str],
    crs: Crs | None, warnings: list[dict[str, Any]],
) -> PlaceChange:  # fmt: skip
    """The change, its versions, the ends of those before, and the job that follows."""
    _require_open(session, diff, said.moment)
    change = PlaceChange(
        number=number_in_force(session) + 1, action=action, moment=said.moment, kinds=kinds,
        counts=diff.counts, crs=crs, made_by=actor.name, reason=said.reason, warnings=warnings,
    )  # fmt: skip
    session.add(change)
    session.flush()
    put = sorted([*diff.added, *diff.changed], key=lambda place: place.key)
    _end(session, [*(place.key for place in put), *diff.ended], change)
    if put:
        session.execute(insert(Place), [_row(session, place, change) for place in put])
    if said.moment <= now():
        # a day earlier: a camera whose clock is ahead finds things after they were filed
        enqueue(session, KIND, change.id, {"after": first_id(said.moment - timedelta(days=1))})
    details = {"number": change.number, "counts": diff.counts, "reason": said.reason}
    subject = (
        f"place_change/{change.id}"
        if len(put) + len(diff.ended) != 1
        else f"place/{'/'.join(_touched(diff))}"
    )
    record(session, actor, f"places.{action}", subject, details)
    return change


def _touched(diff: Diff) -> Key:
    return next(iter([*(place.key for place in (*diff.added, *diff.changed)), *diff.ended]))


def _require_open(session: ReadSession, diff: Diff, moment: datetime) -> None:
    """What was in force in a closed month stays so; what was not may be added. Raises MonthClosed."""
    frozen = frozen_before(session)
    if frozen is not None and moment < frozen and (diff.changed or diff.ended):
        raise MonthClosed(
            "months before {moment} are closed, and places were counted in them; take a moment from then on",
            moment=frozen.isoformat(),
        )


def _end(session: WriteSession, keys: Sequence[Key], change: PlaceChange) -> None:
    """What was in force ends at the moment; what was to come is taken back."""
    kinds = sorted({kind for kind, _ in keys})
    for versions in _from_then_on(session, change.moment, kinds, keys).values():
        for version in versions:
            version.valid_to = max(change.moment, version.valid_from)
            version.ended_number = change.number
    session.flush()


def _row(session: ReadSession, place: PlaceRead, change: PlaceChange) -> dict[str, Any]:
    path = area_path_at(session, place.values["lon"], place.values["lat"])
    return {
        "id": new_id(), "created_at": now(), "kind": place.kind, "code": place.code, **place.values,
        "valid_from": change.moment, "valid_to": None, "number": change.number, "ended_number": None,
        "area_path": path,
    }  # fmt: skip
