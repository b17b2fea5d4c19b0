"""Pages by cursor: newest first, stable while rows come in, as quick on page 1,000 as on the first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from streetsight.service.store.base import Row
from streetsight.service.store.ids import first_id, moment_of
from streetsight.service.store.sessions import ReadSession

Item = TypeVar("Item", bound=Row)

FIRST_SLICE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Attributes: next_cursor: leads to the next page; None on the last one."""

    items: list[Item]
    next_cursor: str | None


def page(
    session: ReadSession,
    found: Select[Item],
    row: type[Item],
    limit: int,
    cursor: str | None,
    sliced: bool = False,
    about: datetime | None = None,
) -> Page[Item]:
    """One page of what a query finds.

    Args:
        cursor: id of the last row of the page before; ids ascend with time.
        sliced: the table may be very large and what is wanted be far from the newest rows; see `_in_slices`.
        about: when the newest of them probably came, if that is known; nothing is left out by it.
    """
    wanted = found.with_only_columns(row.id, maintain_column_froms=True)
    if cursor is not None:
        wanted = wanted.where(row.id < cursor)
    # ids first: where they must be sorted, rows would be carried along, and those are wide
    if sliced and session.get_bind().dialect.name == "postgresql":
        ids = _in_slices(session, wanted, _slices(session, row, cursor, about), row.id, limit + 1)
    else:
        ids = list(session.scalars(wanted.order_by(row.id.desc()).limit(limit + 1)))
    shown = ids[:limit]
    items = session.scalars(found.where(row.id.in_(shown)).order_by(row.id.desc())) if shown else ()
    return Page(list(items), shown[-1] if len(ids) > limit else None)


def _in_slices(
    session: ReadSession,
    wanted: Select[Any],
    slices: Iterable[tuple[str, str | None]],
    row_id: InstrumentedAttribute[str],
    most: int,
) -> list[str]:
    """The newest ids, from one slice of time after another, each as long as all before it together.

    PostgreSQL believes that what is wanted is spread evenly, and walks down the ids until enough fit: through
    everything newer than what was asked for, in each partition. In a slice it takes the condition's index,
    because the order is not that of any; and no slice has many more rows than the ones before.
    """
    ids: list[str] = []
    for lower, upper in slices:
        part = wanted.where(row_id >= lower)
        if upper is not None:
            part = part.where(row_id < upper)
        ids += session.scalars(part.order_by((row_id + "").desc()).limit(most - len(ids)))
        if len(ids) == most:
            break
    return ids


def _slices(
    session: ReadSession, row: type[Item], cursor: str | None, about: datetime | None
) -> Iterator[tuple[str, str | None]]:
    """Ranges of ids, newest first, which together have all that are below the cursor."""
    oldest, newest = session.execute(select(func.min(row.id), func.max(row.id))).one()
    if oldest is None:
        return
    begin, width, upper = moment_of(cursor or newest), FIRST_SLICE, cursor
    begin = begin if about is None else min(begin, about)
    while upper is None or upper > oldest:
        begin, width = begin - width, 2 * width
        lower = max(first_id(begin), oldest)
        yield lower, upper
        upper = lower
