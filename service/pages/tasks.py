"""Page: what a unit has to handle, the most urgent first."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Security
from fastapi.responses import HTMLResponse

from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Cursor, Server
from streetsight.service.issues import queries
from streetsight.service.issues.acting import possible_for
from streetsight.service.issues.queries import Filters, Order
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.pages.issues import said
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment

router = APIRouter(include_in_schema=False)

Answerer = Annotated[Actor, Security(allowed(Permission.ANSWER_TASKS))]
Pile = Literal["todo", "checked", "shelved", "done"]
PILES: dict[Pile, tuple[tuple[str, ...], Order]] = {
    "todo": (("dispatched", "rework"), "deadline"),
    "checked": (("to_check",), "newest"),
    "shelved": (("shelved",), "newest"),
    "done": (("closed", "not_pursued"), "newest"),
}
"""States of each pile, and how it is ordered."""
SHOWN = 30


@router.get("/tasks", response_class=HTMLResponse)
def show(
    server: Server, request: Request, actor: Answerer, pile: Pile = "todo", cursor: Cursor = None
) -> HTMLResponse:
    """Tasks of the actor's unit; of who has none and answers for an area, all of the area."""
    filters, zone = Filters(unit=actor.unit), server.settings.zone
    states, order = PILES[pile]
    with server.database.read() as session:
        found = queries.list_issues(
            session, actor, replace(filters, states=states), zone, order, SHOWN, cursor
        )
        counts = queries.count_issues(session, actor, filters, zone)
        return page(
            request, server, "_tasks.html" if wants_fragment(request) else "tasks.html", actor,
            tasks=[(IssueShown.of(each), possible_for(session, actor, each)) for each in found.items],
            pile=pile,
            next_cursor=found.next_cursor, counts=counts, piles=_counted(counts.states),
            **said(session, actor, language_of_page(request)),
        )  # fmt: skip


def _counted(states: dict[Any, int]) -> dict[Pile, int]:
    return {pile: sum(states[each] for each in some) for pile, (some, _) in PILES.items()}
