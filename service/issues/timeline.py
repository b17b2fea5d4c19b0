"""An issue with what hangs on it, and its timeline: acts, decisions of its candidate, later passes."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.candidates.tables import CandidateRecheck
from streetsight.service.decisions import reasons as of_decisions
from streetsight.service.decisions.service import decisions_of
from streetsight.service.decisions.tables import Decision
from streetsight.service.groupings.schemas import GroupShown
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues import words
from streetsight.service.issues.acting import Done, possible_for
from streetsight.service.issues.orders import orders_of
from streetsight.service.issues.photos import say_warning
from streetsight.service.issues.reasons import reasons
from streetsight.service.issues.schemas import (
    ActMade,
    ActShown,
    IssueDetail,
    KindShown,
    LimitShown,
    PhotoShown,
    PlaceNamed,
    SupervisionShown,
    fields_of,
    photo_shown,
)
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto, IssueUnit
from streetsight.service.places.membership import places_of
from streetsight.service.store.sessions import ReadSession


def detail(session: ReadSession, actor: Actor, issue: Issue, language: Language) -> IssueDetail:
    """An issue that the actor may see, with what hangs on it and what they can do."""
    units = select(IssueUnit.unit).where(IssueUnit.issue_id == issue.id).order_by(IssueUnit.unit)
    photos = _photos(session, issue.id, _acts(session, actor, issue.id), language)
    orders = orders_of(session, issue.id) if may(actor, Permission.READ_STREET_ENTRIES) else []
    because = issue.proposed_because if issue.proposal else None
    says = {**because, "says": words.say_proposal(because, language)} if because else None
    return IssueDetail.model_validate(
        {
            **fields_of(issue),
            "proposed_because": says,
            "places": [
                PlaceNamed.model_validate(each, from_attributes=True) for each in places_of(session, issue.id)
            ],
            "groups": GroupShown.all_of(
                groupings_in_force(session), issue.condition, issue.class_name, issue.code, language
            ),
            "co_units": list(session.scalars(units)),
            "limit": LimitShown.of(issue.clock_limit, language),
            "possible": [
                KindShown(kind=kind, label=words.say_of(words.ACTS[kind], language))
                for kind in possible_for(session, actor, issue)
            ],
            "photos": [each for some in photos.values() for each in some],
            "supervisions": [SupervisionShown.of(each) for each in orders],
        }
    )


def timeline(session: ReadSession, actor: Actor, issue: Issue, language: Language) -> list[ActShown]:
    """All that was done and seen, the first one first. Outsiders see what outsiders did."""
    acts = _acts(session, actor, issue.id)
    photos = _photos(session, issue.id, acts, language)
    shown = [act_shown(each, photos.get(each.id, []), language) for each in acts]
    decided = decisions_of(session, actor, issue.candidate_id)
    shown += [_decision_shown(each, language) for each in decided]
    passes = select(CandidateRecheck).where(CandidateRecheck.candidate_id == issue.candidate_id)
    shown += [_recheck_shown(each, language) for each in session.scalars(passes)]
    return sorted(shown, key=lambda each: (each.at, each.id))


def made(session: ReadSession, actor: Actor, done: Done, language: Language) -> ActMade:
    """An act as it is answered."""
    photos = _photos(session, done.issue.id, [done.act], language).get(done.act.id, [])
    return ActMade(
        act=act_shown(done.act, photos, language), issue=detail(session, actor, done.issue, language),
        warnings=[each.says for each in photos if each.says],
    )  # fmt: skip


def act_shown(act: IssueAct, photos: list[PhotoShown], language: Language) -> ActShown:
    """A line of the timeline."""
    reason = reasons().get(act.reason or "")
    return ActShown(
        id=act.id, at=act.created_at, what="act", kind=act.kind,
        label=words.say_of(words.ACTS[act.kind], language),  # type: ignore[index]
        by=act.actor_name, role=act.actor_role, unit=act.unit, reason=act.reason,
        reason_text=reason.say(language) if reason else None, text=act.text, details=act.details,
        before=act.before, after=act.after, photos=photos,
    )  # fmt: skip


def _decision_shown(decision: Decision, language: Language) -> ActShown:
    reason = of_decisions.reasons().get(decision.reason or "")
    return ActShown(
        id=decision.id, at=decision.created_at, what="decision", kind=decision.kind,
        label=words.say_of(words.DECISIONS[decision.kind], language),  # type: ignore[index]
        by=decision.actor_name, role=decision.actor_role, unit=None, reason=decision.reason,
        reason_text=reason.say(language) if reason else None, text=decision.text, details={},
        before=decision.before, after=decision.after, photos=[],
    )  # fmt: skip


def _recheck_shown(row: CandidateRecheck, language: Language) -> ActShown:
    names = ("gone", "matched", "covered", "missed", "present_before", "patrol_id", "sighting_id", "frames")
    said = words.RECHECKS.get(row.outcome, (row.outcome, row.outcome))
    return ActShown(
        id=row.id, at=row.at, what="recheck", kind=row.outcome, label=words.say_of(said, language), by=None,
        role=None, unit=None, reason=None, reason_text=None, text=None,
        details={name: getattr(row, name) for name in names}, before={}, after={}, photos=[],
    )  # fmt: skip


def _acts(session: ReadSession, actor: Actor, issue_id: str) -> Sequence[IssueAct]:
    found = select(IssueAct).where(IssueAct.issue_id == issue_id).order_by(IssueAct.id)
    if not may(actor, Permission.READ_STREET_ENTRIES):
        found = found.where(IssueAct.actor_role == Role.THIRD_PARTY)
    return session.scalars(found).all()


def _photos(
    session: ReadSession, issue_id: str, acts: Sequence[IssueAct], language: Language
) -> dict[str, list[PhotoShown]]:
    """Photos by their act."""
    kinds = {each.id: each.kind for each in acts}
    found: dict[str, list[PhotoShown]] = defaultdict(list)
    rows = select(IssuePhoto).where(IssuePhoto.issue_id == issue_id, IssuePhoto.act_id.in_(kinds))
    for row in session.scalars(rows.order_by(IssuePhoto.id)):
        found[row.act_id].append(photo_shown(row, kinds[row.act_id], say_warning(row, language)))
    return found
