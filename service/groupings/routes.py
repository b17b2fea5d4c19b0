"""HTTP: the city's groupings."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from streetsight.service.auth.access import Analyst
from streetsight.service.calendar.routes import TaskReader
from streetsight.service.dependencies import Server, Text
from streetsight.service.documents.routes import Reason, add_document_routes
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.groupings import service
from streetsight.service.groupings.reading import GroupingDocument, example_files
from streetsight.service.groupings.schemas import GroupingsInForce, GroupShown
from streetsight.service.groupings.tables import GroupingVersion

router = APIRouter(prefix="/v1/groupings", tags=["groupings"])

Word = Annotated[Text | None, Query(max_length=60)]


@router.get("")
def read_groupings(server: Server, _actor: TaskReader, response: Response) -> GroupingsInForce:
    """The groupings in force. The ETag is their version; 0 while the shipped ones count."""
    with server.database.read() as session:
        version = version_of(session, GroupingVersion)
        document = service.groupings_in_force(session)
    response.headers["ETag"] = etag(version.number if version else 0)
    shown = VersionShown.of(version) if version else None
    return GroupingsInForce(version=shown, shipped=version is None, document=document)


@router.put("")
def replace_groupings(
    server: Server, actor: Analyst, document: GroupingDocument, reason: Reason, wanted: IfMatch,
    response: Response,
) -> VersionShown:  # fmt: skip
    """Put other groupings in force. Months that are closed keep the ones that they were closed with."""
    unit = partial(service.bring_in, actor=actor, document=document, reason=reason, wanted=wanted)
    version = server.writer.run(unit)
    response.headers["ETag"] = etag(version.number)
    return VersionShown.of(version)


@router.get("/of")
def read_groups(
    server: Server,
    _actor: TaskReader,
    request: Request,
    condition: Annotated[str, Query(pattern="^[a-z][a-z0-9_]{0,59}$")] = "other",
    class_name: Annotated[Text | None, Query(alias="class", max_length=60)] = None,
    code: Word = None,
    scheme: Word = "GB/T 47678.5-2026",
) -> list[GroupShown]:
    """Where a condition, a class or a code belongs."""
    with server.database.read() as session:
        document = service.groupings_in_force(session)
    named = {"scheme": scheme, "code": code} if code else None
    return GroupShown.all_of(document, condition, class_name, named, language_of(request))


add_document_routes(router, "", GroupingDocument, GroupingVersion, example_files)
