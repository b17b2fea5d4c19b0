"""Tables of issues, of what was done about them, and of the photos and orders that belong to them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.issues.states import Hanging
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json, now


class Issue(Row):
    """A confirmed candidate. It follows the candidate's corrections, and outlives an undone confirmation.

    Attributes:
        number: of the day and of the outermost area, as people quote it: 20261122-000123.
        district: code of that outermost area; "" outside all of them.
        source: of the candidate: patrol, citizen, hotline or inspector.
        state: see `states.py`.
        unit: who has to handle it (责任单位); None until someone says so. Others: `IssueUnit`.
        lon, lat: WGS-84; None when nobody knows.
        place: where it is, in words; description: what it is.
        area_type: kind of street, by the city's own word, as deadlines may ask for it.
        best_frame_id, best_box: where it is seen best; pixels of the upright original.
        confirmed_by_id, confirmed_by: who confirmed it, by the name of then.
        closed_how: on_spot, checked or found_gone.
        clock_limit: of its task, {"clock", "amount"}, see `calendar.clocks.Limit`; None without a deadline.
        due_at: when the task must be answered; what pauses add comes with their end.
        paused_at: since when the clock stands still, by an act, an answer or shelving.
        extension, appeal: asked or open ones, and how an appeal ended.
        extensions, reworks, reopenings: how many there were.
        shelved_until, shelved_from: when to look again, and the state before.
        supervision: colour of the order in force.
        proposal: close, rework or reopen, by what a later pass has seen; a person decides.
        attention_at: when the clock has to be looked at next; None while it stands still.
        overdue_told: the deadline whose passing was told.
        news: counts what came without an act of a person, which is in nobody's way who acts.
        version: counts changes; the ETag.
    """

    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("district", "number"),
        Index(None, "number"),
        Index(None, "area_path", "id"),
        Index(None, "state", "id"),
        Index(None, "condition", "id"),
        Index(None, "unit", "id"),
        Index(None, "lat", "lon"),
        Index(None, "due_at", "id"),
        Index(None, "attention_at"),
        Index(None, "confirmed_by_id", "id"),
        Index(None, "confirmed_at"),
        Index(None, "appeal"),
    )

    number: Mapped[str] = mapped_column(String(20))
    district: Mapped[str] = mapped_column(String(40))
    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"), unique=True)
    source: Mapped[str] = mapped_column(String(10), default="patrol")
    state: Mapped[str] = mapped_column(String(20), default="filed")
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    area_type: Mapped[str | None] = mapped_column(String(40))
    condition: Mapped[str] = mapped_column(String(60))
    class_name: Mapped[str | None] = mapped_column(String(60))
    code: Mapped[dict[str, Any] | None] = mapped_column(Json)
    severity: Mapped[str | None] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    place: Mapped[str | None] = mapped_column(String(500))
    description: Mapped[str | None] = mapped_column(Text)
    best_frame_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    best_box: Mapped[list[float] | None] = mapped_column(Json)
    confirmed_at: Mapped[datetime]
    confirmed_by_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    confirmed_by: Mapped[str] = mapped_column(String(200))
    dispatched_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_how: Mapped[str | None] = mapped_column(String(20))
    looked_back_at: Mapped[datetime | None]
    clock_limit: Mapped[dict[str, Any] | None] = mapped_column(Json)
    due_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    extension: Mapped[str | None] = mapped_column(String(10))
    extensions: Mapped[int] = mapped_column(default=0)
    appeal: Mapped[str | None] = mapped_column(String(10))
    shelved_until: Mapped[date | None] = mapped_column(Date)
    shelved_from: Mapped[str | None] = mapped_column(String(20))
    reworks: Mapped[int] = mapped_column(default=0)
    reopenings: Mapped[int] = mapped_column(default=0)
    supervision: Mapped[str | None] = mapped_column(String(20))
    proposal: Mapped[str | None] = mapped_column(String(10))
    proposed_because: Mapped[dict[str, Any] | None] = mapped_column(Json)
    proposed_at: Mapped[datetime | None]
    attention_at: Mapped[datetime | None]
    overdue_told: Mapped[datetime | None]
    news: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    def hangs(self, what: Hanging) -> bool:
        """Whether this hangs on it; see `states.NEEDS`."""
        return {
            "extension": self.extension is not None,
            "appeal": self.appeal == "open",
            "pause": self.paused_at is not None,
            "deadline": self.due_at is not None,
            "supervision": self.supervision is not None,
            "proposal": self.proposal is not None,
        }[what]


class IssueUnit(Base):
    """A unit that co-operates (配合单位): it sees the issue and comments; the lead unit answers."""

    __tablename__ = "issue_units"
    __table_args__ = (Index(None, "unit"),)

    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(100), primary_key=True)


class IssueAct(Row):
    """What somebody did about an issue. Never changed or deleted, which the database sees to.

    Attributes:
        actor_kind, actor_id, actor_name, actor_role, unit: who; name, role and unit as they were then.
        kind: see `states.Recorded`.
        reason: a code of `reasons.toml`, where the kind has some.
        text: in their own words.
        details: what was asked for: unit, limit, day, colour, ...
        before, after: what of the issue changed; `version` and `state` are always among them.
        key, key_sha256: the Idempotency-Key, and the digest of what was asked with it.
    """

    __tablename__ = "issue_acts"
    __table_args__ = (
        Index(None, "issue_id", "id"),
        Index(None, "kind", "id"),
        UniqueConstraint("actor_id", "key"),
    )

    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    actor_name: Mapped[str] = mapped_column(String(200))
    actor_role: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(Json)
    after: Mapped[dict[str, Any]] = mapped_column(Json)
    key: Mapped[str | None] = mapped_column(String(200))
    key_sha256: Mapped[str | None] = mapped_column(String(64))


class IssuePhoto(Row):
    """A photo that came with an act.

    Attributes:
        lon, lat, position_source: where it was taken and who says so; None when nobody knows.
        distance_m: from the place shown by the issue.
        warning: no_position, no_place (the issue has none), far; None when it was taken there.
    """

    __tablename__ = "issue_photos"
    __table_args__ = (Index(None, "issue_id", "id"), Index(None, "frame_id"), Index(None, "act_id"))

    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"))
    act_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issue_acts.id"))
    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("frames.id"))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    position_source: Mapped[str | None] = mapped_column(String(10))
    taken_at: Mapped[datetime | None]
    distance_m: Mapped[float | None]
    warning: Mapped[str | None] = mapped_column(String(20))


class Supervision(Row):
    """A supervision order (督办单): what a printed one says is here.

    Attributes:
        number: of the issue and a counter, 20261122-000123-1.
        colour: white, yellow or red.
        step: the configured step that was reached; None when a person ordered it.
        due_at: the deadline of then; unit: who had to handle it then.
        ended_at, ended_text: when and by what it was struck off (销号).
    """

    __tablename__ = "supervisions"
    __table_args__ = (
        UniqueConstraint("issue_id", "ordinal"),
        Index(None, "colour", "id"),
        Index(None, "ended_at"),
    )

    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"))
    ordinal: Mapped[int]
    number: Mapped[str] = mapped_column(String(30))
    act_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issue_acts.id"))
    colour: Mapped[str] = mapped_column(String(20))
    step: Mapped[str | None] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    unit: Mapped[str | None] = mapped_column(String(100))
    due_at: Mapped[datetime | None]
    issued_by_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    issued_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]
    ended_text: Mapped[str | None] = mapped_column(Text)


class IssueCount(Base):
    """How many issues of a day have a number, by outermost area."""

    __tablename__ = "issue_counts"

    district: Mapped[str] = mapped_column(String(40), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]
