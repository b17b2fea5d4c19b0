"""Pages: releases, which one is in force, how another compares, and what decisions teach."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.models.comparison import Comparison
from streetsight.models.language import SpokenError
from streetsight.models.listing import list_registry
from streetsight.models.registry import Registry
from streetsight.models.releases import SHIPPED, search_path
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.areas.service import named_areas
from streetsight.service.auth.access import Analyst, Viewer
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.dataset_versions import service as dataset_versions
from streetsight.service.dataset_versions.schemas import VersionShown
from streetsight.service.dataset_versions.tables import DatasetVersion
from streetsight.service.dependencies import Cursor, Id, Server
from streetsight.service.labels.counts import label_counts, most_doubtful
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.releases import redetecting
from streetsight.service.releases.choosing import newest_change
from streetsight.service.releases.comparing import case_of, registered
from streetsight.service.releases.service import list_changes
from streetsight.service.resources import Resources
from streetsight.service.store.sessions import ReadSession
from streetsight.service.training_runs import service as training_runs
from streetsight.service.training_runs.running import tail
from streetsight.service.training_runs.schemas import RunShown

router = APIRouter(include_in_schema=False)

CHANGES, DOUBTFUL, VERSIONS, RUNS = 20, 40, 50, 30


@router.get("/models", response_class=HTMLResponse)
def show_all(server: Server, request: Request, actor: Viewer, cursor: Cursor = None) -> HTMLResponse:
    """All releases, the one in force, and how it came so."""
    with server.database.read() as session:
        if wants_fragment(request):
            jobs = redetecting.under_way(session)
            return page(request, server, "_redetections.html", actor, jobs=jobs)
        changes = list_changes(session, CHANGES, cursor)
        return page(
            request, server, "models.html", actor, **_in_force(server, language_of_page(request)),
            releases=list_registry(Registry(search_path())), change=newest_change(session),
            changes=changes.items, next_cursor=changes.next_cursor, jobs=redetecting.under_way(session),
            areas=named_areas(session, actor), own=search_path()[0] != SHIPPED,
        )  # fmt: skip


@router.get("/models/data", response_class=HTMLResponse)
def show_data(server: Server, request: Request, actor: Viewer) -> HTMLResponse:
    """What was decided so far, as labels, and what to decide next."""
    card, language = server.looker.release.card, language_of_page(request)
    with server.database.read() as session:
        built = [VersionShown.of(each, language) for each in _versions(session, actor)]
        if wants_fragment(request):
            return page(request, server, "_versions.html", actor, versions=built, labels=_labels(language))
        return page(
            request, server, "models_data.html", actor, counts=label_counts(session, actor),
            doubtful=most_doubtful(session, actor, card.classes, DOUBTFUL), versions=built,
            labels=_labels(language), areas=named_areas(session, actor), conditions=_conditions(language),
        )  # fmt: skip


@router.get("/models/training", response_class=HTMLResponse)
def show_runs(server: Server, request: Request, actor: Analyst, cursor: Cursor = None) -> HTMLResponse:
    """Training runs, and starting one."""
    language = language_of_page(request)
    with server.database.read() as session:
        found = training_runs.list_runs(session, RUNS, cursor)
        shown = [RunShown.of(each, language) for each in found.items]
        if wants_fragment(request):
            return page(request, server, "_runs.html", actor, runs=shown, next_cursor=found.next_cursor)
        return page(
            request, server, "models_training.html", actor, runs=shown, next_cursor=found.next_cursor,
            versions=dataset_versions.built(session), releases=list_registry(Registry(search_path())),
            recipes=training_runs.RECIPES, installed=training_runs.is_installed(),
            own=search_path()[0] != SHIPPED, active=server.looker.release,
        )  # fmt: skip


@router.get("/models/training/{run_id}", response_class=HTMLResponse)
def show_run(server: Server, request: Request, actor: Analyst, run_id: Id) -> HTMLResponse:
    """One run: how far it is, what it says, and a way to end it."""
    with server.database.read() as session:
        run = training_runs.find(session, run_id)
        version = dataset_versions.find(session, run.version_id)
    return page(
        request, server, "_run.html" if wants_fragment(request) else "training_run.html", actor,
        run=RunShown.of(run, language_of_page(request)), version=version,
        log=tail(training_runs.run_folder(server.settings, run.id)),
    )  # fmt: skip


@router.get("/models/{name}", response_class=HTMLResponse)
def show_one(server: Server, request: Request, actor: Viewer, name: str) -> HTMLResponse:
    """One release: its card, and how it does beside the one in force."""
    registry, language = Registry(search_path()), language_of_page(request)
    release = registered(registry, name)
    case = case_of(registry, release)
    with server.database.read() as session:
        change = newest_change(session)
    return page(
        request, server, "release.html", actor, release=release, card=release.card, case=case,
        curves=_curves(case.comparison, language) if case.comparison else [],
        labels=_labels(language), change=change, **_in_force(server, language),
    )  # fmt: skip


def _in_force(server: Resources, language: Language) -> dict[str, Any]:
    trouble = None
    try:
        server.releases.check()
    except SpokenError as error:
        trouble = error.say(language)
    return {"active": server.looker.release, "trouble": trouble}


def _versions(session: ReadSession, actor: Actor) -> list[DatasetVersion]:
    """Those that there are, for who may build them."""
    if not may(actor, Permission.ANALYSE):
        return []
    found = dataset_versions.list_versions(session, VERSIONS, None).items
    return [each for each in found if each.state != "deleted"]


def _conditions(language: Language) -> dict[str, str]:
    return {each.name: each.label(language) for each in default_taxonomy().conditions.values()}


def _labels(language: Language) -> dict[str, str]:
    """What classes and conditions are called."""
    taxonomy = default_taxonomy()
    classes = {each.name: each.label(language) for each in taxonomy.classes}
    return {**classes, **_conditions(language)}


def _curves(comparison: Comparison, language: Language) -> list[dict[str, Any]]:
    labels = _labels(language)
    return [{**each.model_dump(), "label": labels.get(each.name, each.name)} for each in comparison.curves]
