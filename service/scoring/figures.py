"""Numbers from elsewhere, points by hand, and days of announced inspections: brought in, checked, kept.

code,key,value
A1,satisfaction,86.5
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from sqlalchemy import delete, select

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.scoring.gathering import subjects_of
from streetsight.service.scoring.periods import closed_period
from streetsight.service.scoring.schemes import Manual, Scheme
from streetsight.service.scoring.spans import BadPeriod, Span, span_of
from streetsight.service.scoring.tables import InspectionDay, ScoreEntry, ScoreFigure
from streetsight.service.scoring.turns import bring_something, say_days
from streetsight.service.scoring.versions import MonthClosed, scheme_for
from streetsight.service.scoring.views import seen_codes
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

COLUMNS = ("code", "key", "value")
LARGEST = Decimal(10) ** 12
NAMED = 10

Brought = TypeVar("Brought", ScoreEntry, ScoreFigure)


class FiguresRefused(Invalid):
    """A file of figures with lines that cannot be used; the message names up to ten."""

    code = "figures_refused"
    lines: Sequence["BadLine"] = ()

    def say(self, language: Language) -> str:
        return "; ".join([super().say(language), *(each.say(language) for each in self.lines[:NAMED])])

    def places(self, language: Language) -> Sequence[tuple[str, str]]:
        return [(f"line {each.line}", each.say(language)) for each in self.lines]


class EntryRefused(Invalid):
    """Points by hand that no rule allows."""

    code = "entry_refused"


class NoEntry(NotFound):
    """No points by hand of this id."""

    code = "no_entry"


class BadLine(SpokenError):
    """A line of a file that cannot be used. Attributes: line: its number."""

    def __init__(self, message: str, /, line: int, **values: object) -> None:
        super().__init__(message, line=line, **values)
        self.line = line


@dataclass(frozen=True, slots=True)
class FigureRead:
    """A line of a file."""

    line: int
    code: str
    key: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class FiguresRead:
    """Attributes: problems: lines that are left out."""

    figures: Sequence[FigureRead]
    problems: Sequence[BadLine]


def read_figures(text: str, known_codes: set[str], known_keys: set[str]) -> FiguresRead:
    """Figures of a CSV file, with a byte order mark or without.

    Raises:
        FiguresRefused: it has no head with code, key and value.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise FiguresRefused(
            "expected a first line with the columns {columns}; got {got}",
            columns=", ".join(COLUMNS), got=", ".join(rows.fieldnames or ()) or "nothing",
        )  # fmt: skip
    found, problems = list[FigureRead](), list[BadLine]()
    for row in rows:
        try:
            found.append(_read_line(rows.line_num, row, known_codes, known_keys))
        except BadLine as bad:
            problems.append(bad)
    return FiguresRead(found, problems)


def check(session: ReadSession, settings: Settings, key: str, span: Span, text: str) -> FiguresRead:
    """What a file of figures would bring in. Raises FiguresRefused, MonthClosed, NoScheme, NotAdopted."""
    scheme = _open(session, key, span)
    codes = {place.code for place in subjects_of(session, scheme.subjects, span.moments(settings.zone))}
    return read_figures(text, codes, wanted_figures(scheme, span))


def bring_in(
    session: WriteSession, settings: Settings, actor: Actor, key: str, span: Span, text: str, name: str,
    keep_good: bool,
) -> FiguresRead:  # fmt: skip
    """Keep the figures of a file for a period; of several for one subject the newest counts.

    Args:
        name: of the file, for the sheet.
        keep_good: take the good lines although others are bad.

    Raises:
        FiguresRefused, MonthClosed, NoScheme, NotAdopted: nothing was kept.
    """
    bring_something(session, key)
    read = check(session, settings, key, span, text)
    if read.problems and not keep_good:
        refused = FiguresRefused(
            "{count} lines cannot be used, and nothing was kept; mend them, or take the good ones alone "
            "(--keep-good, keep_good=true)",
            count=len(read.problems),
        )
        refused.lines = read.problems
        raise refused
    session.add_all(
        ScoreFigure(
            scheme=key, period=span.name, code=each.code, key=each.key, value=each.value,
            source=f"{name}:{each.line}", made_by=actor.name,
        )
        for each in read.figures
    )  # fmt: skip
    details = {"file": name, "figures": len(read.figures), "left_out": len(read.problems)}
    record(session, actor, "score.figures", f"score/{key}/{span.name}", details)
    return read


def wanted_figures(scheme: Scheme, span: Span) -> set[str]:
    """Names of the figures that a period of this length goes by."""
    if span.grain == "month":
        return scheme.figures()
    return set((scheme.quarter if span.grain == "quarter" else scheme.year).figures)


def enter(
    session: WriteSession,
    settings: Settings,
    actor: Actor,
    key: str,
    span: Span,
    code: str,
    rule: str,
    points: Decimal,
    reason: str,
) -> ScoreEntry:
    """Points by hand, by a manual rule of the scheme and within its bounds.

    Args:
        rule: `part.item.rule`.

    Raises:
        EntryRefused, MonthClosed, NoScheme, NotAdopted
    """
    bring_something(session, key)
    scheme = _open(session, key, span)
    subjects = subjects_of(session, scheme.subjects, span.moments(settings.zone))
    if code not in {place.code for place in subjects}:
        raise EntryRefused("{code} is no subject of the scheme {key} in {period}", code=code, key=key,
                           period=span.name)  # fmt: skip
    known = manual_rules(scheme)
    if rule not in known:
        raise EntryRefused(
            "there is no manual rule {rule}; the scheme has: {known}",
            rule=rule,
            known=", ".join(known) or "-",
        )
    allowed = known[rule]
    if not allowed.lowest <= points <= allowed.highest:
        raise EntryRefused(
            "{points} points: the rule {rule} allows {lowest} to {highest}",
            points=points, rule=rule, lowest=allowed.lowest, highest=allowed.highest,
        )  # fmt: skip
    entry = ScoreEntry(
        scheme=key, period=span.name, code=code, rule=rule, points=points, reason=reason, made_by=actor.name
    )
    session.add(entry)
    session.flush()
    details = {"code": code, "rule": rule, "points": str(points), "reason": reason}
    record(session, actor, "score.entered", f"score/{key}/{span.name}", details)
    return entry


def manual_rules(scheme: Scheme) -> dict[str, Manual]:
    """Rules by which people give or take points, by `part.item.rule`."""
    return {f"{item}.{each.key}": each for item, _, each in scheme.rules() if isinstance(each, Manual)}


def withdraw(session: WriteSession, actor: Actor, key: str, period: str, entry_id: str) -> ScoreEntry:
    """Points by hand that are not to count; the entry stays. Raises NoEntry, MonthClosed."""
    bring_something(session, key)
    entry = session.get(ScoreEntry, entry_id, with_for_update=True)
    if entry is None or (entry.scheme, entry.period) != (key, period):
        raise NoEntry("there are no points by hand {id}", id=entry_id)
    _require_open(session, entry.scheme, span_of(entry.period))
    if entry.withdrawn_at is None:
        entry.withdrawn_at, entry.withdrawn_by = now(), actor.name
        record(session, actor, "score.withdrawn", f"score/{entry.scheme}/{entry.period}", {"entry": entry_id})
    return entry


def entries_of(session: ReadSession, actor: Actor, key: str, span: Span) -> list[ScoreEntry]:
    """Points by hand of a period for what the actor may see, also withdrawn ones, in order.

    Raises:
        NoScheme, NotAdopted
    """
    found = select(ScoreEntry).where(ScoreEntry.scheme == key, ScoreEntry.period == span.name)
    return _seen(session, actor, key, span, session.scalars(found.order_by(ScoreEntry.id)))


def figures_of(session: ReadSession, actor: Actor, key: str, span: Span) -> list[ScoreFigure]:
    """Figures of a period for what the actor may see, by subject and key; the last of each counts.

    Raises:
        NoScheme, NotAdopted
    """
    found = select(ScoreFigure).where(ScoreFigure.scheme == key, ScoreFigure.period == span.name)
    order = ScoreFigure.code, ScoreFigure.key, ScoreFigure.id
    return _seen(session, actor, key, span, session.scalars(found.order_by(*order)))


def _seen(session: ReadSession, actor: Actor, key: str, span: Span, rows: Iterable[Brought]) -> list[Brought]:
    codes = seen_codes(session, actor, scheme_for(session, key, span.last_month).scheme.subjects)
    return [row for row in rows if codes is None or row.code in codes]


def announce(session: WriteSession, actor: Actor, days: Sequence[tuple[date, str]], month: Span) -> None:
    """The days of a month on which inspections were announced, in place of those that were said before.

    Raises:
        BadPeriod: a day of another month.
    """
    for day, _ in days:
        if not month.starts <= day < month.ends:
            raise BadPeriod("{day} is not in {month}", day=day.isoformat(), month=month.name)
    say_days(session)
    inside = InspectionDay.day >= month.starts, InspectionDay.day < month.ends
    session.execute(delete(InspectionDay).where(*inside))
    session.add_all(InspectionDay(day=day, note=note, made_by=actor.name) for day, note in dict(days).items())
    said = [day.isoformat() for day, _ in days]
    record(session, actor, "score.inspection_days", f"month/{month.name}", {"days": said})


def announced_days(session: ReadSession, month: Span) -> list[InspectionDay]:
    """Days of a month on which inspections were announced."""
    inside = InspectionDay.day >= month.starts, InspectionDay.day < month.ends
    return list(session.scalars(select(InspectionDay).where(*inside).order_by(InspectionDay.day)))


def _read_line(
    line: int, row: dict[str, str | None], known_codes: set[str], known_keys: set[str]
) -> FigureRead:
    """Raises BadLine."""
    code, key, value = ((row[name] or "").strip() for name in COLUMNS)
    if code not in known_codes:
        raise BadLine(
            "line {line}: code {code} is no subject of the scheme in this period", line, code=code or '""'
        )
    if key not in known_keys:
        known = ", ".join(sorted(known_keys)) or "-"
        raise BadLine("line {line}: key {key}: expected one of {known}", line, key=key or '""', known=known)
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise BadLine(
            "line {line}: value {value}: expected a number as 86.5", line, value=value or '""'
        ) from error
    if not number.is_finite() or abs(number) > LARGEST:
        raise BadLine(
            "line {line}: value {value}: expected a number up to {most}", line, value=value, most=LARGEST
        )
    return FigureRead(line, code, key, number)


def _open(session: ReadSession, key: str, span: Span) -> Scheme:
    _require_open(session, key, span)
    return scheme_for(session, key, span.last_month).scheme


def _require_open(session: ReadSession, key: str, span: Span) -> None:
    if closed_period(session, key, span) is not None:
        raise MonthClosed(
            "{period} of the scheme {key} is closed; reopen it first", period=span.name, key=key
        )
