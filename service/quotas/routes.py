"""HTTP: patrol duties of chiefs and leaders."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response, Security

from streetsight.service.auth.access import Analyst, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Cursor, Limit, Server
from streetsight.service.documents import service as documents
from streetsight.service.documents.routes import Reason, add_document_routes
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.moments import Day
from streetsight.service.quotas import months, service
from streetsight.service.quotas.rules import QuotaRules, example_files, rules_in_force
from streetsight.service.quotas.schemas import (
    MissPage,
    OutingEntered,
    OutingSent,
    QuotaCode,
    QuotaMonth,
    QuotaRulesInForce,
    QuotaShown,
)
from streetsight.service.quotas.tables import QuotaRulesVersion

router = APIRouter(prefix="/v1/quotas", tags=["quotas"])

Reader = Annotated[Actor, Security(allowed(Permission.READ_STREET_ENTRIES))]
Code = Annotated[QuotaCode | None, Query(alias="quota")]


@router.get("")
def read_quotas(
    server: Server, actor: Reader, request: Request, code: Code = None,
    day: Annotated[Day | None, Query(description="In the period; today if not given.")] = None,
) -> list[QuotaShown]:  # fmt: skip
    """Who was outside how often, and who is behind: those who manage see their areas, others themselves."""
    with server.database.read() as session:
        return service.read_quotas(session, actor, code, day, server.settings, language_of(request))


@router.get("/months/{month}")
def read_month(
    server: Server, actor: Reader, request: Request, code: Code = None,
    month: str = Path(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="As 2026-11."),
) -> list[QuotaMonth]:  # fmt: skip
    """A month of duties: in each of its periods who was outside how often, and who has missed it."""
    with server.database.read() as session:
        return months.read_month(session, actor, code, month, server.settings, language_of(request))


@router.get("/misses")
def list_misses(
    server: Server, actor: Reader, limit: Limit = 50, cursor: Cursor = None, code: Code = None
) -> MissPage:
    """What was missed in periods that are over, the latest first."""
    with server.database.read() as session:
        return service.list_misses(session, actor, code, limit, cursor)


@router.post("/outings", status_code=201)
def enter_outing(server: Server, actor: Reader, sent: OutingSent) -> OutingEntered:
    """Write down that one was outside: where and when."""
    unit = partial(service.enter_outing, actor=actor, sent=sent, settings=server.settings)
    return OutingEntered.of(server.writer.run(unit))


@router.get("/rules")
def read_rules(server: Server, _actor: Reader, response: Response) -> QuotaRulesInForce:
    """The duties in force. The ETag is their version; 0 while there are none."""
    with server.database.read() as session:
        version, document = version_of(session, QuotaRulesVersion), rules_in_force(session)
    response.headers["ETag"] = etag(version.number if version else 0)
    return QuotaRulesInForce(version=VersionShown.of(version) if version else None, document=document)


@router.put("/rules")
def replace_rules(
    server: Server, actor: Analyst, document: QuotaRules, reason: Reason, wanted: IfMatch, response: Response
) -> VersionShown:
    """Put other duties in force; they count from the next whole period on."""
    version = server.writer.run(
        partial(
            documents.bring_in, actor=actor, table=QuotaRulesVersion, noun="quota_rules", document=document,
            reason=reason, wanted=wanted,
        )
    )  # fmt: skip
    response.headers["ETag"] = etag(version.number)
    return VersionShown.of(version)


add_document_routes(router, "/rules", QuotaRules, QuotaRulesVersion, example_files)
