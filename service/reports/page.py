"""The page by which everybody can report: one plain form, usable on a phone and without a script."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache, partial
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.reports.categories import Categories
from streetsight.service.reports.schemas import Progress

HERE = Path(__file__).parent
STATIC = HERE / "static"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class ReportPage:
    """What the page says: a form, a receipt, or what became of a report.

    Attributes:
        stamp: when the form was opened, sealed.
        problem: what is wrong with what was sent; `sent` is filled in again then.
        token: of a report that was just taken in.
    """

    stamp: str = ""
    problem: str | None = None
    sent: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    progress: Progress | None = None


def report_page(
    page: ReportPage, categories: Categories, zone: tzinfo, language: Language, status: int = 200
) -> HTMLResponse:
    """The page as an answer that nobody keeps or frames; times on the clock of `zone`."""
    html = _environment().get_template("report.html").render(
        page=page, categories=categories.all, language=language, say=partial(_say, language),
        clock=lambda moment: moment.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
    )  # fmt: skip
    return HTMLResponse(html, status, HEADERS)


def _say(language: Language, message: str, **values: object) -> str:
    return translate(message, language, **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
