"""HTTP: the city's deadlines and supervision steps."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from streetsight.inference.rules.settings import Level
from streetsight.service.auth.access import Analyst
from streetsight.service.calendar import service
from streetsight.service.calendar.clocks import due
from streetsight.service.calendar.deadlines import Described, fits
from streetsight.service.calendar.reading import DeadlineDocument, example_files
from streetsight.service.calendar.routes import TaskReader
from streetsight.service.calendar.schemas import LimitFound
from streetsight.service.calendar.tables import DeadlineVersion
from streetsight.service.dependencies import Server, Text
from streetsight.service.documents.routes import Reason, add_document_routes
from streetsight.service.documents.schemas import InForce, VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/deadlines", tags=["calendar"])

Word = Annotated[Text | None, Query(max_length=200)]


@router.get("")
def read_deadlines(server: Server, _actor: TaskReader, response: Response) -> InForce[DeadlineDocument]:
    """The table in force. The ETag is its version; 0 while there is none."""
    with server.database.read() as session:
        version = version_of(session, DeadlineVersion)
    response.headers["ETag"] = etag(version.number if version else 0)
    document = DeadlineDocument.model_validate(version.document) if version else None
    return InForce(version=VersionShown.of(version) if version else None, document=document)


@router.put("")
def replace_deadlines(
    server: Server, actor: Analyst, document: DeadlineDocument, reason: Reason, wanted: IfMatch,
    response: Response,
) -> VersionShown:  # fmt: skip
    """Put another table in force. Deadlines that were given stay as they are."""
    unit = partial(service.bring_in, actor=actor, document=document, reason=reason, wanted=wanted)
    version = server.writer.run(unit)
    response.headers["ETag"] = etag(version.number)
    return VersionShown.of(version)


@router.get("/limits")
def find_limits(
    server: Server,
    _actor: TaskReader,
    request: Request,
    code: Word = None,
    scheme: Word = "GB/T 47678.5-2026",
    condition: Word = None,
    class_name: Annotated[Text | None, Query(alias="class", max_length=60)] = None,
    severity: Level | None = None,
    area: Annotated[Text | None, Query(max_length=200, description="Path of an area.")] = None,
    area_type: Word = None,
) -> LimitFound:
    """Which limits of the table fit, the one that counts first, and when a task given now would be due."""
    named = {"scheme": scheme, "code": code} if code else None
    subject = Described(named, condition or "", class_name, severity, area, area_type)
    with server.database.read() as session:
        table = service.deadlines_in_force(session)
        calendar = service.calendar_in_force(session, server.settings.zone)
    found = [row for row in table.limits if fits(row, subject)]
    if not found:
        return LimitFound(limits=[], says=None, due_at=None)
    first = found[0].made()
    moment = due(first, now(), calendar).astimezone(calendar.zone)
    return LimitFound(limits=found, says=first.say(language_of(request)), due_at=moment)


add_document_routes(router, "", DeadlineDocument, DeadlineVersion, partial(example_files, "deadlines"))
