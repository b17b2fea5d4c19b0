"""HTTP: is the process alive, can it do its work, how is it doing. Open to all; gives nothing away."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from shutil import disk_usage
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError, translate
from streetsight.service.dependencies import Server
from streetsight.service.errors import language_of, problem
from streetsight.service.jobs.queue import counts
from streetsight.service.metrics import Gauge, exposition
from streetsight.service.resources import Resources
from streetsight.service.store.database import spoken
from streetsight.service.webhooks.outbox import pending_by_name

router = APIRouter(tags=["health"])

METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers. Restart it when it does not."""
    return {"status": "ok"}


@router.get("/readyz", response_model=None, responses={503: {"description": "Something does not answer."}})
def ready(server: Server, request: Request) -> JSONResponse:
    """Database, storage and release can be used. Send no traffic while they cannot."""
    checks: dict[str, Callable[[], Any]] = {
        "database": server.database.check, "files": server.blobs.check, "release": server.releases.check,
    }  # fmt: skip
    failed = {name: fault for name, check in checks.items() if (fault := _fault(check)) is not None}
    language = language_of(request)
    found = {name: failed[name].say(language) if name in failed else None for name in checks}
    if failed:
        detail = translate("not ready: {failing}", language, failing=", ".join(failed))
        codes = {name: getattr(fault, "code", None) for name, fault in failed.items()}
        return problem(request, 503, "not_ready", detail, {"Retry-After": "5"}, checks=found, codes=codes)
    return JSONResponse(
        {
            "status": "ready", "release": server.looker.release.address, "checks": found,
            "redaction": server.publisher.state(),
        }
    )  # fmt: skip


@router.get("/metrics", response_class=Response)
def metrics(server: Server) -> Response:
    """Prometheus' text format."""
    return Response(exposition(lambda: _gauges(server)), media_type=METRICS_MEDIA_TYPE)


def _fault(check: Callable[[], Any]) -> SpokenError | None:
    """Why a check failed; None when it did not."""
    try:
        check()
    except (SpokenError, SQLAlchemyError) as error:
        return spoken(error)
    return None


def _gauges(server: Resources) -> list[Gauge]:
    """What is true at this moment; what does not answer is left out, so that counters are told without it."""
    try:
        waiting = _waiting(server)
    except (SpokenError, SQLAlchemyError):
        waiting = None
    up: Gauge = ("streetsight_database_up", "Whether the database answers", {}, float(waiting is not None))
    return [up, *(waiting or []), *_rooms(server)]


def _waiting(server: Resources) -> list[Gauge]:
    with server.database.read() as session:
        jobs, pending = counts(session), pending_by_name(session)
    text = "Jobs that are there, by kind and state"
    gauges: list[Gauge] = [
        ("streetsight_queue_depth", text, {"kind": kind, "state": state}, float(count))
        for (kind, state), count in jobs.items()
    ]
    text = "Events that wait to be sent to a webhook"
    return gauges + [
        ("streetsight_outbox_pending", text, {"destination": name}, float(count))
        for name, count in pending.items()
    ]


def _rooms(server: Resources) -> Iterator[Gauge]:
    text = "Room left in the data folder, and for photos where that has an end"
    rooms: dict[str, Callable[[], int | None]] = {
        "files": server.blobs.free_bytes,
        "data": lambda: disk_usage(server.settings.data_folder).free,  # of uploads in pieces
    }
    for name, room in rooms.items():
        with suppress(SpokenError, OSError):  # a disk that is gone, of which /readyz tells
            if (free := room()) is not None:
                yield "streetsight_storage_free_bytes", text, {"storage": name}, float(free)
