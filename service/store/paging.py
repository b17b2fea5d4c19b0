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
    session: ReadSession,
    found: Select[Item],
    row: type[Item],
    limit: int,
    cursor: str | None,
    long_ago: bool = False,
) -> Page[Item]:
    """One page of what a query finds.

    Args:
        cursor: id of the last row of the page before; ids ascend with time.
        long_ago: what is wanted lies behind all newer rows, and databases do not know it: they walk down the
            ids until enough fit (57 s with 10,000,000 rows). Then it is found by its own index, and sorted.
    """
    order = row.id + "" if long_ago else row.id
    wanted = found.with_only_columns(row.id, maintain_column_froms=True).order_by(order.desc())
    if cursor is not None:
        wanted = wanted.where(row.id < cursor)
    # ids first: where they must be sorted, rows would be carried along, and those are wide
    ids = session.scalars(wanted.limit(limit + 1)).all()
    shown = ids[:limit]
    items = session.scalars(found.where(row.id.in_(shown)).order_by(row.id.desc())) if shown else ()
    return Page(list(items), shown[-1] if len(ids) > limit else None)
