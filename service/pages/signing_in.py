"""Pages: sign in, choose a language, one's own account."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from streetsight.models.language import SpokenError
from streetsight.service.auth.access import AnyPerson, Cookie, SignedIn, idle_time, own_hosts, recognised
from streetsight.service.auth.csrf import check_site
from streetsight.service.auth.passwords import LENGTHS
from streetsight.service.dependencies import Server
from streetsight.service.errors import status_of
from streetsight.service.faults import Unauthenticated
from streetsight.service.pages.navigation import first_page
from streetsight.service.pages.rendering import LANGUAGE_COOKIE, language_of_page, page
from streetsight.service.people.cookies import is_https, set_session, visit_of
from streetsight.service.people.schemas import Password
from streetsight.service.people.service import find_person
from streetsight.service.people.sessions import list_sessions
from streetsight.service.people.signing_in import sign_in
from streetsight.service.people.tokens import list_tokens

router = APIRouter(include_in_schema=False)

Next = Annotated[str, Field(max_length=2000)]
YEAR_SECONDS = 365 * 24 * 3600


class SignInForm(BaseModel):
    login: Annotated[str, Field(max_length=100)]
    password: Password
    next: Next = ""


@router.get("/", response_class=RedirectResponse)
def begin(actor: AnyPerson) -> RedirectResponse:
    """Where one's work begins."""
    return RedirectResponse(first_page(actor), 303)


@router.get("/sign-in", response_class=HTMLResponse)
def show(server: Server, request: Request, next: Next = "", cookie: Cookie = None) -> Response:
    """The form; who is signed in goes on."""
    try:
        who = recognised(request, server, None, cookie)
    except Unauthenticated:
        return page(request, server, "sign_in.html", next=own_path(next), login="", problem=None)
    return RedirectResponse(own_path(next) or first_page(who.actor), 303)


@router.post("/sign-in", response_class=HTMLResponse)
def enter(
    server: Server, request: Request, form: Annotated[SignInForm, Form()], cookie: Cookie = None
) -> Response:
    """Sign in by the form, also without a script."""
    try:
        check_site(request.headers, own_hosts(request, server.settings))
        visit = visit_of(request, server.settings, "password")
        begun = sign_in(server, form.login, form.password.get_secret_value(), visit, held=cookie)
    except SpokenError as error:
        said = error.say(language_of_page(request))
        return page(
            request, server, "sign_in.html", status=status_of(error), next=own_path(form.next),
            login=form.login, problem=said,
        )  # fmt: skip
    answer = RedirectResponse(own_path(form.next) or "/", 303)
    set_session(request, answer, server.settings, begun.token)
    return answer


@router.get("/language", response_class=RedirectResponse)
def choose(
    server: Server, request: Request, to: Annotated[str, Query(pattern="^(zh|en)$")], next: Next = ""
) -> RedirectResponse:
    """Remember a language, and go back."""
    answer = RedirectResponse(own_path(next) or "/", 303)
    answer.set_cookie(
        LANGUAGE_COOKIE, to, max_age=YEAR_SECONDS, samesite="lax", secure=is_https(request, server.settings),
        httponly=True,
    )  # fmt: skip
    return answer


@router.get("/account", response_class=HTMLResponse)
def show_account(server: Server, request: Request, who: SignedIn) -> HTMLResponse:
    """Oneself: password, browsers that are signed in, tokens for programs."""
    with server.database.read() as session:
        return page(
            request, server, "account.html", who.actor, person=find_person(session, who.actor.id),
            sessions=list_sessions(session, who.actor.id, idle_time(server.settings)), this=who.key,
            tokens=list_tokens(session, who.actor.id), lengths=LENGTHS,
        )  # fmt: skip


def own_path(wanted: str) -> str:
    """A path of this server, or nothing: nobody is sent elsewhere by a link to us."""
    parts = urlsplit(wanted)
    own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc
    return wanted if own and wanted.isprintable() else ""
