"""The web application: this file only puts the parts together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TypedDict

import anyio.to_thread
from fastapi import FastAPI

from streetsight.service import health
from streetsight.service.detections import routes as detections
from streetsight.service.devices import routes as devices
from streetsight.service.errors import install_error_handlers
from streetsight.service.frames import routes as frames
from streetsight.service.middleware import BodyLimit, RequestLog
from streetsight.service.patrols import routes as patrols
from streetsight.service.resources import Resources, opened
from streetsight.service.settings import Settings

ROUTERS = (health.router, devices.router, patrols.router, frames.router, detections.router)


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
    one, many = int(settings.max_photo_bytes), int(settings.max_batch_bytes)
    json = int(settings.max_json_bytes)
    limits = {"/v1/frames": one + json, "/v1/detect": one + json, "/v1/frames/batch": many + json}
    app.add_middleware(BodyLimit, default=json, routes=limits)
    app.add_middleware(RequestLog)
    return app
