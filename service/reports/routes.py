"""HTTP: report without an account, import tickets, sort what came in."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, Security
from starlette.datastructures import UploadFile

from streetsight.inference.positions.profile import Crs
from streetsight.service.audit.service import record
from streetsight.service.auth.access import Follower, Reviewer, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.reports import service
from streetsight.service.reports.forms import OpenToAll, PublicForm, form_schema, read_said
from streetsight.service.reports.intake import file_with_photos
from streetsight.service.reports.schemas import (
    ImportReceipt,
    Progress,
    ReportChange,
    ReportPage,
    ReportReceipt,
    ReportShown,
    ReportToken,
    Source,
)
from streetsight.service.reports.tables import Report
from streetsight.service.reports.tickets import BadTickets, Declared, import_tickets
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import open_sealer

router = APIRouter(prefix="/v1/reports", tags=["reports"])

Clerk = Annotated[Actor, Security(allowed(Permission.HANDLE_REPORTS))]


async def ticket_file(request: Request, _actor: Clerk) -> bytes:
    """Dependency: the file `file` of a body, read only for who may import. Raises BadTickets."""
    async with request.form(max_files=1, max_fields=2) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise BadTickets("expected multipart/form-data with the file part file")
        return await file.read()


TicketFile = Annotated[bytes, Depends(ticket_file)]
FILE_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object", "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}  # fmt: skip


@router.post("", status_code=201, openapi_extra=form_schema(("text",)))
def report(server: Server, form: PublicForm, response: Response) -> ReportReceipt:
    """Report something, without an account: text, photos, or both. Off unless the settings say so."""
    said = read_said(form.fields, "citizen", "map_pin")
    filed = file_with_photos(server, said, form.photos, open_sealer(server.settings))
    assert filed.token is not None  # a citizen's report has no ticket that could have come before
    return ReportReceipt(id=filed.report.id, token=filed.token, received_at=filed.report.created_at)


@router.post("/state")
def ask(server: Server, sent: ReportToken, _open: OpenToAll) -> Progress:
    """What became of the report of a token."""
    with server.database.read() as session:
        return service.ask(session, sent.token)


@router.post("/import", openapi_extra=FILE_SCHEMA)
def import_file(
    server: Server,
    actor: Clerk,
    request: Request,
    content: TicketFile,
    crs: Annotated[Crs | None, Query(description="Of coordinates on lines that name no system.")] = None,
) -> ImportReceipt:
    """Take the tickets of a hotline in: CSV. Each line has an outcome; a ticket twice is one report."""
    receipt = import_tickets(
        actor, content, Declared(crs, server.settings.zone), service.categories_of(server.settings),
        open_sealer(server.settings), server.writer.run, language_of(request),
    )  # fmt: skip
    details = receipt.model_dump(include={"accepted", "duplicate", "refused"})
    server.writer.run(
        partial(record, actor=actor, action="report.imported", subject="report/file", details=details)
    )
    return receipt


@router.get("")
def list_reports(
    server: Server,
    actor: Follower,
    limit: Limit = 50,
    cursor: Cursor = None,
    source: Source | None = None,
    waiting: Annotated[bool | None, Query(description="For a person to sort them.")] = None,
    candidate_id: Id | None = None,
) -> ReportPage:
    """Reports in the areas that you may see, newest first."""
    with server.database.read() as session:
        found = service.list_reports(session, actor, limit, cursor, source, waiting, candidate_id)
        return ReportPage(items=service.shown(session, found.items), next_cursor=found.next_cursor)


@router.get("/{report_id}")
def read_report(server: Server, actor: Follower, report_id: Id, response: Response) -> ReportShown:
    """One report; its ETag is what a change has to name."""
    with server.database.read() as session:
        found = service.find_report(session, actor, report_id)
    return _shown(server, found, response)


@router.patch("/{report_id}")
def sort_report(
    server: Server, actor: Reviewer, report_id: Id, version: IfMatch, change: ReportChange, response: Response
) -> ReportShown:
    """Sort or place a report that waits, which makes a candidate of it, or set it aside with a reason."""
    found = server.writer.run(
        partial(
            service.sort_report, actor=actor, report_id=report_id, version=version, change=change,
            categories=service.categories_of(server.settings),
        )
    )  # fmt: skip
    return _shown(server, found, response)


@router.post("/{report_id}/contact")
def read_contact(server: Server, actor: Clerk, report_id: Id) -> dict[str, Any]:
    """Who made the report: name, phone, email as far as they were given. Each look is recorded."""
    sealer = open_sealer(server.settings)
    return dict(
        server.writer.run(partial(service.read_contact, actor=actor, report_id=report_id, sealer=sealer))
    )


def _shown(server: Resources, report: Report, response: Response) -> ReportShown:
    response.headers["ETag"] = etag(report.version)
    with server.database.read() as session:
        return service.shown(session, [report])[0]
