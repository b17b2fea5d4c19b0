"""A template as an answer: what every page knows, and the headers that every page has."""

import json
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from streetsight.models.language import resolve_language, translate
from streetsight.models.taxonomy import Language
from streetsight.service.auth.access import COOKIE
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.csrf import csrf_token
from streetsight.service.auth.permissions import may
from streetsight.service.errors import language_of
from streetsight.service.pages.navigation import entries
from streetsight.service.pages.static import url_of
from streetsight.service.pages.writing import Writer
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings

TEMPLATES = Path(__file__).with_name("templates")
LANGUAGE_COOKIE = "streetsight_language"


def page(
    request: Request,
    server: Resources,
    template: str,
    actor: Actor | None = None,
    status: int = 200,
    **values: Any,
) -> HTMLResponse:
    """A page, or a fragment of one, as an answer that nobody else keeps or frames.

    Args:
        actor: who looks; None before signing in.
        values: what the template shows.
    """
    language = language_of_page(request)
    cookie = request.cookies.get(COOKIE)
    known: dict[str, Any] = {
        "actor": actor, "language": language, "settings": server.settings,
        "say": partial(_say, language), "write": Writer(language, server.settings.zone),
        "csrf": csrf_token(cookie) if actor is not None and cookie else "",
        "navigation": entries(actor) if actor else (), "path": request.url.path, "query": request.url.query,
        "allowed": partial(may, actor) if actor else lambda _permission: False,
    }  # fmt: skip
    html = _environment().get_template(template).render({**known, **values})
    return HTMLResponse(html, status, headers(server.settings))


def wants_fragment(request: Request) -> bool:
    """Whether htmx asks for a piece of a page that is open already."""
    return request.headers.get("HX-Request") == "true"


def headers(settings: Settings) -> dict[str, str]:
    """What a browser may do with a page: run our own files, show our own pictures and the city's tiles."""
    tiles = urlsplit(settings.tile_url or "")
    tile_origin = f" {tiles.scheme}://{tiles.netloc}" if tiles.netloc else ""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        f"img-src 'self' blob: data:{tile_origin}; media-src 'self' blob:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
        "Vary": "Cookie, Accept-Language, HX-Request",
    }


def language_of_page(request: Request) -> Language:
    """What was chosen on a page before, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return resolve_language(chosen) if chosen in ("zh", "en") else language_of(request)


def _say(language: Language, message: str, **values: object) -> str:
    return translate(message, language, **values)


@pass_context
def _words(context: Context, *messages: str) -> Markup:
    """Texts that the page's scripts say, as data for words.js. Said more than once, all are known."""
    said = {message: translate(message, context["language"]) for message in messages}
    data = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
    return Markup('<script type="application/json" class="words">{}</script>').format(Markup(data))


def _as_json(value: Any) -> Markup:
    """Data for a script, as the text of `<script type="application/json">`."""
    return Markup(json.dumps(value, ensure_ascii=False, default=str).replace("<", "\\u003c"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals.update(static=url_of, words=_words)
    environment.filters["as_json"] = _as_json
    return environment
