"""HTTP: signing in with an OpenID provider; a browser goes there and comes back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Cookie as CookieOf
from fastapi.responses import RedirectResponse

from streetsight.service.auth.access import Cookie
from streetsight.service.dependencies import Server
from streetsight.service.people.cookies import is_https, public_url, set_session, visit_of
from streetsight.service.settings import Settings

PATH = "/v1/session/oidc"
STATE_COOKIE = "streetsight_oidc"

router = APIRouter(prefix=PATH, tags=["people"])

Text = Annotated[str, Query(max_length=4000)]


@router.get("", response_class=RedirectResponse, status_code=303)
def begin(server: Server, request: Request) -> RedirectResponse:
    """Go to the provider."""
    from streetsight.service.people import oidc  # half a second to import, and few cities have a provider

    sent = oidc.begin(server, _redirect_uri(request, server.settings))
    answer = RedirectResponse(sent.url, 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        STATE_COOKIE, sent.state, max_age=int(oidc.LASTS.total_seconds()), path=PATH, httponly=True,
        samesite="lax", secure=is_https(request, server.settings),
    )  # fmt: skip
    return answer


@router.get("/callback", response_class=RedirectResponse, status_code=303)
def finish(
    server: Server,
    request: Request,
    state: Text = "",
    code: Text = "",
    error: Annotated[str | None, Query(max_length=100)] = None,
    held_state: Annotated[str, CookieOf(alias=STATE_COOKIE)] = "",
    cookie: Cookie = None,
) -> RedirectResponse:
    """Come back from it, and be signed in."""
    from streetsight.service.people import oidc

    if error is not None:
        raise oidc.NotVouched("the OpenID provider refused: {reason}", reason=error)
    returned = oidc.Returned(state, held_state, code)
    visit = visit_of(request, server.settings, "oidc")
    begun = oidc.finish(server, returned, _redirect_uri(request, server.settings), visit, cookie)
    answer = RedirectResponse("/", 303)
    set_session(request, answer, server.settings, begun.token)
    answer.delete_cookie(STATE_COOKIE, path=PATH)
    return answer


def _redirect_uri(request: Request, settings: Settings) -> str:
    return f"{public_url(request, settings)}{PATH}/callback"
