"""HTTP: campaigns and sweeps, their places, looks, ledger and progress."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, Security

from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.campaigns import acting, checking, ledger, places, progress, service
from streetsight.service.campaigns.ledger import COLUMNS, Filters, LinePage, PairPage, What
from streetsight.service.campaigns.phases import TemplateShown, templates
from streetsight.service.campaigns.progress import CoverageShown, ProgressShown
from streetsight.service.campaigns.schemas import (
    Asked,
    CampaignPage,
    CampaignSent,
    CampaignShown,
    CheckPage,
    CheckSent,
    CheckShown,
    PlacePage,
    PlaceShown,
    SelectionSent,
)
from streetsight.service.campaigns.states import State
from streetsight.service.candidates.routes import FILES, Given
from streetsight.service.decisions.routes import IdempotencyKey
from streetsight.service.dependencies import Cursor, Id, Limit, Server, Text
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.exports import CrsWanted, FormWanted, export, form_wanted
from streetsight.service.issues.subsets import Word
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

P = Permission
Reader = Annotated[Actor, Security(allowed(P.READ_STREET_ENTRIES))]
"""All but those who judge the street from outside: a campaign is the street's own work."""
Runner = Annotated[Actor, Security(allowed(P.RUN_CAMPAIGNS))]
Looker = Annotated[Actor, Security(allowed(P.RUN_CAMPAIGNS, P.ANSWER_TASKS))]
Why = Annotated[Text | None, Query(min_length=1, max_length=500, description="Needed once it has started.")]


@router.get("")
def list_campaigns(
    server: Server,
    actor: Reader,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: State | None = None,
    unit: Annotated[Text | None, Query(max_length=100, description="That leads or co-operates.")] = None,
) -> CampaignPage:
    """Campaigns that concern one's areas or one's unit, newest first."""
    with server.database.read() as session:
        found = service.list_campaigns(session, actor, state, unit, limit, cursor)
        items = [service.shown(session, each, server.settings.zone) for each in found.items]
    return CampaignPage(items=items, next_cursor=found.next_cursor)


@router.post("", status_code=201)
def create_campaign(server: Server, actor: Runner, sent: CampaignSent, response: Response) -> CampaignShown:
    """Write a campaign down as a draft."""
    campaign = server.writer.run(partial(service.create, actor=actor, sent=sent))
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return _answer(server, actor, campaign.id, response)


@router.get("/templates")
def list_templates(
    server: Server, _actor: Reader, year: Annotated[int | None, Query(ge=1970, le=2200)] = None
) -> list[TemplateShown]:
    """Phases of city documents, with the days of a year (this one) where they say months."""
    return templates(year or now().astimezone(server.settings.zone).year)


@router.get("/{campaign_id}")
def read_campaign(server: Server, actor: Reader, campaign_id: Id, response: Response) -> CampaignShown:
    """One campaign. The ETag is its version."""
    return _answer(server, actor, campaign_id, response)


@router.put("/{campaign_id}")
def edit_campaign(
    server: Server, actor: Runner, campaign_id: Id, sent: CampaignSent, version: IfMatch, response: Response,
    reason: Why = None,
) -> CampaignShown:  # fmt: skip
    """Change what was written down: of a draft all, later not its places, area and kind."""
    server.writer.run(
        partial(service.edit, actor=actor, campaign_id=campaign_id, sent=sent, reason=reason, version=version)
    )
    return _answer(server, actor, campaign_id, response)


@router.delete("/{campaign_id}", status_code=204)
def delete_draft(server: Server, actor: Runner, campaign_id: Id, version: IfMatch) -> None:
    """Throw a draft away."""
    server.writer.run(partial(service.throw_away, actor=actor, campaign_id=campaign_id, version=version))


@router.post("/{campaign_id}/acts")
def act(
    server: Server, actor: Runner, campaign_id: Id, asked: Asked, version: IfMatch, response: Response
) -> CampaignShown:
    """Start it, change places and lines by hand, end it."""
    server.writer.run(
        partial(
            acting.act, actor=actor, campaign_id=campaign_id, asked=asked, version=version,
            settings=server.settings,
        )
    )  # fmt: skip
    return _answer(server, actor, campaign_id, response)


@router.get("/{campaign_id}/places")
def list_places(
    server: Server,
    actor: Reader,
    campaign_id: Id,
    limit: Limit = 50,
    cursor: Cursor = None,
    outlines: Annotated[bool, Query(description="With their geometry.")] = False,
) -> PlacePage:
    """Places in one's areas, newest first, removed ones included. A draft shows what it would start with."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        if campaign.state == "draft":
            wanted = SelectionSent.model_validate(campaign.selection)
            would_be = places.find_places(session, campaign.area_path, wanted)
            seen = [PlaceShown.of(each, outlines) for each in would_be if actor.sees(each.area_path)]
            return PlacePage(items=seen, next_cursor=None)
        found = places.list_places(session, actor, campaign, limit, cursor)
        items = [PlaceShown.of(each, outlines) for each in found.items]
    return PlacePage(items=items, next_cursor=found.next_cursor)


@router.post("/{campaign_id}/checks", status_code=201)
def check_place(
    server: Server, actor: Looker, campaign_id: Id, sent: CheckSent, response: Response,
    key: IdempotencyKey = None,
) -> CheckShown:  # fmt: skip
    """Write down that one has looked at a place, also when nothing was found."""
    checked = server.writer.run(
        partial(
            checking.check, actor=actor, campaign_id=campaign_id, sent=sent, key=key,
            settings=server.settings,
        )
    )  # fmt: skip
    response.status_code = 201 if checked.new else 200
    return CheckShown.of(checked.row)


@router.get("/{campaign_id}/checks")
def list_checks(
    server: Server, actor: Reader, campaign_id: Id, limit: Limit = 50, cursor: Cursor = None,
    place: Id | None = None,
) -> CheckPage:  # fmt: skip
    """Looks at places in one's areas, newest first."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        found = checking.list_checks(session, actor, campaign, place, limit, cursor)
    return CheckPage(items=[*map(CheckShown.of, found.items)], next_cursor=found.next_cursor)


def lines_wanted(
    what: Annotated[What | None, Given] = None,
    place: Annotated[Id | None, Given] = None,
    unit: Annotated[Text | None, Query(max_length=100), Given] = None,
    open: Annotated[bool | None, Given] = None,
) -> Filters:
    """Dependency: which lines are wanted."""
    return Filters(what, place, unit, open)


LinesWanted = Annotated[Filters, Depends(lines_wanted)]


@router.get("/{campaign_id}/ledger", response_model=LinePage, responses=FILES)
def read_ledger(
    server: Server,
    actor: Reader,
    request: Request,
    campaign_id: Id,
    wanted: LinesWanted,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: FormWanted = None,
    crs: CrsWanted = "wgs84",
) -> Any:
    """The ledger (台账), newest line first; or all of it as a file (CSV, GeoJSON)."""
    zone = server.settings.zone
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        if (as_file := form_wanted(request, form)) == "json":
            return ledger.list_lines(session, actor, campaign, wanted, zone, limit, cursor)
    return export(
        request, server, actor, lambda session: ledger.export_query(session, actor, campaign, zone), COLUMNS,
        as_file, crs, "campaign-ledger",
    )  # fmt: skip


@router.get("/{campaign_id}/comparison")
def compare(
    server: Server, actor: Reader, campaign_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> PairPage:
    """Photos of before and after, side by side."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        return ledger.list_pairs(session, actor, campaign, server.settings.zone, limit, cursor)


@router.get("/{campaign_id}/progress")
def read_progress(server: Server, actor: Reader, request: Request, campaign_id: Id) -> ProgressShown:
    """How far it has come, of what one may see: places, issues; by place, unit and condition."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        return progress.progress(session, actor, campaign, server.settings.zone, language_of(request))


@router.get("/{campaign_id}/coverage")
def read_coverage(
    server: Server, actor: Reader, campaign_id: Id, kind: Word | None = None, place: Id | None = None
) -> CoverageShown:
    """Which share of its places patrols have seen on days that count: of ground, and of road length."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        return progress.coverage(session, actor, campaign, kind, place)


def _answer(server: Server, actor: Actor, campaign_id: str, response: Response) -> CampaignShown:
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        shown = service.shown(session, campaign, server.settings.zone)
    response.headers["ETag"] = etag(shown.version)
    return shown
