"""Tables of schemes, closed periods, and what was brought in for them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Exact, Json

KEY_LENGTH, CODE_LENGTH = 40, 40


class SchemeVersion(Row):
    """A scheme as it was written. It counts from the month that it is adopted for; drafts count for nothing.

    Attributes:
        key: of the scheme; number: of this version of it.
        document: see `schemes.Scheme`; sha256: of its canonical JSON.
        made_by, reason: who brought it in, and why.
        adopted_from: first month that goes by it, its first day; None while it is a draft.
    """

    __tablename__ = "scheme_versions"
    __table_args__ = (UniqueConstraint("key", "number"),)

    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    number: Mapped[int]
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    sha256: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    adopted_from: Mapped[date | None] = mapped_column(Date)
    adopted_at: Mapped[datetime | None]
    adopted_by: Mapped[str | None] = mapped_column(String(200))


class ClosedPeriod(Row):
    """A month, quarter or year that was closed: frozen facts and the sheets that follow from them.

    Attributes:
        scheme: key; version: of the scheme that it was scored by.
        period: `2026-11`, `2026-Q4`, `2026`; starts, ends: its first day, and the first one after it.
        ends_at: the first moment after it, by the city's clock.
        facts_sha256, sheets_sha256: over all subjects, in the order of their codes.
        reopened_at, reopened_by, reopened_why: it counts no more; the next closing is another row.
    """

    __tablename__ = "closed_periods"
    __table_args__ = (
        Index(None, "scheme", "starts"),
        Index(
            "uq_closed_periods_in_force", "scheme", "period", unique=True,
            sqlite_where=text("reopened_at IS NULL"), postgresql_where=text("reopened_at IS NULL"),
        ),
    )  # fmt: skip

    scheme: Mapped[str] = mapped_column(String(KEY_LENGTH))
    version: Mapped[int]
    grain: Mapped[str] = mapped_column(String(10))
    period: Mapped[str] = mapped_column(String(10))
    starts: Mapped[date] = mapped_column(Date)
    ends: Mapped[date] = mapped_column(Date)
    ends_at: Mapped[datetime]
    subjects: Mapped[int]
    facts_sha256: Mapped[str] = mapped_column(String(64))
    sheets_sha256: Mapped[str] = mapped_column(String(64))
    closed_by: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text)
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[str | None] = mapped_column(String(200))
    reopened_why: Mapped[str | None] = mapped_column(Text)


class ClosedSheet(Base):
    """One subject of a closed period. facts, sheet: packed `SubjectFacts` and `Sheet`; never changed."""

    __tablename__ = "closed_sheets"

    closed_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("closed_periods.id"), primary_key=True
    )
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    total: Mapped[Decimal | None] = mapped_column(Exact)
    facts: Mapped[bytes] = mapped_column(LargeBinary)
    sheet: Mapped[bytes] = mapped_column(LargeBinary)


class ScoredIssue(Base):
    """An issue that a closed month has counted, and what that took: it is never counted in another one.

    Attributes:
        stage: 1 for finding it, else the act that showed it was not put right.
        points: that it took in the sheet of `code`, as marks of its item; 0 when it took nothing.
        restored_id: of the closed month that gave back what it took, when it turned out to be none.
    """

    __tablename__ = "scored_issues"
    __table_args__ = (Index(None, "issue_id"), Index(None, "closed_id"))

    scheme: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(CODE_LENGTH), primary_key=True)
    stage: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    closed_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("closed_periods.id"))
    points: Mapped[Decimal] = mapped_column(Exact)
    restored_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("closed_periods.id"))


class ScoreFigure(Row):
    """A number from elsewhere for one subject and period; of several the newest counts.

    Attributes:
        source: file and line, or who typed it.
    """

    __tablename__ = "score_figures"
    __table_args__ = (Index(None, "scheme", "period", "code"),)

    scheme: Mapped[str] = mapped_column(String(KEY_LENGTH))
    period: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    key: Mapped[str] = mapped_column(String(40))
    value: Mapped[Decimal] = mapped_column(Exact)
    source: Mapped[str] = mapped_column(String(300))
    made_by: Mapped[str] = mapped_column(String(200))


class ScoreEntry(Row):
    """Points by hand for a manual rule. Withdrawn, it stays and counts no more.

    Attributes:
        rule: `part.item.rule` of the scheme.
    """

    __tablename__ = "score_entries"
    __table_args__ = (Index(None, "scheme", "period", "code"),)

    scheme: Mapped[str] = mapped_column(String(KEY_LENGTH))
    period: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    rule: Mapped[str] = mapped_column(String(130))
    points: Mapped[Decimal] = mapped_column(Exact)
    reason: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(200))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(200))


class InspectionDay(Base):
    """A day on which an inspection was announced (明察); all others are ordinary days."""

    __tablename__ = "inspection_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    note: Mapped[str] = mapped_column(String(300))
    made_by: Mapped[str] = mapped_column(String(200))


class RollEntry(Row):
    """What a quarter did to the list of problem points: who said so, and why.

    Attributes:
        verdict: in, out, stays, look_back, long_failing.
        because: totals of the months, quarters below the bar, ...
    """

    __tablename__ = "roll_entries"
    __table_args__ = (UniqueConstraint("scheme", "period", "code"),)

    scheme: Mapped[str] = mapped_column(String(KEY_LENGTH))
    period: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(CODE_LENGTH))
    verdict: Mapped[str] = mapped_column(String(20))
    because: Mapped[dict[str, Any]] = mapped_column(Json)
    text: Mapped[str | None] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(200))
