"""HTTP: sign in, see who one is, sign out."""

from functools import partial

from fastapi import APIRouter, Request, Response

from streetsight.service.auth.access import Cookie, SignedIn, own_hosts
from streetsight.service.auth.csrf import check_site, csrf_token
from streetsight.service.dependencies import Server
from streetsight.service.people.cookies import drop_session, set_session, visit_of
from streetsight.service.people.recognising import Recognised
from streetsight.service.people.schemas import SelfShown, Signed, SignIn
from streetsight.service.people.sessions import Begun
from streetsight.service.people.signing_in import sign_in, sign_out
from streetsight.service.people.tables import PersonSession
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings

router = APIRouter(prefix="/v1/session", tags=["people"])


@router.post("", status_code=201, responses={401: {"description": "Wrong."}, 429: {"description": "Wait."}})
def begin(
    server: Server, request: Request, response: Response, sent: SignIn, cookie: Cookie = None
) -> Signed:
    """Sign in. The session is in a cookie; all but GET needs the header X-CSRF-Token beside it."""
    check_site(request.headers, own_hosts(request, server.settings))
    visit = visit_of(request, server.settings, "password")
    begun = sign_in(server, sent.login, sent.password.get_secret_value(), visit, held=cookie)
    return answer_with_session(request, response, server.settings, begun)


@router.get("")
def read(server: Server, who: SignedIn, response: Response, cookie: Cookie = None) -> Signed:
    """Who is signed in here, and the token to send with all but GET."""
    assert cookie is not None
    response.headers["Cache-Control"] = "no-store"
    return _signed(server, cookie, who)


@router.delete("", status_code=204)
def end(server: Server, who: SignedIn, request: Request, response: Response) -> None:
    """Sign out."""
    server.writer.run(partial(sign_out, who=who))
    drop_session(request, response, server.settings)


def answer_with_session(request: Request, response: Response, settings: Settings, begun: Begun) -> Signed:
    """What a browser gets when its session has begun."""
    set_session(request, response, settings, begun.token)
    return Signed(
        person=SelfShown.of_self(begun.person),
        csrf_token=csrf_token(begun.token),
        expires_at=begun.expires_at,
    )


def _signed(server: Resources, token: str, who: Recognised) -> Signed:
    with server.database.read() as session:
        held = session.get_one(PersonSession, who.key)
    return Signed(
        person=SelfShown.of_self(held.person), csrf_token=csrf_token(token), expires_at=held.expires_at
    )
