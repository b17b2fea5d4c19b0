"""Page: the queue of leads, one after the other."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from streetsight.service.auth.access import Reviewer
from streetsight.service.candidates.routes import Wanted
from streetsight.service.decisions.reasons import reasons
from streetsight.service.decisions.schemas import ReasonShown
from streetsight.service.dependencies import Server
from streetsight.service.pages.leads import choices
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.reviewing.policy import load_policy

router = APIRouter(include_in_schema=False)


@router.get("/review", response_class=HTMLResponse)
def review(server: Server, request: Request, actor: Reviewer, filters: Wanted) -> HTMLResponse:
    """The queue. Its leads are fetched by `POST /v1/review/next`, with the filters of the page's address."""
    language = language_of_page(request)
    policy = load_policy(server.settings.review_policy)
    why = [ReasonShown.of(each, language).model_dump() for each in reasons().values()]
    with server.database.read() as session:
        offered = choices(session, actor, language)
    return page(request, server, "review.html", actor, filters=filters, policy=policy, reasons=why, **offered)
