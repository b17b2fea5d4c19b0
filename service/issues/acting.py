"""Act on an issue: check, change it, write down what was changed, tell others. All of it, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import to_jsonable_python
from sqlalchemy import select

from streetsight.service.acts import KeyTaken, changes
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.calendar.service import calendar_in_force, deadlines_in_force
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Forbidden
from streetsight.service.files.blobs import digest_of
from streetsight.service.issues.effects import EFFECTS, Case
from streetsight.service.issues.orders import issue_order
from streetsight.service.issues.photos import attach
from streetsight.service.issues.schemas import Asked, Supervise
from streetsight.service.issues.service import find, tell
from streetsight.service.issues.states import Kind, Recorded, after, possible
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

FACTS = (
    "unit", "area_type", "due_at", "clock_limit", "paused_at", "extension", "extensions", "appeal",
    "shelved_until", "reworks", "reopenings", "supervision", "proposal", "answered_at", "closed_at",
    "closed_how", "looked_back_at",
)  # fmt: skip
"""What of an issue an act can change; `IssueAct.before` and `after` hold those that did."""

P = Permission
BY_UNITS: frozenset[Kind] = frozenset({"answer", "return", "ask_extension", "appeal"})
BY_ALL: frozenset[Kind] = frozenset({"comment"})
BY_ANOTHER: Mapping[Kind, Kind] = {
    "grant_extension": "ask_extension", "refuse_extension": "ask_extension", "uphold_appeal": "appeal",
    "refuse_appeal": "appeal", "close": "answer", "rework": "answer",
}  # fmt: skip
"""What nobody does about their own act; an admin may, where there is nobody else."""


class NotPossible(Conflict):
    """An act that cannot be done as the issue stands."""

    code = "not_possible"


class NotYourAct(Forbidden):
    """An act that this role does not do, or not about this issue."""

    code = "not_your_act"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for.

    Attributes:
        version: of the issue, as they have read it.
        key: theirs for this request; the same one again is answered as it was.
    """

    issue: str
    asked: Asked
    version: int
    key: str | None = None

    @property
    def digest(self) -> str:
        """Of all that the key stands for."""
        text = f"{self.issue} {self.version} {self.asked.model_dump_json(exclude_none=True)}"
        return digest_of(text.encode())


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Attributes: new: done now, and not a repetition of an earlier request."""

    act: IssueAct
    issue: Issue
    new: bool
    photos: list[IssuePhoto] = field(default_factory=list)


def act(session: WriteSession, actor: Actor, wish: Wish, settings: Settings) -> Done:
    """Do it.

    Raises:
        NoIssue, ManyIssues, Stale, NotYourAct, NotPossible, KeyTaken, and what `effects` and `photos` raise:
            nothing was changed.
    """
    if (before := _done_before(session, actor, wish)) is not None:
        return before
    kind: Kind = wish.asked.kind
    issue = find(session, actor, wish.issue, lock=True)
    if (before := _done_before(session, actor, wish)) is not None:  # while this one waited
        return before
    _require_may(session, actor, issue, kind)
    require_version(issue.version, wish.version)
    state, was = after(issue, kind), facts(issue)
    if state is None:
        raise NotPossible(
            "issue {number} is {state}; what can be done about it now: {kinds}",
            number=issue.number, state=issue.state,
            kinds=", ".join(possible_for(session, actor, issue)) or "-",
        )  # fmt: skip
    case = _case(session, actor, issue, settings.zone, now())
    issue.state = state
    EFFECTS[kind](case, wish.asked)
    issue.version += 1
    issue.updated_at = case.moment
    done = _written(session, case, wish, was)
    photos = attach(session, actor, issue, done, wish.asked.photos, settings)
    if isinstance(wish.asked, Supervise):
        issue_order(session, actor, issue, done, wish.asked.text, wish.asked.colour, None)
    tell(session, "issue.updated", issue, done)
    record(session, actor, f"issue.{kind}", f"issue/{issue.id}", for_audit(done))
    return Done(done, issue, True, photos)


def _done_before(session: ReadSession, actor: Actor, wish: Wish) -> Done | None:
    earlier = earlier_act(session, actor, wish.key, wish.digest)
    return Done(earlier, session.get_one(Issue, earlier.issue_id), new=False) if earlier else None


def may_do(actor: Actor, issue: Issue, kind: Kind) -> bool:
    """Whether it is this actor's to do, as far as role and unit say; the issue is theirs to see."""
    if kind in BY_ALL:
        return any(may(actor, each) for each in (P.ENTER, P.ANSWER_TASKS, P.MANAGE_ISSUES))
    if kind in BY_UNITS:
        own = actor.role is not Role.HANDLER or actor.unit == issue.unit
        return may(actor, P.ANSWER_TASKS) and own
    return may(actor, P.MANAGE_ISSUES)


def possible_for(session: ReadSession, actor: Actor, issue: Issue) -> tuple[Kind, ...]:
    """Acts that are possible as the issue stands, and this actor's to do."""
    return tuple(
        kind
        for kind in possible(issue)
        if may_do(actor, issue, kind) and _own_act(session, actor, issue, kind) is None
    )


def add_act(
    session: WriteSession,
    actor: Actor,
    issue: Issue,
    kind: Recorded,
    before: Mapping[str, Any],
    *,
    text: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] = {},
    key: str | None = None,
    digest: str | None = None,
) -> IssueAct:
    """A line of the timeline, with what of the issue has changed since `before`."""
    was, became = changes(before, facts(issue))
    row = IssueAct(
        issue_id=issue.id, actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name,
        actor_role=actor.role.value, unit=actor.unit, kind=kind, reason=reason, text=text,
        details=to_jsonable_python(dict(details)),
        before=was, after=became, key=key, key_sha256=digest if key else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def facts(issue: Issue) -> dict[str, Any]:
    """What acts can change, as it is now."""
    return {"state": issue.state, "version": issue.version, **{name: getattr(issue, name) for name in FACTS}}


def earlier_act(session: ReadSession, actor: Actor, key: str | None, digest: str) -> IssueAct | None:
    """What came of this key before. Raises KeyTaken when it stood for something else."""
    if key is None:
        return None
    found = session.scalar(select(IssueAct).where(IssueAct.actor_id == actor.id, IssueAct.key == key))
    if found is not None and found.key_sha256 != digest:
        raise KeyTaken("the Idempotency-Key {key} was used for something else; take a new key", key=key)
    return found


def for_audit(done: IssueAct) -> dict[str, Any]:
    """What the audit log says of an act."""
    return {
        "act": done.id, "reason": done.reason, "text": done.text, "details": done.details,
        "before": done.before, "after": done.after,
    }  # fmt: skip


def _case(session: WriteSession, actor: Actor, issue: Issue, zone: ZoneInfo, moment: datetime) -> Case:
    asked = last_act(session, issue, "ask_extension") if issue.extension else None
    return Case(
        session, actor, issue, issue.state, moment, zone, calendar_in_force(session, zone),
        deadlines_in_force(session), dict(asked.details) if asked else {},
    )  # fmt: skip


def last_act(session: ReadSession, issue: Issue, kind: Recorded) -> IssueAct | None:
    """The newest act of a kind."""
    found = select(IssueAct).where(IssueAct.issue_id == issue.id, IssueAct.kind == kind)
    return session.scalars(found.order_by(IssueAct.id.desc()).limit(1)).first()


def _written(session: WriteSession, case: Case, wish: Wish, before: Mapping[str, Any]) -> IssueAct:
    asked = wish.asked
    details = asked.model_dump(
        mode="json", exclude={"kind", "text", "photos", "reason"}, exclude_none=True, exclude_defaults=True
    )
    return add_act(
        session, case.actor, case.issue, asked.kind, before, text=asked.text,
        reason=getattr(asked, "reason", None), details={**details, **case.notes}, key=wish.key,
        digest=wish.digest,
    )  # fmt: skip


def _require_may(session: ReadSession, actor: Actor, issue: Issue, kind: Kind) -> None:
    """Raises NotYourAct."""
    if not may_do(actor, issue, kind):
        raise NotYourAct(
            "{kind} is not for the role {role} here; what you can do about issue {number}: {kinds}",
            kind=kind, role=actor.role, number=issue.number,
            kinds=", ".join(possible_for(session, actor, issue)) or "-",
        )  # fmt: skip
    first = _own_act(session, actor, issue, kind)
    if first is not None:
        raise NotYourAct(
            "you have done {first} yourself, so somebody else has to do {kind}", first=first.kind, kind=kind
        )


def _own_act(session: ReadSession, actor: Actor, issue: Issue, kind: Kind) -> IssueAct | None:
    """What this actor has done, so that somebody else has to decide about it; None where there is none."""
    if kind not in BY_ANOTHER or actor.role is Role.ADMIN:
        return None
    first = last_act(session, issue, BY_ANOTHER[kind])
    return first if first is not None and first.actor_id == actor.id else None
