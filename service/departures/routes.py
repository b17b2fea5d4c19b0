"""HTTP: what left the system, for admins who see everywhere."""

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from streetsight.service.audit.routes import Auditor, require_everywhere
from streetsight.service.departures import service
from streetsight.service.departures.schemas import DeparturePage, DepartureShown, csv_lines
from streetsight.service.dependencies import Cursor, Limit, Server, Text
from streetsight.service.moments import Bound
from streetsight.service.resources import Resources

router = APIRouter(prefix="/v1/departures", tags=["audit"])


@router.get("", response_model=DeparturePage)
def list_departures(
    server: Server,
    actor: Auditor,
    limit: Limit = 50,
    cursor: Cursor = None,
    channel: service.Channel | None = None,
    by: Annotated[Text | None, Query(alias="actor", max_length=100, description="Id of who took it.")] = None,
    since: Bound | None = None,
    before: Bound | None = None,
    form: Annotated[Literal["json", "csv"], Query(alias="format", description="csv: all of them.")] = "json",
) -> DeparturePage | Response:
    """Who took what out of the system, when, and how much of it; newest first, a file oldest first."""
    require_everywhere(actor)
    wanted = service.Wanted(channel, by, since, before)
    if form == "csv":
        headers = {
            "Content-Disposition": 'attachment; filename="departures.csv"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(_csv(server, wanted), headers=headers, media_type="text/csv; charset=utf-8")
    with server.database.read() as session:
        found = service.list_departures(session, wanted, limit, cursor)
    items = [DepartureShown.model_validate(each) for each in found.items]
    return DeparturePage(items=items, next_cursor=found.next_cursor)


def _csv(server: Resources, wanted: service.Wanted) -> Iterator[str]:
    with server.exports.entered(), server.database.read() as session:
        yield from csv_lines(service.departures(session, wanted), server.settings.zone)
