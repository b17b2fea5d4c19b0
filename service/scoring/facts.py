"""The facts of a period, frozen: all that a score depends on besides its scheme.

Facts are what `gathering.py` reads from the database. Their canonical form (JSON, members in a fixed order,
rows sorted, nothing left to chance) is what a closed month keeps, and its digest is what can be checked.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

Grain = Literal["month", "quarter", "year"]
Event = Literal["overdue", "rework", "reopened"]
"""What shows that something was not put right: late, an answer that was not accepted, found again."""

Frozen = TypeVar("Frozen", bound=msgspec.Struct)


class Case(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An issue as it stood when the facts were frozen.

    Attributes:
        id, number: of the issue; decision: id of the confirmation that it rests on.
        photos: sha256 of the pictures that show it.
        tags: what rules can ask for: condition, class, code, scene, aspect, channel, day, ...
        lon, lat: WGS-84 degrees.
        found_at, confirmed_at, dispatched_at, due_at, answered_at, closed_at: seconds since 1970, UTC.
        view: the picture that shows it, for rules by which what is in one view is one.
        appeal: open, refused or upheld.
        late: it belongs to an earlier month, which was closed when it was confirmed.
        void: why nothing is deducted for it whatever the scheme says: upheld (an appeal), not_pursued,
            withdrawn.
    """

    id: str
    number: str
    decision: str | None = None
    photos: tuple[str, ...] = ()
    tags: dict[str, str]
    lon: float | None = None
    lat: float | None = None
    found_at: int
    confirmed_at: int
    dispatched_at: int | None = None
    due_at: int | None = None
    answered_at: int | None = None
    closed_at: int | None = None
    extensions: int = 0
    reworks: int = 0
    appeal: str | None = None
    view: str | None = None
    late: bool = False
    void: str | None = None


class Followup(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Shows that an issue was not put right. Attributes: act: id in its timeline; at: seconds since 1970."""

    act: str
    event: Event
    at: int
    case: Case


class Figure(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A number that came from elsewhere: a survey, complaints, a platform's rate.

    Attributes:
        source: file and line, or who typed it.
    """

    key: str
    value: Decimal
    source: str


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Points that a person gave or took by a manual rule. Attributes: made_by, reason: who, and why."""

    id: str
    rule: str
    points: Decimal
    reason: str
    made_by: str


class Restoration(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a closed month took for issues that turned out to be none.

    Attributes:
        period: of the month that took it, `2026-10`.
        issues: numbers; points: exactly what the month's total lacks because of them.
    """

    period: str
    issues: tuple[str, ...]
    points: Decimal


class Exposure(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How much was looked at. Metres and square metres are of ground seen, once, in the period.

    Attributes:
        patrols, photos: that showed some of it; visits: issues and checks entered by people on the spot.
        days: on which some of it was seen.
        driven_m, seen_m2, ground_m2: ground_m2 is the whole subject.
        dim_m2: in view in bad light only.
        unreviewed: candidates there that nobody has decided about.
    """

    patrols: int = 0
    photos: int = 0
    visits: int = 0
    days: int = 0
    driven_m: float = 0.0
    seen_m2: float = 0.0
    dim_m2: float = 0.0
    ground_m2: float = 0.0
    unreviewed: int = 0


class Total(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A closed month's result, for quarters and years. Attributes: total: None when it was not inspected."""

    period: str
    total: Decimal | None
    digest: str


class SubjectFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """All facts of one subject in one period; what is empty has no share in it.

    Attributes:
        code, name, group: of the subject; group: whom it is ranked among.
        as_of: seconds since 1970, UTC: the moment that the facts are of.
        members: totals of the months, in quarters and years only.
    """

    code: str
    name: str
    group: str = ""
    as_of: int = 0
    cases: tuple[Case, ...] = ()
    followups: tuple[Followup, ...] = ()
    figures: tuple[Figure, ...] = ()
    entries: tuple[Entry, ...] = ()
    restorations: tuple[Restoration, ...] = ()
    members: tuple[Total, ...] = ()
    exposure: Exposure = Exposure()


def canonical(facts: SubjectFacts) -> SubjectFacts:
    """The same facts, each once, in the one order that they have."""
    return msgspec.structs.replace(
        facts,
        cases=_once(facts.cases, lambda each: (each.found_at, each.id)),
        followups=_once(facts.followups, lambda each: (each.at, each.act)),
        figures=_once(facts.figures, lambda each: each.key),
        entries=_once(facts.entries, lambda each: (each.rule, each.id)),
        restorations=_once(facts.restorations, lambda each: each.period),
        members=_once(facts.members, lambda each: each.period),
    )


def packed(document: msgspec.Struct) -> bytes:
    """The canonical bytes of a document, compressed."""
    return zlib.compress(plain_bytes(document), level=6)


def unpacked(data: bytes, kind: type[Frozen]) -> Frozen:
    """The document of packed bytes."""
    return _decoder(kind).decode(zlib.decompress(data))


def plain_bytes(document: msgspec.Struct) -> bytes:
    """The canonical JSON of a document."""
    return _ENCODER.encode(document)


def digest(parts: Iterable[bytes]) -> str:
    """SHA-256 over documents, hexadecimal; the same documents split otherwise are others."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_decoders: dict[type, msgspec.json.Decoder[msgspec.Struct]] = {}

Item = TypeVar("Item", bound=msgspec.Struct)


def _once(rows: tuple[Item, ...], key: Callable[[Item], Any]) -> tuple[Item, ...]:
    if len(rows) < 2:
        return rows
    kept = {key(row): row for row in sorted(rows, key=lambda row: (key(row), plain_bytes(row)))}
    return tuple(kept.values())


def _decoder(kind: type[Frozen]) -> "msgspec.json.Decoder[Frozen]":
    if kind not in _decoders:
        _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]  # type: ignore[return-value]
