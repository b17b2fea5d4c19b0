"""HTTP: the link by which the first admin comes in, or somebody invited chooses a password."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from streetsight.models.language import SpokenError
from streetsight.service.auth.access import Cookie, own_hosts
from streetsight.service.auth.csrf import check_site
from streetsight.service.dependencies import Server, Text
from streetsight.service.errors import language_of, status_of
from streetsight.service.people.cookies import set_session, visit_of
from streetsight.service.people.links import Choice, LinkOver, NotTheSame, find_link, use_link
from streetsight.service.people.schemas import Password, PersonShown, Signed
from streetsight.service.people.session_routes import answer_with_session
from streetsight.service.people.sessions import Begun
from streetsight.service.people.setup_page import Offered, Page, setup_page
from streetsight.service.resources import Resources

router = APIRouter(tags=["people"])

Token = Annotated[str, Field(max_length=100)]


class SetupForm(BaseModel):
    """Attributes: again: the password once more, from a person; login, name: of the first admin."""

    token: Token
    password: Password
    again: Password | None = None
    login: Annotated[Text, Field(max_length=100)] = ""
    name: Annotated[Text, Field(max_length=100)] = ""


@router.get("/setup", response_class=HTMLResponse)
def show(server: Server, request: Request, token: Token = "") -> HTMLResponse:
    """The form. Looking at it does not use up the link."""
    try:
        return setup_page(Page(_offered(server, token)), language_of(request))
    except LinkOver as error:
        return _refused(server, request, error)


@router.post("/v1/setup", status_code=201, response_model=Signed)
def use(
    server: Server,
    request: Request,
    response: Response,
    sent: Annotated[SetupForm, Form()],
    cookie: Cookie = None,
) -> Signed | HTMLResponse:
    """Choose the password and be signed in; the link is over then. Browsers get a page, programs JSON."""
    try:
        begun = _begin(server, request, sent, cookie)
    except SpokenError as error:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return _refused(server, request, error, sent)
    if "text/html" not in request.headers.get("Accept", ""):
        return answer_with_session(request, response, server.settings, begun)
    page = setup_page(Page(done=PersonShown.of(begun.person)), language_of(request), 201)
    set_session(request, page, server.settings, begun.token)
    return page


def _begin(server: Resources, request: Request, sent: SetupForm, held: str | None) -> Begun:
    check_site(request.headers, own_hosts(request, server.settings))
    password = sent.password.get_secret_value()
    if sent.again is not None and sent.again.get_secret_value() != password:
        raise NotTheSame("the password was written in two ways; write it the same way twice")
    choice = Choice(password, sent.login, sent.name)
    return use_link(server, sent.token, choice, visit_of(request, server.settings, "setup"), held)


def _refused(
    server: Resources, request: Request, error: SpokenError, sent: SetupForm | None = None
) -> HTMLResponse:
    """The page with what is wrong, and the form again if the link is still good."""
    language = language_of(request)
    try:
        offered = _offered(server, sent.token) if sent else None
    except LinkOver:
        offered = None
    page = Page(
        offered, error.say(language), login=sent.login if sent else None, name=sent.name if sent else None
    )
    return setup_page(page, language, status_of(error))


def _offered(server: Resources, token: str) -> Offered:
    with server.database.read() as session:
        _, person = find_link(session, token)
        return Offered(token, person.login if person else None)
