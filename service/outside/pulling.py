"""Everything once, then what has changed, by a cursor that never skips: for systems that cannot be called.

The first questions walk through all rows by their ids; the cursor remembers the number of the last event of
that moment. From then on it walks through events, and gives each row that they are about as it is now. So a
row may come again without a change, and never is a change missed: whoever has seen an event's number has seen
all below it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.events.tables import Event
from streetsight.service.faults import Gone, Invalid
from streetsight.service.store.sessions import ReadSession

_CURSOR = re.compile(r"s\.(?P<last>\d{1,18})\.(?P<id>[0-9a-f-]{36})|e\.(?P<number>\d{1,18})")
Shown = TypeVar("Shown")


class BadCursor(Invalid):
    """A cursor that we have not given."""

    code = "bad_cursor"


class CursorExpired(Gone):
    """A cursor that is older than the events that are kept."""

    code = "cursor_expired"


@dataclass(frozen=True, slots=True)
class Noun(Generic[Shown]):
    """What is pulled.

    Attributes:
        table: of rows with ids; visible: which of them an actor may see.
        prefix: of the subjects and kinds of its events: issue, candidate.
        shown: rows as they are told.
    """

    table: Any
    prefix: str
    visible: Callable[[Actor], ColumnElement[bool]]
    shown: Callable[[ReadSession, Sequence[Any]], list[Shown]]


@dataclass(frozen=True, slots=True)
class Pulled(Generic[Shown]):
    """Attributes: next: the cursor of the next question; more: there is more to be had at once."""

    items: list[Shown]
    next: str
    more: bool


def pull(
    session: ReadSession, actor: Actor, noun: Noun[Shown], cursor: str | None, limit: int
) -> Pulled[Shown]:
    """The next rows.

    Args:
        cursor: `next` of the answer before; None to begin.

    Raises:
        BadCursor, CursorExpired
    """
    if cursor is None:
        return _all(session, actor, noun, session.scalar(select(func.max(Event.number))) or 0, "", limit)
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadCursor("{cursor} is no cursor of ours; send `next` of the answer before", cursor=cursor[:80])
    if found["number"] is None:
        return _all(session, actor, noun, int(found["last"]), found["id"], limit)
    return _changed(session, actor, noun, int(found["number"]), limit)


def _all(
    session: ReadSession, actor: Actor, noun: Noun[Shown], last: int, after: str, limit: int
) -> Pulled[Shown]:
    found = select(noun.table).where(noun.visible(actor), noun.table.id > after).order_by(noun.table.id)
    rows = list(session.scalars(found.limit(limit + 1)))
    kept = rows[:limit]
    if len(rows) > limit:
        return Pulled(noun.shown(session, kept), f"s.{last}.{kept[-1].id}", True)
    return Pulled(noun.shown(session, kept), f"e.{last}", False)


def _changed(session: ReadSession, actor: Actor, noun: Noun[Shown], number: int, limit: int) -> Pulled[Shown]:
    _require_known(session, number)
    found = (
        select(Event.number, Event.subject)
        .where(
            Event.number > number, Event.kind.startswith(f"{noun.prefix}."), in_scope(actor, Event.area_path)
        )
        .order_by(Event.number)
        .limit(limit + 1)
    )
    events = session.execute(found).all()
    kept = events[:limit]
    ids = {subject.removeprefix(f"{noun.prefix}/") for _, subject in kept}
    rows = session.scalars(
        select(noun.table).where(noun.visible(actor), noun.table.id.in_(ids)).order_by(noun.table.id)
    ).all()
    last = kept[-1][0] if kept else number
    return Pulled(noun.shown(session, rows), f"e.{last}", len(events) > limit)


def _require_known(session: ReadSession, number: int) -> None:
    """Raises CursorExpired where events after this number are kept no more."""
    first, last = session.execute(select(func.min(Event.number), func.max(Event.number))).one()
    if (first is not None and number + 1 < first) or number > (last or 0):
        raise CursorExpired(
            "events after number {number} are not all kept any more; begin anew without a cursor",
            number=number,
        )
