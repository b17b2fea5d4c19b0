"""HTTP: the city's deadlines and supervision steps."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from streetsight.inference.rules.settings import Level
from streetsight.service import dependencies
from streetsight.service.auth.access import Analyst
from streetsight.service.calendar import service
from streetsight.service.calendar.clocks import due
from streetsight.service.calendar.deadlines import Described, fits
from streetsight.service.calendar.reading import DeadlineDocument, example_files
from streetsight.service.calendar.routes import Number, Reason, TaskReader
from streetsight.service.calendar.schemas import LimitFound
from streetsight.service.calendar.tables import DeadlineVersion
from streetsight.service.dependencies import Cursor, Server, Text
from streetsight.service.documents import service as documents
from streetsight.service.documents.reading import read_file
from streetsight.service.documents.schemas import ExampleShown, InForce, VersionPage, VersionShown
from streetsight.service.documents.service import NoVersion, version_of
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


@router.get("/examples")
def list_examples(_actor: Analyst) -> list[ExampleShown]:
    """Shipped tables."""
    found = {name: read_file(path, DeadlineDocument) for name, path in example_files("deadlines").items()}
    return [ExampleShown(name=name, title=each.name, source=each.source) for name, each in found.items()]


@router.get("/examples/{name}")
def read_example(
    _actor: Analyst, name: Annotated[str, Path(pattern="^[a-z0-9-]{1,60}$")]
) -> DeadlineDocument:
    """A shipped table, to change and bring in."""
    path = example_files("deadlines").get(name)
    if path is None:
        raise NoVersion("there is no example {name}", name=name)
    return read_file(path, DeadlineDocument)


@router.get("/versions")
def list_versions(
    server: Server, _actor: Analyst, limit: dependencies.Limit = 50, cursor: Cursor = None
) -> VersionPage:
    """All versions, newest first: who, when, why."""
    with server.database.read() as session:
        found = documents.list_versions(session, DeadlineVersion, limit, cursor)
    return VersionPage(items=[*map(VersionShown.of, found.items)], next_cursor=found.next_cursor)


@router.get("/versions/{number}")
def read_version(server: Server, _actor: Analyst, number: Number) -> DeadlineDocument:
    """One version, as it came."""
    with server.database.read() as session:
        version = version_of(session, DeadlineVersion, number)
    assert version is not None
    return DeadlineDocument.model_validate(version.document)
