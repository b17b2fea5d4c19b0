"""HTTP: the audit log, for admins who see everywhere."""

from typing import Annotated

from fastapi import APIRouter, Query, Security

from streetsight.service.audit import service
from streetsight.service.audit.schemas import AuditPage, EntryShown, Head
from streetsight.service.auth.access import NotAllowed, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Limit, Server, Text
from streetsight.service.moments import Bound

router = APIRouter(prefix="/v1/audit", tags=["audit"])

Auditor = Annotated[Actor, Security(allowed(Permission.READ_AUDIT))]


def require_everywhere(actor: Actor) -> None:
    """Raises NotAllowed for who looks after some areas alone."""
    if actor.areas is not None:
        raise NotAllowed("the log is of everywhere, and you look after some areas")


@router.get("")
def list_entries(
    server: Server,
    actor: Auditor,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    by: Annotated[Text | None, Query(alias="actor", max_length=100, description="Id of who acted.")] = None,
    action: Annotated[
        str | None, Query(pattern=r"^[a-z_]{1,30}(\.[a-z_]{1,30})?$", description="`noun.verb`, or `noun`.")
    ] = None,
    subject: Annotated[Text | None, Query(max_length=200, description="`noun/id`.")] = None,
    since: Bound | None = None,
    before: Bound | None = None,
) -> AuditPage:
    """What was done, newest first."""
    require_everywhere(actor)
    wanted = service.Wanted(by, action, subject, since, before)
    with server.database.read() as session:
        entries, next_cursor = service.list_entries(session, wanted, limit, cursor)
        last = service.head(session)
    return AuditPage(
        items=[*map(EntryShown.of, entries)], next_cursor=next_cursor,
        head=Head(number=last.number, hash=last.hash) if last else None,
    )  # fmt: skip
