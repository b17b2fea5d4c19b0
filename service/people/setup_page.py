"""The page behind a set-up link: one plain form, no script."""

import secrets
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.auth.passwords import LENGTHS
from streetsight.service.people.schemas import PersonShown

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Offered:
    """A link that is good. Attributes: login: whose; None for the first admin."""

    token: str
    login: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """What the page says: a form, or what is wrong, or what comes next."""

    offered: Offered | None = None
    problem: str | None = None
    done: PersonShown | None = None
    login: str | None = None
    name: str | None = None


def setup_page(page: Page, language: Language, status: int = 200) -> HTMLResponse:
    """The page as an answer that nobody keeps, frames, or learns the link from."""
    nonce = secrets.token_urlsafe(16)
    html = _environment().get_template("setup.html").render(
        language=language, nonce=nonce, lengths=LENGTHS, say=partial(_say, language), offered=page.offered,
        problem=page.problem, done=page.done, sent={"login": page.login, "name": page.name},
    )  # fmt: skip
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null`, which we refuse
    }
    return HTMLResponse(html, status, headers)


def _say(language: Language, message: str, **values: object) -> str:
    return translate(message, language, **values)


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
