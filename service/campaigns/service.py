"""Campaigns: write down, change, find. What happens in them is in `acting.py` and `checking.py`."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, false, or_, select, true

from streetsight.service.areas.service import path_of_area
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.scope import checked_area, within
from streetsight.service.campaigns.schemas import CampaignSent, CampaignShown
from streetsight.service.campaigns.states import Kind, after
from streetsight.service.campaigns.tables import Campaign, CampaignUnit
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Forbidden, Invalid, NotFound
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.subsets import SubsetSent
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class NoCampaign(NotFound):
    """No campaign of this id, or none that who asks may see."""

    code = "no_campaign"


class NotYourCampaign(Forbidden):
    """A campaign of other areas than those of who would change it."""

    code = "outside_areas"


class PlacesFixed(Conflict):
    """Places, area or kind of a campaign that has started."""

    code = "places_fixed"


class UnknownGroup(Invalid):
    """A group that the groupings in force do not have."""

    code = "unknown_group"


class ReasonNeeded(Invalid):
    """A campaign that has started is changed for a reason."""

    code = "reason_needed"


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see a campaign: of one of its areas, or of one around them.

    Handlers see those of their unit alone; units of two districts may have one name.
    """
    return and_(_of_unit(actor), _around_areas(actor))


def _of_unit(actor: Actor) -> ColumnElement[bool]:
    if actor.role is not Role.HANDLER:
        return true()
    mine = exists().where(CampaignUnit.campaign_id == Campaign.id, CampaignUnit.unit == actor.unit)
    return mine if actor.unit else false()


def _around_areas(actor: Actor) -> ColumnElement[bool]:
    if actor.areas is None:
        return true()
    outer = [path for area in actor.areas for path in _around(area)]
    there = Campaign.area_path
    return or_(there.is_(None), within(actor.areas, there), there.in_(outer))


def find(session: ReadSession, actor: Actor, campaign_id: str, lock: bool = False) -> Campaign:
    """A campaign that the actor may see. Raises NoCampaign."""
    wanted = select(Campaign).where(Campaign.id == campaign_id, visible(actor))
    campaign = session.scalar(wanted.with_for_update() if lock else wanted)
    if campaign is None:
        raise NoCampaign("there is no campaign {id}, or not among yours", id=campaign_id)
    return campaign


def find_to_change(
    session: WriteSession, actor: Actor, campaign_id: str, kind: Kind, version: int
) -> Campaign:
    """A campaign for an act, in the state that the act leads to, with its next version.

    Raises:
        NoCampaign, NotYourCampaign, Stale, NotPossible: nothing was changed.
    """
    campaign = find(session, actor, campaign_id, lock=True)
    require_own(actor, campaign.area_path)
    require_version(campaign.version, version)
    campaign.state = after(campaign.state, kind) or campaign.state
    campaign.version += 1
    return campaign


def require_own(actor: Actor, area_path: str | None) -> None:
    """Raises NotYourCampaign unless all of its area is the actor's."""
    if not actor.sees(area_path):
        raise NotYourCampaign(
            "the campaign takes place in {area}, which is not all among your areas",
            area=area_path or "the whole city",
        )


def list_campaigns(
    session: ReadSession, actor: Actor, state: str | None, unit: str | None, limit: int, cursor: str | None
) -> Page[Campaign]:
    """Campaigns that the actor may see, newest first.

    Args:
        unit: that leads or co-operates.
    """
    found = select(Campaign).where(visible(actor))
    if state is not None:
        found = found.where(Campaign.state == state)
    if unit is not None:
        found = found.where(
            exists().where(CampaignUnit.campaign_id == Campaign.id, CampaignUnit.unit == unit)
        )
    return page(session, found, Campaign, limit, cursor)


def create(session: WriteSession, actor: Actor, sent: CampaignSent) -> Campaign:
    """Write a campaign down as a draft. Raises UnknownArea, UnknownGroup, NotYourCampaign."""
    campaign = Campaign(made_by=actor.name)
    _write(session, campaign, sent)
    require_own(actor, campaign.area_path)
    session.add(campaign)
    session.flush()
    _write_units(session, campaign, sent)
    record(session, actor, "campaign.created", f"campaign/{campaign.id}", sent.model_dump(mode="json"))
    return campaign


def edit(
    session: WriteSession,
    actor: Actor,
    campaign_id: str,
    sent: CampaignSent,
    reason: str | None,
    version: int,
) -> Campaign:
    """Change what was written down; of one that has started, with a reason, and not its places.

    Raises:
        NoCampaign, NotYourCampaign, Stale, NotPossible, PlacesFixed, ReasonNeeded, UnknownArea,
            UnknownGroup
    """
    campaign = find_to_change(session, actor, campaign_id, "edit", version)
    before = facts(session, campaign)
    _write(session, campaign, sent)
    require_own(actor, campaign.area_path)
    session.flush()
    _write_units(session, campaign, sent)
    became = facts(session, campaign)
    changed = [name for name in became if became[name] != before[name]]
    if campaign.state == "active":
        _require_fixed(changed)
        if not reason:
            raise ReasonNeeded("the campaign has started; say why it is changed, as ?reason=...")
    details = {
        "reason": reason, "before": {name: before[name] for name in changed},
        "after": {name: became[name] for name in changed},
    }  # fmt: skip
    record(session, actor, "campaign.edited", f"campaign/{campaign.id}", details)
    return campaign


def throw_away(session: WriteSession, actor: Actor, campaign_id: str, version: int) -> None:
    """Delete a draft. Raises NoCampaign, NotYourCampaign, Stale, NotPossible."""
    campaign = find_to_change(session, actor, campaign_id, "delete", version)
    said = facts(session, campaign)
    session.execute(delete(CampaignUnit).where(CampaignUnit.campaign_id == campaign.id))
    session.delete(campaign)
    session.flush()
    record(session, actor, "campaign.deleted", f"campaign/{campaign.id}", said)


def units_of(session: ReadSession, campaign_id: str) -> list[tuple[str, bool]]:
    """Units by name, and whether they lead."""
    found = select(CampaignUnit.unit, CampaignUnit.lead).where(CampaignUnit.campaign_id == campaign_id)
    return [(row.unit, row.lead) for row in session.execute(found.order_by(CampaignUnit.unit))]


def shown(session: ReadSession, campaign: Campaign, zone: tzinfo) -> CampaignShown:
    """A campaign as it is told."""
    return CampaignShown.of(campaign, units_of(session, campaign.id), now().astimezone(zone).date())


def facts(session: ReadSession, campaign: Campaign) -> dict[str, Any]:
    """What of a campaign is written down, as JSON."""
    names = ("name", "kind", "purpose", "area_path", "phases", "subset", "selection")
    return {**{name: getattr(campaign, name) for name in names}, "units": units_of(session, campaign.id)}


def _write(session: ReadSession, campaign: Campaign, sent: CampaignSent) -> None:
    campaign.name, campaign.kind, campaign.purpose = sent.name, sent.kind, sent.purpose
    campaign.area_path = checked_area(path_of_area(session, sent.area)) if sent.area else None
    campaign.phases = [phase.model_dump(mode="json") for phase in sent.phases]
    campaign.first, campaign.last = sent.phases[0].first, sent.phases[-1].last
    _require_groups(session, sent.subset)
    campaign.subset = sent.subset.model_dump(mode="json")
    campaign.selection = sent.places.model_dump(mode="json")


def _require_groups(session: ReadSession, subset: SubsetSent) -> None:
    """Raises UnknownGroup."""
    if subset.grouping is None:
        return
    groupings = groupings_in_force(session).by_code
    found = groupings.get(subset.grouping)
    known = [member.code for member in found.members] if found else [*groupings]
    for name in subset.groups if found else [subset.grouping]:
        if name not in known:
            raise UnknownGroup(
                "{name} is not among the groupings in force; expected one of {known}",
                name=name, known=", ".join(known),
            )  # fmt: skip


def _write_units(session: WriteSession, campaign: Campaign, sent: CampaignSent) -> None:
    session.execute(delete(CampaignUnit).where(CampaignUnit.campaign_id == campaign.id))
    names = dict.fromkeys([sent.lead, *sent.co_units])
    session.add_all(
        CampaignUnit(campaign_id=campaign.id, unit=name, lead=name == sent.lead) for name in names
    )
    session.flush()


def _require_fixed(changed: Sequence[str]) -> None:
    fixed = [name for name in ("kind", "area_path", "selection") if name in changed]
    if fixed:
        raise PlacesFixed(
            "{names} is fixed since the campaign has started; send what it was, and add or remove places "
            "by acts",
            names=", ".join(fixed),
        )  # fmt: skip


def _around(area: str) -> list[str]:
    """Paths of the areas around one: `/a/b/` has `/a/`."""
    parts = area.strip("/").split("/")
    return [f"/{'/'.join(parts[:count])}/" for count in range(1, len(parts))]
