"""What a document rests on: a period as it stands, and how much of it who asks may see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from streetsight.models.card import Card
from streetsight.service.auth.actor import Actor
from streetsight.service.issues.service import visible
from streetsight.service.issues.tables import Issue
from streetsight.service.scoring.facts import Case, Restoration, SubjectFacts
from streetsight.service.scoring.periods import Result, closed_period, result_of
from streetsight.service.scoring.restoring import NONE_STATES
from streetsight.service.scoring.sheets import Sheet
from streetsight.service.scoring.spans import Span
from streetsight.service.scoring.tables import ScoredIssue
from streetsight.service.scoring.views import seen_codes
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

BLOCK = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject in one month, that who asks may see."""

    month: Result
    facts: SubjectFacts
    sheet: Sheet


@dataclass(frozen=True, eq=False)
class Basis:
    """Attributes:
    result: the period; months: itself, or the closed months of a quarter or year.
    before: totals of the period before, by code; None while that one is not closed.
    subjects: of all months, those that the actor may see.
    issues: of their cases, those that the actor may see, by id.
    reasons: why points were given back, by the subject's code and the number of the issue.
    card: of the release in force; None without one.
    """

    result: Result
    months: Sequence[Result]
    before: Mapping[str, Decimal | None] | None
    subjects: Sequence[Subject]
    issues: Mapping[str, Issue]
    reasons: Mapping[tuple[str, str], str]
    card: Card | None

    @property
    def moment(self) -> datetime:
        """Of the state that is shown: when the period was closed, else when it was looked at."""
        closed = self.result.closed
        if closed is not None:
            return closed.created_at
        seconds = max((each.as_of for each in self.result.facts), default=0)
        return datetime.fromtimestamp(seconds).astimezone()

    @property
    def partial(self) -> bool:
        """Whether some subjects are not the actor's to see."""
        return len(self.subjects) < sum(len(month.sheets) for month in self.months)

    def reasons_of(self, subject: Subject, back: Restoration) -> list[str]:
        """Why points were given back: upheld, not_pursued or withdrawn, each once."""
        return [*dict.fromkeys(self.reasons.get((subject.sheet.code, each), "-") for each in back.issues)]

    def cases(self) -> Iterator[tuple[Subject, Case]]:
        """Cases that the actor may see, with their subject; one that lies in two subjects comes twice."""
        for subject in self.subjects:
            for case in subject.facts.cases:
                if case.id in self.issues:
                    yield subject, case


def basis_of(
    session: ReadSession, settings: Settings, actor: Actor, key: str, span: Span, card: Card | None
) -> Basis:
    """What a document about a period may say to who asks.

    Raises:
        NoScheme, NotAdopted, CalendarLacksYear
    """
    result = result_of(session, settings, key, span)
    months = [result] if span.grain == "month" else _months(session, settings, key, span)
    seen = seen_codes(session, actor, result.scheme.subjects)
    subjects = [
        Subject(month, facts, sheet)
        for month in months
        for facts, sheet in zip(month.facts, month.sheets, strict=True)
        if seen is None or facts.code in seen
    ]
    issues = _issues(session, actor, {case.id for each in subjects for case in each.facts.cases})
    return Basis(
        result, months, _totals_before(session, settings, key, span), subjects, issues,
        _reasons(session, key, subjects), card,
    )  # fmt: skip


def _months(session: ReadSession, settings: Settings, key: str, span: Span) -> list[Result]:
    months = [each for each in span.months() if closed_period(session, key, each) is not None]
    return [result_of(session, settings, key, each) for each in months]


def _totals_before(
    session: ReadSession, settings: Settings, key: str, span: Span
) -> dict[str, Decimal | None] | None:
    if closed_period(session, key, span.before()) is None:
        return None
    before = result_of(session, settings, key, span.before())
    return {sheet.code: sheet.total for sheet in before.sheets}


def _issues(session: ReadSession, actor: Actor, ids: set[str]) -> dict[str, Issue]:
    found: dict[str, Issue] = {}
    for block in blocks(sorted(ids)):
        rows = session.scalars(select(Issue).where(Issue.id.in_(block), visible(actor)))
        found.update((row.id, row) for row in rows)
    return found


def _reasons(session: ReadSession, scheme: str, subjects: Sequence[Subject]) -> dict[tuple[str, str], str]:
    """Code of a subject and number of an issue of it that was none -> upheld, not_pursued or withdrawn."""
    numbers = {number for each in subjects for back in each.facts.restorations for number in back.issues}
    found: dict[tuple[str, str], str] = {}
    for block in blocks(sorted(numbers)):
        rows = session.execute(
            select(ScoredIssue.code, Issue.number, Issue.appeal, Issue.state)
            .join(Issue, Issue.id == ScoredIssue.issue_id)
            .where(ScoredIssue.scheme == scheme, Issue.number.in_(block))
        )
        for code, number, appeal, state in rows:
            if appeal == "upheld" or state in NONE_STATES:
                found[code, number] = "upheld" if appeal == "upheld" else state
    return found


def blocks(rows: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in portions that a query can take."""
    return (rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK))
