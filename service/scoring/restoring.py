"""What closed months took for issues that turned out to be none, and what is given back for them.

A closed month stays as it is. What it took comes back in the first open month: as much as its total would be
higher without those issues, which is reckoned from its frozen facts, so that caps, floors and neighbours at
the same place are what they were.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from decimal import Decimal

import msgspec
from sqlalchemy import or_, select

from streetsight.service.issues.tables import Issue
from streetsight.service.scoring.facts import Case, Restoration, SubjectFacts, unpacked
from streetsight.service.scoring.scoring import score
from streetsight.service.scoring.tables import ClosedPeriod, ClosedSheet, ScoredIssue
from streetsight.service.scoring.versions import made, version_of
from streetsight.service.store.sessions import ReadSession

NONE_STATES = ("withdrawn", "not_pursued")


def restorations(session: ReadSession, scheme: str, before: date) -> dict[str, list[Restoration]]:
    """Subject -> what months before a day have to give back and have not yet."""
    found: dict[str, list[Restoration]] = defaultdict(list)
    for (closed_id, code), issues in sorted(_unjust(session, scheme, before).items()):
        closed = session.get_one(ClosedPeriod, closed_id)
        points = _points(session, closed, code, issues)
        if points:
            numbers = tuple(sorted(number for number, _ in issues.values()))
            found[code].append(Restoration(period=closed.period, issues=numbers, points=points))
    return found


def mark_restored(
    session: ReadSession, scheme: str, before: date, closed_id: str, scored: Collection[str]
) -> None:
    """Remember which month has given back what was taken.

    Args:
        scored: subjects that have a total in it; the others get theirs back when they have one.
    """
    for (month_id, code), issues in _unjust(session, scheme, before).items():
        if code not in scored:
            continue
        rows = session.scalars(
            select(ScoredIssue).where(
                ScoredIssue.closed_id == month_id, ScoredIssue.code == code,
                ScoredIssue.issue_id.in_(issues), ScoredIssue.restored_id.is_(None),
            )
        )  # fmt: skip
        for row in rows:
            row.restored_id = closed_id


def without(facts: SubjectFacts, issues: Collection[str]) -> SubjectFacts:
    """Facts in which some issues are none."""

    def plain(case: Case) -> Case:
        return msgspec.structs.replace(case, void=case.void or "upheld") if case.id in issues else case

    return msgspec.structs.replace(
        facts, cases=tuple(map(plain, facts.cases)),
        followups=tuple(msgspec.structs.replace(each, case=plain(each.case)) for each in facts.followups),
    )  # fmt: skip


def _unjust(
    session: ReadSession, scheme: str, before: date
) -> dict[tuple[str, str], dict[str, tuple[str, bool]]]:
    """(closed month, subject) -> issues that were none, with number and whether they were restored already.

    Only where there is something new to restore.
    """
    none = or_(Issue.state.in_(NONE_STATES), Issue.appeal == "upheld")
    rows = session.execute(
        select(ScoredIssue.closed_id, ScoredIssue.code, Issue.id, Issue.number, ScoredIssue.restored_id)
        .join(Issue, Issue.id == ScoredIssue.issue_id)
        .join(ClosedPeriod, ClosedPeriod.id == ScoredIssue.closed_id)
        .where(none, ScoredIssue.scheme == scheme, ClosedPeriod.starts < before)
    )
    found: dict[tuple[str, str], dict[str, tuple[str, bool]]] = defaultdict(dict)
    for closed_id, code, issue_id, number, restored_id in rows:
        found[closed_id, code][issue_id] = (number, restored_id is not None)
    return {key: issues for key, issues in found.items() if not all(done for _, done in issues.values())}


def _points(
    session: ReadSession, closed: ClosedPeriod, code: str, issues: dict[str, tuple[str, bool]]
) -> Decimal:
    """What the total lacks because of those issues that were not restored yet."""
    sheet = session.get_one(ClosedSheet, (closed.id, code))
    scheme = made(version_of(session, closed.scheme, closed.version))
    facts = unpacked(sheet.facts, SubjectFacts)
    done = [issue for issue, (_, restored) in issues.items() if restored]
    totals = [
        score(scheme, closed.version, closed.period, without(facts, chosen)).total
        for chosen in (done, list(issues))
    ]
    was, would_be = totals
    return Decimal(0) if was is None or would_be is None else would_be - was
