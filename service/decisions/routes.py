"""HTTP: decide of candidates, one or many; read what was decided."""

from concurrent.futures import Future
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.auth.access import Reviewer, Viewer
from streetsight.service.candidates import queries
from streetsight.service.decisions import service
from streetsight.service.decisions.reasons import reasons
from streetsight.service.decisions.schemas import (
    Asked,
    DecisionMade,
    DecisionPage,
    DecisionShown,
    Key,
    ManyAsked,
    ManyMade,
    ManyOutcome,
    ReasonShown,
)
from streetsight.service.decisions.service import Made, Wish
from streetsight.service.decisions.states import Kind
from streetsight.service.dependencies import Cursor, Id, Limit, Server
from streetsight.service.errors import code_of, language_of, status_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.faults import Stale
from streetsight.service.moments import Bound
from streetsight.service.store.database import spoken

router = APIRouter(prefix="/v1", tags=["decisions"])

IdempotencyKey = Annotated[Key | None, Header(alias="Idempotency-Key")]
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "It was decided before, by the same Idempotency-Key."},
    409: {"description": "It cannot be decided so in its state."},
    412: {"description": "It was changed meanwhile; `version` is the one now."},
    428: {"description": "If-Match is missing."},
}


@router.post("/candidates/{candidate_id}/decisions", status_code=201, responses=ANSWERS)
def decide(
    server: Server,
    actor: Reviewer,
    request: Request,
    response: Response,
    candidate_id: Id,
    asked: Asked,
    version: IfMatch,
    key: IdempotencyKey = None,
) -> DecisionMade:
    """Confirm, reject, correct, merge, split or reopen. `If-Match` names the version that was read."""
    wish = Wish(candidate_id, asked, version, key)
    made = server.writer.run(partial(service.decide, actor=actor, wish=wish, zone=server.settings.zone))
    response.status_code = 201 if made.new else 200
    response.headers["ETag"] = etag(made.candidate.version)
    return shown(made, language_of(request))


@router.post("/decisions")
def decide_many(server: Server, actor: Reviewer, request: Request, many: ManyAsked) -> ManyMade:
    """Decisions together. Each has an outcome of its own; one that is refused costs no other."""
    language = language_of(request)
    wishes = [Wish(each.candidate_id, each.decision, each.version, each.key) for each in many.decisions]
    zone = server.settings.zone
    under_way = [
        server.writer.submit(partial(service.decide, actor=actor, wish=wish, zone=zone)) for wish in wishes
    ]
    return ManyMade(outcomes=[*map(partial(_outcome, language=language), wishes, under_way)])


@router.get("/decisions/reasons")
def list_reasons(_actor: Viewer, request: Request) -> list[ReasonShown]:
    """Reasons for rejecting, in the language that is asked for."""
    return [ReasonShown.of(each, language_of(request)) for each in reasons().values()]


@router.get("/decisions")
def list_decisions(
    server: Server,
    actor: Viewer,
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: Kind | None = None,
    reason: Annotated[str | None, Query(pattern="^[a-z_]{1,40}$")] = None,
    actor_id: Id | None = None,
    made_from: Bound | None = None,
    made_before: Bound | None = None,
) -> DecisionPage:
    """Decisions in one's areas, newest first."""
    wanted = service.Filters(kind, reason, actor_id, made_from, made_before)
    with server.database.read() as session:
        found = service.list_decisions(session, actor, wanted, limit, cursor)
    items = [DecisionShown.of(each, language_of(request)) for each in found.items]
    return DecisionPage(items=items, next_cursor=found.next_cursor)


@router.get("/candidates/{candidate_id}/decisions")
def decisions_of(server: Server, actor: Viewer, request: Request, candidate_id: Id) -> list[DecisionShown]:
    """What was decided of one candidate, the first one first."""
    with server.database.read() as session:
        queries.find(session, actor, candidate_id)
        found = service.decisions_of(session, actor, candidate_id)
    return [DecisionShown.of(each, language_of(request)) for each in found]


def shown(made: Made, language: Language) -> DecisionMade:
    """A decision as it is answered."""
    return DecisionMade(
        decision=DecisionShown.of(made.decision, language), state=made.candidate.state,
        version=made.candidate.version, issue_id=made.issue.id if made.issue else None,
        issue_number=made.issue.number if made.issue else None,
    )  # fmt: skip


def _outcome(wish: Wish, under_way: "Future[Made]", language: Language) -> ManyOutcome:
    try:
        made = under_way.result()
    except (SpokenError, SQLAlchemyError) as caught:
        error = spoken(caught)
        return ManyOutcome(
            candidate_id=wish.candidate_id, status=status_of(error), outcome=code_of(error),
            version=error.version if isinstance(error, Stale) else None, problem=error.say(language),
        )  # fmt: skip
    return ManyOutcome(
        candidate_id=wish.candidate_id, status=201 if made.new else 200,
        outcome="decided" if made.new else "repeated", version=made.candidate.version,
        made=shown(made, language),
    )  # fmt: skip
