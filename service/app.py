"""The web application: this file only puts the parts together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TypedDict

import anyio.to_thread
from fastapi import FastAPI

from streetsight.service import health
from streetsight.service.areas import routes as areas
from streetsight.service.audit import routes as audit
from streetsight.service.bulletins import routes as bulletins
from streetsight.service.calendar import deadline_routes as deadlines
from streetsight.service.calendar import routes as calendar
from streetsight.service.campaigns import routes as campaigns
from streetsight.service.candidates import routes as candidates
from streetsight.service.coverage import routes as coverage
from streetsight.service.dataset_versions import routes as dataset_versions
from streetsight.service.decisions import routes as decisions
from streetsight.service.departures import routes as departures
from streetsight.service.detections import routes as detections
from streetsight.service.devices import agent_routes
from streetsight.service.devices import routes as devices
from streetsight.service.errors import install_error_handlers
from streetsight.service.events import routes as events
from streetsight.service.frames import routes as frames
from streetsight.service.groupings import routes as groupings
from streetsight.service.issues import code_routes as codes
from streetsight.service.issues import routes as issues
from streetsight.service.labels import routes as labels
from streetsight.service.labelstudio import routes as labelstudio
from streetsight.service.middleware import BodyLimit, RequestLog
from streetsight.service.open311 import key_routes as open311_keys
from streetsight.service.open311 import routes as open311
from streetsight.service.outside import routes as outside
from streetsight.service.pages import administration as administration_pages
from streetsight.service.pages import campaigns as campaigns_pages
from streetsight.service.pages import city as city_pages
from streetsight.service.pages import devices as devices_pages
from streetsight.service.pages import duties as duties_pages
from streetsight.service.pages import filing, leads, map, review, signing_in, static, tasks
from streetsight.service.pages import issues as issues_pages
from streetsight.service.pages import models as models_pages
from streetsight.service.pages import patrols as patrols_pages
from streetsight.service.pages import places as places_pages
from streetsight.service.pages import schemes as schemes_pages
from streetsight.service.pages import score_sheets as sheet_pages
from streetsight.service.pages import score_work as score_work_pages
from streetsight.service.pages import scores as scores_pages
from streetsight.service.pages import shops as shops_pages
from streetsight.service.pages import webhooks as webhooks_pages
from streetsight.service.pages.errors import install_error_pages
from streetsight.service.patrols import routes as patrols
from streetsight.service.people import oidc_routes as oidc
from streetsight.service.people import routes as people
from streetsight.service.people import self_routes as own
from streetsight.service.people import session_routes as sessions
from streetsight.service.people import setup_routes as setup
from streetsight.service.photos import routes as photos
from streetsight.service.places import routes as places
from streetsight.service.privacy import routes as privacy
from streetsight.service.profiles import routes as profiles
from streetsight.service.quotas import routes as quotas
from streetsight.service.releases import routes as releases
from streetsight.service.reports import page_routes as report_page
from streetsight.service.reports import routes as reports
from streetsight.service.resources import Resources, opened
from streetsight.service.retention import routes as retention
from streetsight.service.reviewing import routes as reviewing
from streetsight.service.scoring import routes as scores
from streetsight.service.settings import Settings
from streetsight.service.shops import routes as shops
from streetsight.service.sightings import routes as sightings
from streetsight.service.tracks import routes as tracks
from streetsight.service.training_runs import routes as training_runs
from streetsight.service.uploads import routes as uploads
from streetsight.service.uploads.routes import PREFIX as UPLOADS
from streetsight.service.uploads.routes import TusHeaders
from streetsight.service.webhooks import routes as webhooks
from streetsight.service.zones import routes as zones

ROUTERS = (
    health.router, agent_routes.router, devices.router, patrols.router, frames.router, detections.router,
    areas.router, zones.router, releases.router, uploads.router, labelstudio.router,
    events.router, webhooks.router, reports.router, report_page.router,
    open311.router, open311_keys.router,
    profiles.router, tracks.router, coverage.router,
    sightings.router, candidates.router, decisions.router, outside.router, issues.router, codes.router,
    labels.router, reviewing.router,
    photos.router, calendar.router, deadlines.router, groupings.router, places.router,
    campaigns.router, shops.router, quotas.router,
    scores.schemes, scores.router, scores.days, bulletins.router,
    sessions.router, oidc.router, own.router, people.router, setup.router, audit.router, departures.router,
    dataset_versions.router, training_runs.router,
    privacy.router, retention.router,
    static.router, signing_in.router, filing.router, review.router, map.router, leads.router,
    tasks.router, issues_pages.router, patrols_pages.router, devices_pages.router, models_pages.router,
    administration_pages.router, city_pages.router, webhooks_pages.router,
    scores_pages.router, score_work_pages.router, sheet_pages.router, schemes_pages.router,
    places_pages.router, campaigns_pages.router, shops_pages.router,
    duties_pages.router,
)  # fmt: skip


class State(TypedDict):
    """What the lifespan hands to every request."""

    resources: Resources


def create_app(settings: Settings) -> FastAPI:
    """The application. Nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        opening = opened(settings)
        resources = await anyio.to_thread.run_sync(opening.__enter__)
        try:
            yield {"resources": resources}
        finally:
            await anyio.to_thread.run_sync(opening.__exit__, None, None, None)

    app = FastAPI(
        title="Streetsight", version=version("streetsight"), lifespan=lifespan,
        summary="Patrol photos in, street-condition leads out",
        docs_url=None, redoc_url=None,  # their pages load scripts from a CDN
    )  # fmt: skip
    for router in ROUTERS:
        app.include_router(router)
    install_error_handlers(app)
    install_error_pages(app)
    one, many = int(settings.max_photo_bytes), int(settings.max_batch_bytes)
    json, maps = int(settings.max_json_bytes), int(settings.max_map_bytes)
    limits = {
        "/v1/frames": one + json, "/v1/photos": one + json, "/v1/detect": one + json,
        "/v1/frames/batch": many + json,
        "/v1/areas": maps, "/v1/zones": maps, "/v1/places": maps, "/v1/places/attributes": maps,
        "/v1/patrols/*/track": maps,
        **{f"/open311/v2/requests{suffix}": 3 * one + json for suffix in ("", ".json", ".xml")},
        **{f"{UPLOADS}{rest}": int(settings.max_upload_bytes) for rest in ("", "/*")},
        "/labelstudio/predict": many,
        "/v1/reports": 3 * one + json, "/report": 3 * one + json, "/v1/reports/import": maps,
        "/v1/shops/import": maps,
    }  # fmt: skip
    app.add_middleware(BodyLimit, default=json, routes=limits)
    app.add_middleware(TusHeaders)
    app.add_middleware(RequestLog)
    return app
