"""HTTP: the next leads to review, kept from others for a while."""

from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request

from streetsight.service.auth.access import Reviewer
from streetsight.service.candidates.routes import Wanted
from streetsight.service.candidates.trace import trace
from streetsight.service.dependencies import Server
from streetsight.service.errors import language_of
from streetsight.service.reviewing import service
from streetsight.service.reviewing.policy import Policy, load_policy
from streetsight.service.reviewing.schemas import DeskAsked, NextAsked, NextShown
from streetsight.service.reviewing.service import MOST_AT_ONCE, Desk
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/review", tags=["review"])

Count = Annotated[int, Query(ge=0, le=MOST_AT_ONCE, description="Most new leads.")]


@router.post("/next")
def take_next(
    server: Server, actor: Reviewer, request: Request, filters: Wanted, asked: NextAsked, count: Count = 1
) -> NextShown:
    """The next open leads that nobody else has; they are yours for `STREETSIGHT_REVIEW_LEASE_SECONDS`.

    Filters are those of `GET /v1/candidates`, but for `state`. Ask again, with `holding`, to keep them
    longer. A lease keeps nobody from deciding: that goes by version, as everywhere.
    """
    desk, seconds = Desk(actor.id, asked.desk), server.settings.review_lease_seconds
    policy = load_policy(server.settings.review_policy)
    with server.database.read() as session:
        found = service.pick(session, actor, desk, filters, policy, count, asked.holding + asked.passed)
        held = [each.id for each in service.still_open(session, actor, asked.holding)]
    if asked.passed:
        server.writer.run(partial(service.release, desk=desk, ids=asked.passed))
    kept = server.writer.run(partial(service.take, desk=desk, ids=held, count=len(held), seconds=seconds))
    taken = server.writer.run(partial(service.take, desk=desk, ids=found, count=count, seconds=seconds))
    with server.database.read() as session:
        language = language_of(request)
        items = [trace(session, actor, each, language) for each in service.still_open(session, actor, taken)]
        waiting = service.count_waiting(session, actor, filters)
    lost = [each for each in asked.holding if each not in kept]
    return NextShown(items=items, lost=lost, waiting=waiting, expires_at=now() + timedelta(seconds=seconds))


@router.post("/release", status_code=204)
def release(server: Server, actor: Reviewer, asked: DeskAsked) -> None:
    """Let others have what this desk has; pages say so when they are left."""
    server.writer.run(partial(service.release, desk=Desk(actor.id, asked.desk)))


@router.get("/policy")
def read_policy(server: Server, _actor: Reviewer) -> Policy:
    """The order in force: priority = risk x uncertainty x age, the highest first."""
    return load_policy(server.settings.review_policy)
