"""Pages by cursor: newest first, stable while rows come in, as quick on page 1,000 as on the first."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select

from streetsight.service.store.base import Row
from streetsight.service.store.sessions import ReadSession

Item = TypeVar("Item", bound=Row)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Attributes: next_cursor: leads to the next page; None on the last one."""

    items: list[Item]
    next_cursor: str | None


def page(
    session: ReadSession, found: Select[Item], row: type[Item], limit: int, cursor: str | None
) -> Page[Item]:
    """One page of what a query finds.

    Args:
        cursor: id of the last row of the page before; ids ascend with time.
    """
    if cursor is not None:
        found = found.where(row.id < cursor)
    items = list(session.scalars(found.order_by(row.id.desc()).limit(limit + 1)))
    more = len(items) > limit
    return Page(items[:limit], items[limit - 1].id if more else None)
