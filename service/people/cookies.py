"""The cookie of a session, and where a request comes from."""

from datetime import timedelta

from fastapi import Request, Response

from streetsight.service.auth.access import COOKIE
from streetsight.service.people.sessions import Visit
from streetsight.service.settings import Settings


def visit_of(request: Request, settings: Settings, method: str) -> Visit:
    """Who comes from where; `method` says how they showed who they are."""
    return Visit(
        method, timedelta(hours=settings.session_hours), request.client.host if request.client else None,
        request.headers.get("User-Agent"),
    )  # fmt: skip


def set_session(request: Request, response: Response, settings: Settings, token: str) -> None:
    """Give the browser its session. No script can read it, no other site's form can bring it along."""
    response.set_cookie(
        COOKIE, token, max_age=round(settings.session_hours * 3600), httponly=True, samesite="lax",
        secure=is_https(request, settings),
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"


def drop_session(request: Request, response: Response, settings: Settings) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=is_https(request, settings))


def public_url(request: Request, settings: Settings) -> str:
    """Where people reach us, without a slash at the end."""
    return (settings.public_url or str(request.base_url)).rstrip("/")


def is_https(request: Request, settings: Settings) -> bool:
    """Whether cookies can be kept off plain HTTP."""
    return public_url(request, settings).startswith("https:")
