"""Day by day, week by week, month by month: what was found, what became of it, and where most of it is."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from streetsight.service.scoring.facts import Case, SubjectFacts

By = Literal["day", "week", "month"]
HOT = 5


@dataclass(slots=True)
class Beat:
    """A day, week or month. Attributes: period: `2026-11-22`, `2026-W47` or `2026-11`; hot: code -> cases."""

    period: str
    cases: int = 0
    closed: int = 0
    overdue: int = 0
    by_condition: Counter[str] = field(default_factory=Counter)
    hot: Counter[str] = field(default_factory=Counter)


def rhythm(facts: Iterable[SubjectFacts], by: By, zone: ZoneInfo) -> list[Beat]:
    """Beats in order of time, those without cases between the first and the last included.

    A case counts on the day that it was found; one that lies in several subjects counts once, and is hot in
    each. Void cases count nowhere.
    """
    cases: dict[str, tuple[Case, list[str]]] = {}
    as_of = 0
    for subject in facts:
        as_of = max(as_of, subject.as_of)
        for case in subject.cases:
            if case.void is None:
                cases.setdefault(case.id, (case, []))[1].append(subject.code)
    beats: dict[str, Beat] = {}
    days = {case.id: datetime.fromtimestamp(case.found_at, zone).date() for case, _ in cases.values()}
    for name in _names(sorted(days.values()), by):
        beats[name] = Beat(name)
    for case, codes in cases.values():
        _count(beats[_name(days[case.id], by)], case, codes, as_of)
    return list(beats.values())


def hottest(beat: Beat) -> dict[str, int]:
    """The subjects with the most cases; ties by code."""
    return dict(sorted(beat.hot.items(), key=lambda each: (-each[1], each[0]))[:HOT])


def _count(beat: Beat, case: Case, codes: Sequence[str], as_of: int) -> None:
    handled = min((each for each in (case.answered_at, case.closed_at) if each is not None), default=as_of)
    beat.cases += 1
    beat.closed += case.closed_at is not None
    beat.overdue += case.due_at is not None and case.due_at < handled
    beat.by_condition[case.tags.get("condition", "other")] += 1
    beat.hot.update(codes)


def _names(days: Sequence[date], by: By) -> Iterable[str]:
    if not days:
        return []
    span = (days[-1] - days[0]).days
    found: dict[str, list[date]] = defaultdict(list)
    for ahead in range(span + 1):
        day = days[0] + timedelta(days=ahead)
        found[_name(day, by)].append(day)
    return found


def _name(day: date, by: By) -> str:
    if by == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return day.isoformat() if by == "day" else f"{day:%Y-%m}"
