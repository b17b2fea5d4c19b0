"""Pages: campaigns and sweeps as a list, as a form, and one with its progress and ledger (专项行动, 台账)."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.areas.service import named_areas
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import in_scope
from streetsight.service.campaigns import ledger, places, progress, service
from streetsight.service.campaigns.ledger import Filters, LineShown
from streetsight.service.campaigns.phases import templates
from streetsight.service.campaigns.progress import PlaceProgress
from streetsight.service.campaigns.routes import LinesWanted, Reader, Runner
from streetsight.service.campaigns.schemas import PlaceShown, SelectionSent
from streetsight.service.campaigns.states import State
from streetsight.service.campaigns.tables import Campaign, CampaignPlace
from streetsight.service.candidates.routes import Given
from streetsight.service.dependencies import Cursor, Id, Server, Text
from streetsight.service.faults import Invalid
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.pages.issues import said
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.people.service import list_units
from streetsight.service.places.service import in_force
from streetsight.service.places.tables import Place
from streetsight.service.places.words import words
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

SHOWN, LINES, PRINTED, OFFERED = 30, 30, 300, 2000


@router.get("/campaigns", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Reader, state: Annotated[State | None, Given] = None,
    unit: Annotated[Text | None, Query(max_length=100), Given] = None, cursor: Cursor = None,
) -> HTMLResponse:  # fmt: skip
    """Campaigns of one's areas or unit, newest first."""
    with server.database.read() as session:
        found = service.list_campaigns(session, actor, state, unit, SHOWN, cursor)
        shown = [service.shown(session, each, server.settings.zone) for each in found.items]
        return page(
            request, server, "_campaigns.html" if wants_fragment(request) else "campaigns.html", actor,
            campaigns=shown, next_cursor=found.next_cursor, wanted={"state": state or "", "unit": unit or ""},
            may_run=may(actor, Permission.RUN_CAMPAIGNS), today=_today(server),
            **said(session, actor, language_of_page(request)),
        )  # fmt: skip


@router.get("/campaigns/new", response_class=HTMLResponse)
def show_new(server: Server, request: Request, actor: Runner) -> HTMLResponse:
    """Write a campaign down."""
    with server.database.read() as session:
        return page(
            request, server, "campaign_form.html", actor, campaign=None,
            **_choices(session, actor, server.settings, language_of_page(request)),
        )  # fmt: skip


@router.get("/campaigns/{campaign_id}", response_class=HTMLResponse)
def show_one(
    server: Server, request: Request, actor: Reader, campaign_id: Id, wanted: LinesWanted,
    cursor: Cursor = None,
) -> HTMLResponse:  # fmt: skip
    """How far a campaign has come, and its ledger; of a draft, what it would start with."""
    language, zone = language_of_page(request), server.settings.zone
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        known = _known(session, actor, campaign, server.settings, language)
        if campaign.state == "draft":
            return page(
                request,
                server,
                "campaign.html",
                actor,
                **known,
                **_would_be(session, actor, campaign, language),
            )
        lines = ledger.list_lines(session, actor, campaign, wanted, zone, LINES, cursor)
        known |= {"lines": lines.items, "next_cursor": lines.next_cursor, "wanted": wanted}
        if wants_fragment(request):
            return page(request, server, "_ledger.html", actor, **known)
        sums = progress.progress(session, actor, campaign, zone, language)
        return page(
            request, server, "campaign.html", actor, **known, would_be=None, refused="", progress=sums,
            outlines=_outlines(session, actor, campaign),
            standing={each.place.id: _standing(each) for each in sums.by_place}, **_offered(session, actor),
        )  # fmt: skip


@router.get("/campaigns/{campaign_id}/sums", response_class=HTMLResponse)
def show_sums(server: Server, request: Request, actor: Reader, campaign_id: Id) -> HTMLResponse:
    """How far it is, in a line: a fragment that the list asks for."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        language, zone = language_of_page(request), server.settings.zone
        sums = progress.progress(session, actor, campaign, zone, language)
    return page(request, server, "_campaign_sums.html", actor, progress=sums)


@router.get("/campaigns/{campaign_id}/edit", response_class=HTMLResponse)
def show_form(server: Server, request: Request, actor: Runner, campaign_id: Id) -> HTMLResponse:
    """Change what was written down."""
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        return page(
            request, server, "campaign_form.html", actor,
            campaign=service.shown(session, campaign, server.settings.zone),
            **_choices(session, actor, server.settings, language_of_page(request)),
        )  # fmt: skip


@router.get("/campaigns/{campaign_id}/end", response_class=HTMLResponse)
def show_end(server: Server, request: Request, actor: Runner, campaign_id: Id) -> HTMLResponse:
    """End it: what is left, with a reason each."""
    language, zone = language_of_page(request), server.settings.zone
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        sums = progress.progress(session, actor, campaign, zone, language)
        left = _all_lines(session, actor, campaign, server.settings, Filters(what="issue", open=True))
        return page(
            request, server, "campaign_end.html", actor, left=left, progress=sums,
            unseen=[each.place.name for each in sums.by_place if not each.looked_at],
            **_known(session, actor, campaign, server.settings, language),
        )  # fmt: skip


@router.get("/campaigns/{campaign_id}/print", response_class=HTMLResponse)
def show_print(
    server: Server, request: Request, actor: Reader, campaign_id: Id, wanted: LinesWanted
) -> HTMLResponse:
    """The ledger on paper, with pictures of before and after."""
    language, settings = language_of_page(request), server.settings
    with server.database.read() as session:
        campaign = service.find(session, actor, campaign_id)
        lines = _all_lines(session, actor, campaign, settings, wanted, PRINTED + 1)
        return page(
            request, server, "campaign_print.html", actor, lines=lines[:PRINTED],
            cut=len(lines) > PRINTED, now=now(),
            progress=progress.progress(session, actor, campaign, settings.zone, language),
            **_known(session, actor, campaign, settings, language),
        )  # fmt: skip


def _known(
    session: ReadSession, actor: Actor, campaign: Campaign, settings: Settings, language: Language
) -> dict[str, Any]:
    """What every page of one campaign says."""
    runs = may(actor, Permission.RUN_CAMPAIGNS) and actor.sees(campaign.area_path)
    return {
        "campaign": service.shown(session, campaign, settings.zone), "may_run": runs,
        "may_look": runs or may(actor, Permission.RUN_CAMPAIGNS) or may(actor, Permission.ANSWER_TASKS),
        "today": _today_of(settings), "group_names": _group_names(session, language),
        **_kind_names(language), **said(session, actor, language),
    }  # fmt: skip


def _would_be(session: ReadSession, actor: Actor, campaign: Campaign, language: Language) -> dict[str, Any]:
    """The places that a draft would start with, or why it could not."""
    selection = SelectionSent.model_validate(campaign.selection)
    try:
        found = places.find_places(session, campaign.area_path, selection)
    except Invalid as error:
        return {"would_be": [], "refused": error.say(language), "outlines": [], "progress": None}
    seen = [each for each in found if actor.sees(each.area_path)]
    return {
        "would_be": [PlaceShown.of(each, False) for each in seen], "refused": "", "progress": None,
        "outlines": [_outline(each) for each in seen],
    }  # fmt: skip


def _outlines(session: ReadSession, actor: Actor, campaign: Campaign) -> list[dict[str, Any]]:
    """Places that count, as GeoJSON features for campaign.js."""
    found = places.places_of(session, campaign.id)
    return [_outline(each) for each in found if actor.sees(each.area_path)]


def _outline(row: CampaignPlace) -> dict[str, Any]:
    said_of = {"id": row.id, "name": row.name}
    return {"type": "Feature", "geometry": row.ground or row.geometry, "properties": said_of}


def _all_lines(
    session: ReadSession, actor: Actor, campaign: Campaign, settings: Settings, wanted: Filters,
    most: int = OFFERED,
) -> list[LineShown]:  # fmt: skip
    return ledger.list_lines(session, actor, campaign, wanted, settings.zone, most, None).items


def _choices(session: ReadSession, actor: Actor, settings: Settings, language: Language) -> dict[str, Any]:
    """What the form lets one choose from."""
    taxonomy, proposed = default_taxonomy(), templates(_today_of(settings).year)
    seen = in_force(now()), in_scope(actor, Place.area_path)
    rows = select(Place.kind, Place.code, Place.name).where(*seen).order_by(Place.kind, Place.code)
    return {
        "areas": named_areas(session, actor), "registered": session.execute(rows.limit(OFFERED)).all(),
        "units": list_units(session), **_offered(session, actor),
        "conditions": {name: each.label(language) for name, each in taxonomy.conditions.items()},
        "classes": {each.name: each.label(language) for each in taxonomy.classes},
        "groupings": [
            (each.code, each.zh if language == "zh" else each.en,
             {one.code: one.zh if language == "zh" else one.en for one in each.members})
            for each in groupings_in_force(session).groupings
        ],
        "templates": proposed, "language_zh": language == "zh",
        "phase_templates": [[phase.model_dump(mode="json") for phase in each.phases] for each in proposed],
        **_kind_names(language),
    }  # fmt: skip


def _standing(place: PlaceProgress) -> str:
    """How a place is drawn."""
    if not place.looked_at:
        return "unseen"
    if not place.issues.found:
        return "in-order"
    return "found" if place.issues.open or place.issues.handled or place.issues.left_over else "struck"


def _offered(session: ReadSession, actor: Actor) -> dict[str, Any]:
    """How many places and areas there are of each kind."""
    kinds = select(Place.kind).where(in_force(now()), in_scope(actor, Place.area_path))
    return {
        "kinds_offered": Counter(session.scalars(kinds)),
        "area_kinds_offered": Counter(each.kind for each in named_areas(session, actor)),
    }


def _kind_names(language: Language) -> dict[str, Any]:
    return {"kind_names": {each.code: each.label(language) for each in words("kinds").values()}}


def _group_names(session: ReadSession, language: Language) -> dict[str, dict[str, str]]:
    """By grouping, what its members are called."""
    return {
        each.code: {one.code: one.zh if language == "zh" else one.en for one in each.members}
        for each in groupings_in_force(session).groupings
    }


def _today(server: Server) -> Any:
    return _today_of(server.settings)


def _today_of(settings: Settings) -> Any:
    return now().astimezone(settings.zone).date()
