"""Which places a campaign takes: found in the registers, fixed when it starts, changed with a reason."""

from collections import Counter
from collections.abc import Sequence

from shapely.geometry import shape
from sqlalchemy import ColumnElement, and_, or_, select

from streetsight.service.areas.service import all_areas
from streetsight.service.areas.tables import Area
from streetsight.service.auth.actor import SYSTEM, Actor
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.campaigns.schemas import SelectionSent
from streetsight.service.campaigns.tables import Campaign, CampaignPlace
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.places.service import in_force
from streetsight.service.places.tables import Place
from streetsight.service.reach import Reaches
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

MOST = 5000
"""Places of one campaign."""


class NoSuchPlaces(Invalid):
    """Places that the registers do not have, or not there."""

    code = "no_such_places"


class NoPlace(NotFound):
    """No place of this id in the campaign, or none that who asks may see."""

    code = "no_place"


def find_places(session: ReadSession, area_path: str | None, wanted: SelectionSent) -> list[CampaignPlace]:
    """The places that are asked for, as they are now, within an area, by kind and code.

    They are rows of no campaign yet.

    Raises:
        NoSuchPlaces: naming what there is not, or what stands for several.
    """
    found = [*_areas(session, area_path, wanted), *_registered(session, area_path, wanted)]
    unique = {_key(each): each for each in found}
    if not 0 < len(unique) <= MOST:
        raise NoSuchPlaces(
            "expected 1 to {most} places, found {count}; name others, or fewer kinds",
            most=MOST, count=len(unique),
        )  # fmt: skip
    return [unique[key] for key in sorted(unique)]


def fix_places(
    session: WriteSession,
    campaign: Campaign,
    found: Sequence[CampaignPlace],
    added_by: str,
    reason: str | None,
) -> list[CampaignPlace]:
    """Write places down as they are now. Those that were removed come back; those that are there stay."""
    known = {_key(row): row for row in places_of(session, campaign.id, removed=True)}
    changed = []
    for each in found:
        row = known.get(_key(each), each)
        if row is not each and row.removed_at is None:
            continue
        row.removed_at = row.removed_by = row.removed_reason = None
        row.campaign_id, row.added_by, row.reason = campaign.id, added_by, reason
        session.add(row)
        changed.append(row)
    session.flush()
    return changed


def places_of(session: ReadSession, campaign_id: str, removed: bool = False) -> list[CampaignPlace]:
    """Places of a campaign in the order in which they came."""
    found = select(CampaignPlace).where(CampaignPlace.campaign_id == campaign_id)
    if not removed:
        found = found.where(CampaignPlace.removed_at.is_(None))
    return list(session.scalars(found.order_by(CampaignPlace.id)))


def list_places(
    session: ReadSession, actor: Actor, campaign: Campaign, limit: int, cursor: str | None
) -> Page[CampaignPlace]:
    """Places in the actor's areas, also removed ones."""
    wanted = and_(
        CampaignPlace.campaign_id == campaign.id, in_scope(actor, CampaignPlace.area_path)
    )  # fmt: skip
    return page(session, select(CampaignPlace).where(wanted), CampaignPlace, limit, cursor)


def find_place(session: ReadSession, actor: Actor, campaign: Campaign, place_id: str) -> CampaignPlace:
    """A place of a campaign that counts, in the actor's areas. Raises NoPlace."""
    row = session.get(CampaignPlace, place_id)
    if row is None or row.campaign_id != campaign.id or row.removed_at or not actor.sees(row.area_path):
        raise NoPlace(
            "the campaign has no place {id}, or not in your areas; GET /v1/campaigns/{campaign}/places "
            "lists them",
            id=place_id, campaign=campaign.id,
        )  # fmt: skip
    return row


def grounds(places: Sequence[CampaignPlace]) -> Reaches:
    """What belongs to each place, by its id."""
    return Reaches({row.id: shape(row.ground or row.geometry) for row in places})


def _areas(session: ReadSession, area_path: str | None, wanted: SelectionSent) -> list[CampaignPlace]:
    if not wanted.areas and not wanted.area_kinds:
        return []
    known = [area for area in all_areas(session, SYSTEM) if area.path.startswith(area_path or "/")]
    by_code = {area.code for area in known}
    _require_all(wanted.areas, [code for code in wanted.areas if code not in by_code])
    return [_of_area(area) for area in known if area.code in wanted.areas or area.kind in wanted.area_kinds]


def _of_area(area: Area) -> CampaignPlace:
    inside = shape(area.geometry).representative_point()
    return CampaignPlace(
        source="area", code=area.code, name=area.name, kind=area.kind, geometry=area.geometry, ground=None,
        lon=inside.x, lat=inside.y, area_path=area.path, unit=None,
    )  # fmt: skip


def _registered(session: ReadSession, area_path: str | None, wanted: SelectionSent) -> list[CampaignPlace]:
    if not wanted.codes and not wanted.kinds:
        return []
    conditions: list[ColumnElement[bool]] = [in_force(now())]
    if area_path is not None:
        conditions.append(within((area_path,), Place.area_path))
    bare = {code.rpartition(":")[2] for code in wanted.codes}
    asked = or_(Place.kind.in_(wanted.kinds), Place.code.in_(bare))
    rows = list(session.scalars(select(Place).where(*conditions, asked)))
    named = _named(wanted.codes, rows)
    return [_of_place(row) for row in rows if row.kind in wanted.kinds or row.id in named]


def _named(codes: Sequence[str], rows: Sequence[Place]) -> set[str]:
    """Ids of the places that codes stand for. Raises NoSuchPlaces."""
    counts = Counter(row.code for row in rows)
    ids = {(row.code if counts[row.code] == 1 else f"{row.kind}:{row.code}"): row.id for row in rows}
    ids |= {f"{row.kind}:{row.code}": row.id for row in rows}
    _require_all(codes, [code for code in codes if code not in ids and not counts[code]])
    several = [code for code in codes if code not in ids]
    if several:
        raise NoSuchPlaces(
            "several kinds of places have the code {code}; say which, as {example}",
            code=several[0], example=" / ".join(sorted(key for key in ids if key.endswith(f":{several[0]}"))),
        )  # fmt: skip
    return {ids[code] for code in codes}


def _of_place(row: Place) -> CampaignPlace:
    names = ("code", "name", "kind", "geometry", "ground", "lon", "lat", "area_path", "unit")
    return CampaignPlace(source="place", **{name: getattr(row, name) for name in names})


def _key(row: CampaignPlace) -> tuple[str, str, str]:
    return row.source, row.kind, row.code


def _require_all(codes: Sequence[str], missing: Sequence[str]) -> None:
    if missing:
        raise NoSuchPlaces(
            "{count} of {all} codes are not in force in the campaign's area: {codes}",
            count=len(missing), all=len(codes), codes=", ".join(missing[:20]),
        )  # fmt: skip
