"""Tables of campaigns: what they are, their places, what was checked there, and the ledger's own lines."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json


class Campaign(Row):
    """A campaign (专项行动) or a sweep (拉网式排查).

    Attributes:
        kind: campaign; sweep: every place has to be looked at.
        state: see `states.py`.
        area_path: where it takes place; None for the whole city.
        phases: in their order, see `phases.PhaseSent`.
        first, last: its days, by the phases.
        subset: what is looked for, see `issues.subsets`; empty for everything.
        selection: which places, see `schemas.SelectionSent`; they are fixed when it starts.
        made_by: who wrote it down, by the name of then.
        closing: what was said at the end.
        version: counts changes; the ETag.
    """

    __tablename__ = "campaigns"
    __table_args__ = (Index(None, "state", "id"),)

    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    purpose: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    phases: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    subset: Mapped[dict[str, Any]] = mapped_column(Json)
    selection: Mapped[dict[str, Any]] = mapped_column(Json)
    made_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    closing: Mapped[dict[str, Any] | None] = mapped_column(Json)
    version: Mapped[int] = mapped_column(default=1)


class CampaignUnit(Base):
    """A unit of a campaign. Attributes: lead: 牵头单位; the others co-operate (配合单位)."""

    __tablename__ = "campaign_units"
    __table_args__ = (Index(None, "unit"),)

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(100), primary_key=True)
    lead: Mapped[bool]


class CampaignPlace(Row):
    """A place of a campaign, as it was when it was fixed: later changes of the map do not move it.

    Attributes:
        source: area or place: which register it is of; code: its number there, in its kind.
        geometry: GeoJSON as it was drawn, WGS-84; ground: of a line or a point the Polygon that it covers.
        lon, lat: a point of it.
        area_path: of an area its own path, of others the area they lie in.
        unit: who looks after it, as the register said then.
        reason: why it was added later; None for those of the start.
        removed_at, removed_by, removed_reason: it counts no more.
    """

    __tablename__ = "campaign_places"
    __table_args__ = (UniqueConstraint("campaign_id", "source", "kind", "code"), Index(None, "area_path"))

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"))
    source: Mapped[str] = mapped_column(String(10))
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    geometry: Mapped[dict[str, Any]] = mapped_column(Json)
    ground: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # not "lon" and "lat": an import of areas gives rows that have those another area
    lon: Mapped[float] = mapped_column("inside_lon")
    lat: Mapped[float] = mapped_column("inside_lat")
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    unit: Mapped[str | None] = mapped_column(String(100))
    added_by: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None] = mapped_column(String(200))
    removed_reason: Mapped[str | None] = mapped_column(Text)


class CampaignCheck(Row):
    """Somebody has looked at a place. Never changed: a later look is another one.

    Attributes:
        outcome: in_order: looked at, nothing found; found: issues were found, which are lines of their own.
        at: when it was looked at; day: the city's.
        counts: it was on a day of a phase that counts.
        actor_id, actor_name, actor_role, unit: who, as they were then.
        frame_ids: photos.
        key, key_sha256: the Idempotency-Key, and the digest of what was asked with it.
    """

    __tablename__ = "campaign_checks"
    __table_args__ = (
        Index(None, "campaign_id", "id"),
        Index(None, "place_id", "id"),
        Index(None, "actor_id", "at"),
        UniqueConstraint("actor_id", "key"),
    )

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"))
    place_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaign_places.id"))
    outcome: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
    day: Mapped[date] = mapped_column(Date)
    counts: Mapped[bool]
    actor_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    actor_name: Mapped[str] = mapped_column(String(200))
    actor_role: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str | None] = mapped_column(String(100))
    text: Mapped[str | None] = mapped_column(Text)
    frame_ids: Mapped[list[str]] = mapped_column(Json)
    key: Mapped[str | None] = mapped_column(String(200))
    key_sha256: Mapped[str | None] = mapped_column(String(64))


class CampaignIssue(Row):
    """What was said about an issue as a line of the ledger; all others belong to it by place, day and class.

    Attributes:
        how: added or removed, by hand; found: written down when it is handed over, or at the end.
        place_id: of the campaign; None for one that was added without a place.
        reason: why it was added or removed.
        transfer: to which department it was handed over, see `schemas.Transfer`, with `by` and `at`.
        ending: at the end: struck, dropped, transferred or left_over; left_reason: why it was left over.
    """

    __tablename__ = "campaign_issues"
    __table_args__ = (UniqueConstraint("campaign_id", "issue_id"), Index(None, "issue_id"))

    campaign_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("campaigns.id"))
    issue_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"))
    place_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("campaign_places.id"))
    how: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(Text)
    said_by: Mapped[str] = mapped_column(String(200))
    transfer: Mapped[dict[str, Any] | None] = mapped_column(Json)
    ending: Mapped[str | None] = mapped_column(String(20))
    left_reason: Mapped[str | None] = mapped_column(Text)
