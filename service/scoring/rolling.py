"""The quarterly roll of the list of problem points: who may leave it, who stays, who has failed for long.

The program proposes, with reasons; a person decides, and what was decided stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Conflict, Invalid
from streetsight.service.scoring.gathering import closed_months, subjects_of
from streetsight.service.scoring.schemes import Roll, Scheme
from streetsight.service.scoring.spans import BadPeriod, Span, quarter_of, year_of
from streetsight.service.scoring.tables import ClosedSheet, RollEntry
from streetsight.service.scoring.versions import scheme_for
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession, WriteSession

Verdict = Literal["in", "out", "stays", "look_back", "long_failing"]
VERDICTS: tuple[Verdict, ...] = ("in", "out", "stays", "look_back", "long_failing")


class NoRoll(Conflict):
    """The scheme does not roll a list."""

    code = "no_roll"


class NotThisQuarter(Invalid):
    """A verdict that the scheme does not allow in this quarter."""

    code = "not_this_quarter"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the roll would say of a point.

    Attributes:
        months: month -> total; None where it was not inspected, and no entry where the month is open.
        failing: quarters below the bar, one after the other, this one included.
        decided: what a person has said; None until then.
    """

    code: str
    name: str
    verdict: Verdict
    months: dict[str, Decimal | None]
    failing: int
    decided: RollEntry | None


def proposals(session: ReadSession, settings: Settings, key: str, quarter: Span) -> list[Proposal]:
    """For each point that was on the list in the quarter, or has to be looked at again; by code.

    Raises:
        NoRoll, NoScheme, NotAdopted
    """
    scheme = scheme_for(session, key, quarter.last_month).scheme
    roll = _roll(scheme)
    decided = {row.code: row for row in _entries(session, key, quarter)}
    totals = _totals(session, key)
    looked_back = _left_last_year(session, key, quarter) if quarter.quarter in roll.look_back_in else set()
    found = []
    for place in subjects_of(session, scheme.subjects, quarter.moments(settings.zone)):
        months = {month.name: totals[month.name].get(place.code)
                  for month in quarter.months() if month.name in totals}  # fmt: skip
        failing = _failing(roll, totals, place.code, quarter)
        verdict = _verdict(roll, quarter, months, failing, place.code in looked_back)
        found.append(Proposal(place.code, place.name, verdict, months, failing, decided.get(place.code)))
    return found


def decide(
    session: WriteSession, settings: Settings, actor: Actor, key: str, quarter: Span, code: str,
    verdict: Verdict, text: str | None,
) -> RollEntry:  # fmt: skip
    """Say what becomes of a point, with what the program knew; said again, the last word counts.

    Raises:
        NoRoll, NotThisQuarter, NoScheme, NotAdopted
    """
    roll = _roll(scheme_for(session, key, quarter.last_month).scheme)
    if verdict == "in" and quarter.quarter not in roll.add_in:
        raise NotThisQuarter(
            "points may be added in the quarters {quarters} of a year, not in {quarter}",
            quarters=", ".join(map(str, roll.add_in)), quarter=quarter.name,
        )  # fmt: skip
    known = next((each for each in proposals(session, settings, key, quarter) if each.code == code), None)
    entry = (known.decided if known else None) or RollEntry(scheme=key, period=quarter.name, code=code)
    entry.verdict, entry.text, entry.made_by = verdict, text, actor.name
    entry.because = _because(known)
    session.add(entry)
    session.flush()
    details = {"code": code, "verdict": verdict, "text": text}
    record(session, actor, "score.rolled", f"score/{key}/{quarter.name}", details)
    return entry


def require_quarter(span: Span) -> Span:
    """A span that is a quarter. Raises BadPeriod."""
    if span.grain != "quarter":
        raise BadPeriod("{name} is no quarter; expected one as 2026-Q4", name=span.name)
    return span


def may_add(session: ReadSession, key: str, quarter: Span) -> bool:
    """Whether points may be added in a quarter. Raises NoRoll, NoScheme, NotAdopted."""
    return quarter.quarter in _roll(scheme_for(session, key, quarter.last_month).scheme).add_in


def _because(known: Proposal | None) -> dict[str, Any]:
    if known is None:
        return {}
    months = {name: None if total is None else str(total) for name, total in known.months.items()}
    return {"proposed": known.verdict, "months": months, "failing": known.failing}


def _roll(scheme: Scheme) -> Roll:
    if scheme.roll is None:
        raise NoRoll("the scheme {key} has no `roll`, so it keeps no list of points", key=scheme.key)
    return scheme.roll


def _verdict(
    roll: Roll, quarter: Span, months: dict[str, Decimal | None], failing: int, look_back: bool
) -> Verdict:
    """Out needs every month of the quarter, inspected and good."""
    if look_back:
        return "look_back"
    good = [total for total in months.values() if total is not None and total >= roll.out_at_least]
    if len(good) == len(quarter.months()):
        return "out"
    return "long_failing" if failing >= roll.long_failing else "stays"


def _failing(roll: Roll, totals: dict[str, dict[str, Decimal | None]], code: str, quarter: Span) -> int:
    """Quarters, backwards from this one, in which some month was inspected and below the bar."""
    count, span = 0, quarter
    while True:
        marks = [totals.get(month.name, {}).get(code) for month in span.months()]
        if not any(total is not None and total < roll.out_at_least for total in marks):
            return count
        count, span = count + 1, span.before()


def _totals(session: ReadSession, key: str) -> dict[str, dict[str, Decimal | None]]:
    """Closed month -> point -> total."""
    months = {month.id: month.period for month in closed_months(session, key)}
    rows = session.execute(
        select(ClosedSheet.closed_id, ClosedSheet.code, ClosedSheet.total).where(
            ClosedSheet.closed_id.in_(months)
        )
    )
    found: dict[str, dict[str, Decimal | None]] = {name: {} for name in months.values()}
    for closed_id, code, total in rows:
        found[months[closed_id]][code] = total
    return found


def _entries(session: ReadSession, key: str, quarter: Span) -> Sequence[RollEntry]:
    found = select(RollEntry).where(RollEntry.scheme == key, RollEntry.period == quarter.name)
    return session.scalars(found.order_by(RollEntry.code)).all()


def _left_last_year(session: ReadSession, key: str, quarter: Span) -> set[str]:
    """Points that left the list in the year before: they are looked at again (回头看)."""
    year = year_of(quarter.starts).before()
    names = {quarter_of(month.starts).name for month in year.months()}
    rows = session.scalars(
        select(RollEntry.code).where(
            RollEntry.scheme == key, RollEntry.period.in_(names), RollEntry.verdict == "out"
        )
    )
    return set(rows)
