"""Which issues are lines of a campaign's ledger: by place, day and class, and by what people said."""

import json
from collections.abc import Iterator, Mapping
from datetime import tzinfo

import numpy as np
from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.selectable import TableValuedAlias

from streetsight.service.campaigns.phases import counting_windows, moments_of
from streetsight.service.campaigns.places import grounds, places_of
from streetsight.service.campaigns.tables import Campaign, CampaignIssue, CampaignPlace
from streetsight.service.candidates.queries import in_bounds
from streetsight.service.candidates.tables import Candidate
from streetsight.service.issues.subsets import SubsetSent, found_at, wanted_by
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession

Members = Mapping[str, str | None]
"""Id of an issue -> id of the place of the campaign that it lies in; None for one that was added without."""


def members_of(session: ReadSession, campaign: Campaign, zone: tzinfo) -> Members:
    """The lines of a ledger.

    While a campaign is active they are what lies in its places and was found on days that count, as
    issues are now, with what people added and without what they removed. At its end they are fixed.

    Args:
        zone: the city's, which says when a day begins.
    """
    said = select(CampaignIssue).where(CampaignIssue.campaign_id == campaign.id)
    rows = list(session.scalars(said))
    added = {row.issue_id: row.place_id for row in rows if row.how != "removed"}
    if campaign.state != "active":
        return added
    found = dict(_found(session, campaign, zone)) | added
    for row in rows:
        if row.how == "removed":
            found.pop(row.issue_id, None)
    return found


def as_table(session: ReadSession, members: Members) -> TableValuedAlias:
    """Members as a table to join with: `key` is the issue's id, `value` the place's."""
    text = literal(json.dumps(members), String)
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    spread = func.json_each(text) if is_sqlite else func.jsonb_each_text(cast(text, JSONB))
    return spread.table_valued("key", "value", name="members")


def _found(session: ReadSession, campaign: Campaign, zone: tzinfo) -> Iterator[tuple[str, str | None]]:
    places = places_of(session, campaign.id)
    reaches = grounds(places)
    if reaches.bounds is None:
        return
    around = or_(in_bounds(reaches.bounds, Issue.lon, Issue.lat), Issue.lon.is_(None))
    what, where = (Issue.condition, Issue.class_name, Issue.code), (Issue.lon, Issue.lat, Issue.area_path)
    query = select(Issue.id, *what, *where).join(Candidate, Candidate.id == Issue.candidate_id)
    then = and_(Issue.state != "withdrawn", _found_then(campaign, zone))
    wanted = wanted_by(session, SubsetSent.model_validate(campaign.subset))
    rows = [row for row in session.execute(query.where(around, then)) if wanted(row)]
    somewhere = [row for row in rows if row.lon is not None]
    at = np.array([(row.lon, row.lat) for row in somewhere], np.float64).reshape(-1, 2)
    for row, place_id in zip(somewhere, reaches.holding(at), strict=True):
        if place_id is not None:
            yield row.id, place_id
    for row in rows:
        if row.lon is None and (place_id := _by_area(places, row.area_path)) is not None:
            yield row.id, place_id


def _found_then(campaign: Campaign, zone: tzinfo) -> ColumnElement[bool]:
    spans = [moments_of(window, zone) for window in counting_windows(campaign.phases)]
    return or_(*(and_(found_at() >= begin, found_at() < end) for begin, end in spans))


def _by_area(places: list[CampaignPlace], path: str | None) -> str | None:
    """The innermost area among the places that an issue without a position is said to lie in."""
    around = [
        row for row in places if row.source == "area" and path and path.startswith(row.area_path or "-")
    ]
    return max(around, key=lambda row: len(row.area_path or "")).id if around else None
