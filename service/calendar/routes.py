"""HTTP: the city's working calendar."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, Security

from streetsight.service.auth.access import Analyst, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.calendar import service
from streetsight.service.calendar.clocks import Clock, Limit, due
from streetsight.service.calendar.reading import CalendarDocument, example_files
from streetsight.service.calendar.schemas import DayShown, DueShown
from streetsight.service.calendar.tables import CalendarVersion
from streetsight.service.dependencies import Server
from streetsight.service.documents.routes import Reason, add_document_routes
from streetsight.service.documents.schemas import InForce, VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.moments import Moment
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/calendar", tags=["calendar"])

TaskReader = Annotated[Actor, Security(allowed(Permission.READ_TASKS))]


@router.get("")
def read_calendar(server: Server, _actor: TaskReader, response: Response) -> InForce[CalendarDocument]:
    """The calendar in force. The ETag is its version; 0 while there is none."""
    with server.database.read() as session:
        version = version_of(session, CalendarVersion)
    response.headers["ETag"] = etag(version.number if version else 0)
    document = CalendarDocument.model_validate(version.document) if version else None
    return InForce(version=VersionShown.of(version) if version else None, document=document)


@router.put("")
def replace_calendar(
    server: Server, actor: Analyst, document: CalendarDocument, reason: Reason, wanted: IfMatch,
    response: Response,
) -> VersionShown:  # fmt: skip
    """Put another calendar in force. Deadlines that were given stay as they are."""
    unit = partial(service.bring_in, actor=actor, document=document, reason=reason, wanted=wanted)
    version = server.writer.run(unit)
    response.headers["ETag"] = etag(version.number)
    return VersionShown.of(version)


@router.get("/days/{day}")
def read_day(server: Server, _actor: TaskReader, day: date) -> DayShown:
    """Whether a day is worked, and when."""
    with server.database.read() as session:
        calendar = service.calendar_in_force(session, server.settings.zone)
    shifts = [(opens.astimezone(calendar.zone), closes.astimezone(calendar.zone))
              for opens, closes in calendar.shifts(day)]  # fmt: skip
    return DayShown(day=day, working=bool(shifts), shifts=shifts)


@router.get("/due")
def read_due(
    server: Server,
    _actor: TaskReader,
    request: Request,
    clock: Clock,
    amount: Annotated[int, Query(ge=0, le=100_000, description="Minutes, or days for clocks of days.")],
    start: Moment | None = None,
) -> DueShown:
    """When a limit ends that begins at a moment, now if none is given."""
    begin, limit = start or now(), Limit(clock, amount)
    with server.database.read() as session:
        calendar = service.calendar_in_force(session, server.settings.zone)
    moment = due(limit, begin, calendar).astimezone(calendar.zone)
    return DueShown(start=begin, due_at=moment, says=limit.say(language_of(request)))


add_document_routes(router, "", CalendarDocument, CalendarVersion, partial(example_files, "calendar"))
