"""Errors of pages are pages, in the visitor's language; who is not signed in is asked to, and comes back."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from streetsight.models.language import SpokenError
from streetsight.service.pages.rendering import page
from streetsight.service.resources import resources_of

KINDS = (SpokenError, RequestValidationError, HTTPException, SQLAlchemyError, Exception)
NOT_PAGES = ("/v1/", "/open311/", "/labelstudio/", "/static/", "/report", "/setup")

KEPT = ("retry-after", "x-request-id")

Handler = Callable[[Request, Any], JSONResponse]


def install_error_pages(app: FastAPI) -> None:
    """Show what the handlers of errors say as a page where a browser asked for one."""
    for kind in KINDS:
        app.add_exception_handler(kind, _as_page(app.exception_handlers[kind]))  # type: ignore[arg-type]


def _as_page(handler: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        if not wants_page(request):
            return answer
        if answer.status_code == 401:
            return ask_to_sign_in(request)
        told = json.loads(bytes(answer.body))
        kept = {name: value for name, value in answer.headers.items() if name in KEPT}
        server = await resources_of(request)
        shown = page(request, server, "error.html", None, answer.status_code, told=told)
        shown.headers.update(kept)
        return shown

    return handle


def wants_page(request: Request) -> bool:
    """Whether a browser asked for one of our pages."""
    return "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith(NOT_PAGES)


def ask_to_sign_in(request: Request) -> Response:
    """To the page for signing in, and back afterwards. The page around a fragment asks by itself."""
    if request.headers.get("HX-Request"):
        return Response(status_code=401)
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?next={quote(back, safe='')}" if back != "/" else "/sign-in", 303)
