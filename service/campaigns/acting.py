"""Acts on a campaign: start it, change its places and lines by hand, end it. All of it, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.campaigns.checking import looked_at
from streetsight.service.campaigns.members import as_table, members_of
from streetsight.service.campaigns.places import find_place, find_places, fix_places, places_of
from streetsight.service.campaigns.schemas import (
    AddIssue,
    AddPlaces,
    Asked,
    End,
    RemoveIssue,
    RemovePlace,
    SelectionSent,
    Start,
    Transfer,
)
from streetsight.service.campaigns.service import find_to_change, units_of
from streetsight.service.campaigns.tables import Campaign, CampaignIssue, CampaignPlace
from streetsight.service.events.service import publish
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.issues import service as issues
from streetsight.service.issues.states import OPEN
from streetsight.service.issues.tables import Issue
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

NAMED = 20
"""Lines or places that a message names."""


ENDINGS = ("struck", "dropped", "transferred", "left_over")


class LinesOpen(Conflict):
    """An end while lines are neither struck nor left over."""

    code = "lines_open"


class PlacesUnseen(Conflict):
    """The end of a sweep while places were not looked at."""

    code = "places_unseen"


class NoLine(NotFound):
    """An issue that is no line of the ledger, or no open one."""

    code = "no_line"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """An act under way. Attributes: zone: the city's."""

    session: WriteSession
    actor: Actor
    campaign: Campaign
    zone: tzinfo


def act(
    session: WriteSession, actor: Actor, campaign_id: str, asked: Asked, version: int, settings: Settings
) -> Campaign:
    """Do it.

    Raises:
        NoCampaign, NotYourCampaign, Stale, NotPossible, and what the effects below raise: nothing was
            changed.
    """
    campaign = find_to_change(session, actor, campaign_id, asked.kind, version)
    done = _EFFECTS[type(asked)](Case(session, actor, campaign, settings.zone), asked)
    session.flush()
    said = asked.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    record(session, actor, f"campaign.{asked.kind}", f"campaign/{campaign.id}", {"asked": said, **done})
    return campaign


def _start(case: Case, _asked: Start) -> dict[str, Any]:
    campaign, wanted = case.campaign, SelectionSent.model_validate(case.campaign.selection)
    found = find_places(case.session, campaign.area_path, wanted)
    fixed = fix_places(case.session, campaign, found, case.actor.name, None)
    campaign.started_at = now()
    _tell(case, "campaign.started", {"places": len(fixed)})
    return {"places": len(fixed)}


def _add_places(case: Case, asked: AddPlaces) -> dict[str, Any]:
    found = find_places(case.session, case.campaign.area_path, asked.places)
    added = fix_places(case.session, case.campaign, found, case.actor.name, asked.reason)
    return {"added": [f"{row.kind}:{row.code}" for row in added]}


def _remove_place(case: Case, asked: RemovePlace) -> dict[str, Any]:
    row = find_place(case.session, case.actor, case.campaign, asked.place_id)
    row.removed_at, row.removed_by, row.removed_reason = now(), case.actor.name, asked.reason
    return {"removed": f"{row.kind}:{row.code}"}


def _add_issue(case: Case, asked: AddIssue) -> dict[str, Any]:
    issue = _issue_named(case, asked.issue)
    place = None
    if asked.place_id is not None:
        place = find_place(case.session, case.actor, case.campaign, asked.place_id)
    _say(case, issue, "added", asked.reason, place)
    return {"issue": issue.number}


def _remove_issue(case: Case, asked: RemoveIssue) -> dict[str, Any]:
    issue = _issue_named(case, asked.issue)
    if issue.id not in members_of(case.session, case.campaign, case.zone):
        raise NoLine("issue {number} is no line of this ledger", number=issue.number)
    _say(case, issue, "removed", asked.reason, None)
    return {"issue": issue.number}


def _transfer(case: Case, asked: Transfer) -> dict[str, Any]:
    issue = _issue_named(case, asked.issue)
    members = members_of(case.session, case.campaign, case.zone)
    if issue.id not in members:
        raise NoLine("issue {number} is no line of this ledger", number=issue.number)
    row = _said_of(case, issue.id) or CampaignIssue(
        campaign_id=case.campaign.id, issue_id=issue.id, place_id=members[issue.id], how="found",
        said_by=case.actor.name,
    )  # fmt: skip
    said = asked.model_dump(exclude={"kind", "issue"})
    row.transfer = {**said, "by": case.actor.name, "at": now().isoformat()}
    case.session.add(row)
    return {"issue": issue.number}


def _issue_named(case: Case, name: str) -> Issue:
    return issues.find(case.session, case.actor, name, near=case.campaign.area_path)


def _said_of(case: Case, issue_id: str) -> CampaignIssue | None:
    mine = CampaignIssue.campaign_id == case.campaign.id
    return case.session.scalar(select(CampaignIssue).where(mine, CampaignIssue.issue_id == issue_id))


def _say(case: Case, issue: Issue, how: str, reason: str, place: CampaignPlace | None) -> None:
    row = _said_of(case, issue.id) or CampaignIssue(campaign_id=case.campaign.id, issue_id=issue.id)
    row.how, row.reason, row.said_by = how, reason, case.actor.name
    row.place_id = place.id if place else None
    case.session.add(row)


def _end(case: Case, asked: End) -> dict[str, Any]:
    session, campaign = case.session, case.campaign
    campaign.state = "active"  # until its lines are fixed
    places, members = places_of(session, campaign.id), members_of(session, campaign, case.zone)
    seen = looked_at(session, campaign, members)
    unseen = [row for row in places if row.id not in seen]
    if campaign.kind == "sweep" and unseen and not asked.unseen_reason:
        raise PlacesUnseen(
            "{count} of {all} places were not looked at: {names}; look at them, or say why not in "
            "unseen_reason",
            count=len(unseen), all=len(places), names=", ".join(row.name for row in unseen[:NAMED]),
        )  # fmt: skip
    table = as_table(session, members)
    lines = session.scalars(select(Issue).join(table, table.c.key == Issue.id).order_by(Issue.id)).all()
    rows = _fixed(case, lines, members)
    reasons = _reasons(asked, [line for line in lines if not rows[line.id].transfer])
    for line in lines:
        row = rows[line.id]
        row.ending = _ending(line, reasons)
        row.left_reason = reasons.get(line.id)
    endings = [row.ending for row in rows.values()]
    sums = {name: endings.count(name) for name in ENDINGS}
    campaign.state, campaign.ended_at = "ended", now()
    sums |= {"issues": len(lines), "places": len(places), "unseen_places": len(unseen)}
    campaign.closing = {
        "text": asked.text, "by": case.actor.name, "unseen_reason": asked.unseen_reason, **sums,
    }  # fmt: skip
    _tell(case, "campaign.ended", sums)
    return sums


def _ending(line: Issue, reasons: dict[str, str]) -> str:
    if line.state == "closed":
        return "struck"
    if line.id in reasons:
        return "left_over"
    return "transferred" if line.state in OPEN else "dropped"


def _reasons(asked: End, lines: Sequence[Issue]) -> dict[str, str]:
    """Id of each open line -> why it is left over. Raises LinesOpen, NoLine, ManyIssues."""
    still = [line for line in lines if line.state in OPEN]
    reasons = {_line_named(each.issue, still).id: each.reason for each in asked.left_over}
    missing = [line.number for line in still if line.id not in reasons]
    if missing:
        raise LinesOpen(
            "{count} lines are not struck: {numbers}; close their issues, hand them over, or name each in "
            "left_over with a reason",
            count=len(missing), numbers=", ".join(missing[:NAMED]),
        )  # fmt: skip
    return reasons


def _line_named(name: str, lines: Sequence[Issue]) -> Issue:
    named = [line for line in lines if name in (line.id, line.number)]
    if not named:
        raise NoLine("left_over: {issue} is no open line of this ledger; leave it out", issue=name)
    return issues.only(name, named)


def _fixed(case: Case, lines: Sequence[Issue], members: Any) -> dict[str, CampaignIssue]:
    """A row for every line, by its issue."""
    known = select(CampaignIssue).where(
        CampaignIssue.campaign_id == case.campaign.id, CampaignIssue.how != "removed"
    )
    rows = {row.issue_id: row for row in case.session.scalars(known)}
    for line in lines:
        if line.id not in rows:
            rows[line.id] = CampaignIssue(
                campaign_id=case.campaign.id, issue_id=line.id, place_id=members[line.id], how="found",
                said_by=case.actor.name,
            )  # fmt: skip
            case.session.add(rows[line.id])
    return rows


def _tell(case: Case, kind: str, more: dict[str, Any]) -> None:
    row = case.campaign
    lead = next(name for name, leads in units_of(case.session, row.id) if leads)
    data = {
        "id": row.id, "name": row.name, "kind": row.kind, "state": row.state, "area_path": row.area_path,
        "first": row.first, "last": row.last, "lead": lead, "version": row.version, **more,
    }  # fmt: skip
    publish(case.session, kind, f"campaign/{row.id}", data, row.area_path)


_EFFECTS: dict[type, Callable[[Case, Any], dict[str, Any]]] = {
    Start: _start, AddPlaces: _add_places, RemovePlace: _remove_place, AddIssue: _add_issue,
    RemoveIssue: _remove_issue, Transfer: _transfer, End: _end,
}  # fmt: skip
