"""Looks at places, also those that found nothing: what makes a sweep measurable. Added, never changed."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from streetsight.service.acts import KeyTaken
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.campaigns.members import Members
from streetsight.service.campaigns.phases import counts_on
from streetsight.service.campaigns.places import find_place
from streetsight.service.campaigns.schemas import CheckSent
from streetsight.service.campaigns.service import find
from streetsight.service.campaigns.states import after
from streetsight.service.campaigns.tables import Campaign, CampaignCheck, CampaignPlace
from streetsight.service.faults import Invalid
from streetsight.service.files.blobs import digest_of
from streetsight.service.privacy.service import frame_for
from streetsight.service.settings import Settings
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

SKEW = timedelta(minutes=5)
"""How far a telephone's clock may be ahead of ours."""


class InTheFuture(Invalid):
    """A look that has not happened yet."""

    code = "in_the_future"


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """Attributes: new: written now, and not a repetition of an earlier request."""

    row: CampaignCheck
    new: bool


def check(
    session: WriteSession,
    actor: Actor,
    campaign_id: str,
    sent: CheckSent,
    key: str | None,
    settings: Settings,
) -> Checked:
    """Write a look down.

    Raises:
        NoCampaign, NotPossible, NoPlace, InTheFuture, KeyTaken, and what `frame_for` raises of its photos.
    """
    digest = digest_of(f"{campaign_id} {sent.model_dump_json(exclude_none=True)}".encode())
    if (earlier := _earlier(session, actor, key, digest)) is not None:
        return Checked(earlier, new=False)
    campaign = find(session, actor, campaign_id)
    after(campaign.state, "check")
    place = find_place(session, actor, campaign, sent.place_id)
    at = sent.at or now()
    if at > now() + SKEW:
        raise InTheFuture("at={at} has not come yet; say when it was looked at", at=at.isoformat())
    frames = [frame_for(session, actor, each, settings).id for each in dict.fromkeys(sent.photos)]
    day = at.astimezone(settings.zone).date()
    row = CampaignCheck(
        campaign_id=campaign.id, place_id=place.id, outcome=sent.outcome, at=at, day=day,
        counts=counts_on(campaign.phases, day), actor_id=actor.id, actor_name=actor.name,
        actor_role=actor.role.value, unit=actor.unit, text=sent.text, frame_ids=frames, key=key,
        key_sha256=digest if key else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    said = {"check": row.id, "place": f"{place.kind}:{place.code}", "outcome": row.outcome, "photos": frames}
    record(session, actor, "campaign.check", f"campaign/{campaign.id}", said)
    return Checked(row, new=True)


def list_checks(
    session: ReadSession,
    actor: Actor,
    campaign: Campaign,
    place_id: str | None,
    limit: int,
    cursor: str | None,
) -> Page[CampaignCheck]:
    """Looks at places in the actor's areas, newest first."""
    found = (
        select(CampaignCheck)
        .join(CampaignPlace, CampaignPlace.id == CampaignCheck.place_id)
        .where(CampaignCheck.campaign_id == campaign.id, in_scope(actor, CampaignPlace.area_path))
    )
    if place_id is not None:
        found = found.where(CampaignCheck.place_id == place_id)
    return page(session, found, CampaignCheck, limit, cursor)


def looked_at(session: ReadSession, campaign: Campaign, members: Members) -> set[str]:
    """Ids of places where somebody was on a day that counts: they wrote it down, or filed an issue there."""
    counted = select(CampaignCheck.place_id).where(
        CampaignCheck.campaign_id == campaign.id, CampaignCheck.counts
    )
    found = (place_id for place_id in members.values() if place_id is not None)
    return {*session.scalars(counted.distinct()), *found}


def _earlier(session: ReadSession, actor: Actor, key: str | None, digest: str) -> CampaignCheck | None:
    """What came of this key before. Raises KeyTaken when it stood for something else."""
    if key is None:
        return None
    known = select(CampaignCheck).where(CampaignCheck.actor_id == actor.id, CampaignCheck.key == key)
    found = session.scalar(known)
    if found is not None and found.key_sha256 != digest:
        raise KeyTaken("the Idempotency-Key {key} was used for something else; take a new key", key=key)
    return found
