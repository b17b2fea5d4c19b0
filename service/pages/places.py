"""Pages: the register of places on a map and as a list, one place with all that is known of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select

from streetsight.models.taxonomy import Language
from streetsight.service.areas.routes import Lat, Lon
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import in_scope
from streetsight.service.dependencies import Cursor, Server, Text
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.service import visible
from streetsight.service.issues.tables import Issue
from streetsight.service.pages.issues import said
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.pages.scores import adopted
from streetsight.service.people.service import list_units
from streetsight.service.places import service
from streetsight.service.places.chiefs import tree_of
from streetsight.service.places.reading import example_files
from streetsight.service.places.routes import Asked, ClustersWanted, CodeHere, KindHere
from streetsight.service.places.schemas import FIXED, PlaceFeature, PlaceShown, missing_of
from streetsight.service.places.suggesting import suggest
from streetsight.service.places.tables import IssuePlace, Place
from streetsight.service.places.words import Subject, words
from streetsight.service.scoring import periods
from streetsight.service.scoring.trends import months_until, totals_of
from streetsight.service.scoring.versions import scheme_for
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

SHOWN, ISSUES, CHANGES, MOST = 50, 30, 30, 500
LISTS: tuple[Subject, ...] = (
    "kinds", "scenes", "area_types", "grades", "origins", "demonstrations", "stages", "five_fixed", "fields",
)  # fmt: skip


@router.get("/places", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Viewer, filters: Asked, incomplete: bool = False,
    cursor: Cursor = None,
) -> HTMLResponse:  # fmt: skip
    """Places in force by the filters of the address; the map fetches the same ones."""
    moment, language = now(), language_of_page(request)
    with server.database.read() as session:
        if incomplete:
            lacking = (each for each in service.find_places(session, actor, filters, moment)
                       if missing_of(each.five_fixed))  # fmt: skip
            found, next_cursor = [*lacking][:MOST], None
        else:
            chosen = service.list_places(session, actor, filters, moment, SHOWN, cursor)
            found, next_cursor = list(chosen.items), chosen.next_cursor
        return page(
            request, server, "_places.html" if wants_fragment(request) else "places.html", actor,
            places=[*map(PlaceShown.of, found)], next_cursor=next_cursor, filters=filters,
            incomplete=incomplete, counts=_counts(session, actor, moment), units=_units(session, moment),
            may_change=may(actor, Permission.ANALYSE), fixed=FIXED, **_words(language),
        )  # fmt: skip


@router.get("/places/chiefs", response_class=HTMLResponse)
def show_chiefs(server: Server, request: Request, actor: Viewer, filters: Asked) -> HTMLResponse:
    """The tree of street chiefs, with the places of each."""
    with server.database.read() as session:
        found = service.find_places(session, actor, filters, now())
        return page(
            request, server, "place_chiefs.html", actor, tree=tree_of(found), filters=filters,
            names={f"{each.kind}/{each.code}": each.name for each in found},
            **_words(language_of_page(request)),
        )  # fmt: skip


@router.get("/places/import", response_class=HTMLResponse)
def show_import(server: Server, request: Request, actor: Analyst) -> HTMLResponse:
    """Bring in a file of places: first what it would change; and who changed what before."""
    with server.database.read() as session:
        return page(
            request, server, "place_import.html", actor, version=service.number_in_force(session),
            changes=service.list_changes(session, CHANGES, None).items, examples=[*example_files()],
            whole_city=actor.areas is None, **_words(language_of_page(request)),
        )  # fmt: skip


@router.get("/places/suggestions", response_class=HTMLResponse)
def show_suggestions(server: Server, request: Request, actor: Viewer, wanted: ClustersWanted) -> HTMLResponse:
    """Where confirmed issues lie densely, on a map and with reasons: a person makes a point of it."""
    language = language_of_page(request)
    with server.database.read() as session:
        found = suggest(session, actor, wanted, now(), language)
        return page(
            request, server, "place_suggestions.html", actor, wanted=wanted, found=found,
            clusters=[[each.lon, each.lat, each.radius_m, each.because] for each in found],
            aspects=_aspects(session, language), may_change=may(actor, Permission.ANALYSE),
            **_words(language),
        )  # fmt: skip


@router.get("/places/new", response_class=HTMLResponse)
def show_new(
    server: Server, request: Request, actor: Analyst, lon: Lon | None = None, lat: Lat | None = None,
    radius_m: Annotated[float | None, Query(ge=1, le=5000)] = None,
    why: Annotated[Text | None, Query(max_length=500)] = None,
) -> HTMLResponse:  # fmt: skip
    """Draw a place, and say what it is; of a suggestion its point and its reason are there already."""
    feature = None
    if lon is not None and lat is not None:
        point = {"type": "Point", "coordinates": [lon, lat]}
        feature = {"type": "Feature", "geometry": point, "properties": {"kind": "point"}}
    with server.database.read() as session:
        return page(
            request, server, "place_form.html", actor, place=None, feature=feature, version=0,
            proposed={"kind": "point", "radius_m": radius_m, "origin": "density", "reason": why or ""}
            if feature else {}, **_choices(session, language_of_page(request)),
        )  # fmt: skip


@router.get("/places/{kind}/{code}", response_class=HTMLResponse)
def show_one(
    server: Server, request: Request, actor: Viewer, kind: KindHere, code: CodeHere,
    version: Annotated[str | None, Query(max_length=40)] = None,
) -> HTMLResponse:  # fmt: skip
    """One place: what is said of it, where it lies, its issues, its scores, what it was before."""
    language = language_of_page(request)
    with server.database.read() as session:
        history = service.history_of(session, actor, kind, code)
        place = next((each for each in history if each.id == version), None) or _in_force(history)
        return page(
            request, server, "register_place.html", actor, place=PlaceShown.of(place),
            feature=PlaceFeature.of(place).model_dump(mode="json"), fixed=FIXED,
            history=[(PlaceShown.of(each), _differs(each, history)) for each in history],
            version=service.tag_of(session, kind, code), ended=_in_force(history).valid_to is not None,
            scores=_scores(session, server.settings, place, language), **_issues(session, actor, kind, code),
            aspect_name=_aspects(session, language).get(place.aspect or "", place.aspect),
            may_change=may(actor, Permission.ANALYSE), **_words(language), **said(session, actor, language),
        )  # fmt: skip


@router.get("/places/{kind}/{code}/edit", response_class=HTMLResponse)
def show_form(
    server: Server, request: Request, actor: Analyst, kind: KindHere, code: CodeHere
) -> HTMLResponse:
    """Change what is said of a place, or its outline, from a moment on."""
    with server.database.read() as session:
        place = service.find_place(session, kind, code, now(), actor)
        return page(
            request, server, "place_form.html", actor, place=PlaceShown.of(place),
            feature=PlaceFeature.of(place).model_dump(mode="json"),
            version=service.tag_of(session, kind, code), proposed={},
            **_choices(session, language_of_page(request)),
        )  # fmt: skip


def _words(language: Language) -> dict[str, Any]:
    """What kinds, scenes, grades, ... are called, each list by code."""
    return {
        "lists": {subject: {word.code: _begun(word.label(language)) for word in words(subject).values()}
                  for subject in LISTS}
    }  # fmt: skip


def _begun(text: str) -> str:
    """As headings and labels begin."""
    return text[:1].upper() + text[1:]


def _choices(session: ReadSession, language: Language) -> dict[str, Any]:
    return {
        "units": _units(session, now()), "aspects": _aspects(session, language), "fixed": FIXED,
        **_words(language),
    }  # fmt: skip


def _aspects(session: ReadSession, language: Language) -> dict[str, str]:
    grouping = groupings_in_force(session).by_code.get("aspect")
    return (
        {each.code: each.zh if language == "zh" else each.en for each in grouping.members} if grouping else {}
    )


def _units(session: ReadSession, moment: datetime) -> list[str]:
    """Units of people and of places."""
    named = session.scalars(select(Place.unit).where(service.in_force(moment)).distinct())
    return sorted({*list_units(session), *(each for each in named if each)})


def _counts(session: ReadSession, actor: Actor, moment: datetime) -> dict[str, int]:
    """How many places of each kind one may see."""
    seen = (Place.kind, func.count())
    rows = session.execute(
        select(*seen).where(in_scope(actor, Place.area_path), service.in_force(moment)).group_by(Place.kind)
    )
    return dict(rows.all())


def _in_force(history: Sequence[Place]) -> Place:
    """The version of now; else the newest that ever counted."""
    moment = now()
    alive = (each for each in history if each.valid_from <= moment and (each.valid_to or moment) >= moment)
    return next(alive, history[0])


def _differs(place: Place, history: Sequence[Place]) -> list[str]:
    """Names of what a version has that the one before it had not."""
    before = next((each for each in history if each.valid_from < place.valid_from), None)
    if before is None:
        return []
    plain = ("name", "peer_group", "scene", "aspect", "area_type", "grade", "unit", "co_units", "chief_1",
             "chief_2", "chief_3", "origin", "demonstration", "stage", "policy", "grid_code", "width_m",
             "radius_m", "five_fixed", "geometry")  # fmt: skip
    return [name for name in plain if getattr(place, name) != getattr(before, name)]


def _issues(session: ReadSession, actor: Actor, kind: str, code: str) -> dict[str, Any]:
    """The newest issues there, and how many there are in all."""
    there = IssuePlace.kind == kind, IssuePlace.code == code, visible(actor)
    joined = select(Issue).join(IssuePlace, IssuePlace.issue_id == Issue.id).where(*there)
    newest = session.scalars(joined.order_by(Issue.id.desc()).limit(ISSUES))
    count = session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    return {"issues": [*map(IssueShown.of, newest)], "issue_count": count}


def _scores(
    session: ReadSession, settings: Settings, place: Place, language: Language
) -> dict[str, tuple[str, dict[str, Any]]]:
    """By scheme that scores such places: its name, and the totals of the last closed months."""
    month, found = periods.current_month(settings), {}
    for key, name in adopted(session, settings, language).items():
        if scheme_for(session, key, month.starts).scheme.subjects == place.kind:
            totals = totals_of(session, key, months_until(month), place.code)
            found[key] = name, dict(sorted(totals.get(place.code, {}).items(), reverse=True))
    return found
