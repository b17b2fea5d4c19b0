"""How totals went from month to month."""

from collections import defaultdict
from decimal import Decimal

from sqlalchemy import select

from streetsight.service.scoring.spans import Span, month_of
from streetsight.service.scoring.tables import ClosedPeriod, ClosedSheet
from streetsight.service.store.sessions import ReadSession

MONTHS = 12
Totals = dict[str, dict[str, Decimal | None]]
"""Code of a subject -> month -> total; None where it was not inspected, no entry where it was not scored."""


def months_until(last: Span, count: int = MONTHS) -> list[Span]:
    """The months that end with the last one of a period, in order."""
    found = [month_of(last.last_month)]
    while len(found) < count:
        found.append(found[-1].before())
    return found[::-1]


def totals_of(session: ReadSession, key: str, months: list[Span], code: str | None = None) -> Totals:
    """Totals of closed months. Args: code: of one subject; None takes all."""
    found: Totals = defaultdict(dict)
    wanted = (
        select(ClosedPeriod.period, ClosedSheet.code, ClosedSheet.total)
        .join(ClosedSheet, ClosedSheet.closed_id == ClosedPeriod.id)
        .where(
            ClosedPeriod.scheme == key, ClosedPeriod.grain == "month", ClosedPeriod.reopened_at.is_(None),
            ClosedPeriod.starts >= months[0].starts, ClosedPeriod.ends <= months[-1].ends,
        )
    )  # fmt: skip
    if code is not None:
        wanted = wanted.where(ClosedSheet.code == code)
    for period, subject, total in session.execute(wanted):
        found[subject][period] = total
    return dict(found)
