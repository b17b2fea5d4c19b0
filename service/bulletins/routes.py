"""HTTP: what a period leaves behind, as files: bulletin, comparison, adjustments, ledger, orders."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response, Security

from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.bulletins import adjustments as lines
from streetsight.service.bulletins import ledger as ledgers
from streetsight.service.bulletins.basis import Basis, basis_of
from streetsight.service.bulletins.composing import PAIRS, bulletin, comparison
from streetsight.service.bulletins.document import Document
from streetsight.service.bulletins.making import Compose, Desk, make
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.rendering import MEDIA_TYPES, Form, rendered
from streetsight.service.bulletins.shots import Album
from streetsight.service.bulletins.supervisions import orders_document, orders_of_period
from streetsight.service.bulletins.tables import as_csv, as_json
from streetsight.service.departures.service import Leaving, note
from streetsight.service.dependencies import Server
from streetsight.service.errors import language_of
from streetsight.service.exports import MEDIA_TYPES as CSV_TYPES
from streetsight.service.exports import Column, Crs, CrsWanted, refuse_more
from streetsight.service.resources import Resources
from streetsight.service.scoring.routes import Key, Period
from streetsight.service.scoring.spans import span_of

router = APIRouter(prefix="/v1/scores", tags=["scores"])

Exporter = Annotated[Actor, Security(allowed(Permission.EXPORT))]
Wanted = Annotated[Form, Query(alias="format")]
Printed = Annotated[Literal["html", "pdf", "docx"], Query(alias="format")]
Rows = Annotated[Literal["csv", "json"], Query(alias="format")]
MOST_PAIRS = 60
FILES: dict[int | str, dict[str, Any]] = {200: {"content": {each: {} for each in MEDIA_TYPES.values()}}}
ROWS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, "application/json": {}}}}
POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
)
"""Of HTML that shows in a browser: its own style and pictures, and nothing else."""


@router.get("/{key}/{period}/bulletin", response_class=Response, responses=FILES)
def read_bulletin(
    server: Server, actor: Exporter, key: Key, period: Period, request: Request, form: Wanted = "html"
) -> Response:
    """The bulletin (通报) of a month, quarter or year, in the language of `Accept-Language`."""
    with server.exports.entered():
        pen, document = _document(server, actor, key, period, request, bulletin, PAIRS)
        return _file(server, actor, rendered(document, form, pen), form, f"bulletin-{key}-{period}")


@router.get("/{key}/{period}/comparison", response_class=Response, responses=FILES)
def read_comparison(
    server: Server, actor: Exporter, key: Key, period: Period, request: Request, form: Printed = "html"
) -> Response:
    """Closed issues before and after, side by side (观摩对比)."""
    with server.exports.entered():
        pen, document = _document(server, actor, key, period, request, comparison, MOST_PAIRS)
        return _file(server, actor, rendered(document, form, pen), form, f"comparison-{key}-{period}")


@router.get("/{key}/{period}/adjustments", response_class=Response, responses=ROWS)
def read_adjustments(
    server: Server, actor: Exporter, key: Key, period: Period, request: Request, form: Rows = "csv",
    crs: CrsWanted = "wgs84",
) -> Response:  # fmt: skip
    """The table of adjustments (扣分明细): every line with issue, decision, photo, rule and version."""
    with server.exports.entered():
        basis, pen = _basis(server, actor, key, period, request)
        rows = list(lines.adjustments(basis, pen))
        return _rows(server, actor, basis, pen, rows, lines.COLUMNS, form, crs, f"adjustments-{key}-{period}")


@router.get("/{key}/{period}/ledger", response_class=Response, responses=ROWS)
def read_ledger(
    server: Server, actor: Exporter, key: Key, period: Period, request: Request, form: Rows = "csv",
    crs: CrsWanted = "wgs84",
) -> Response:  # fmt: skip
    """The ledger (台账): issues of the period as they stood when it was closed, or now while it is open."""
    with server.exports.entered():
        basis, pen = _basis(server, actor, key, period, request)
        rows = list(ledgers.ledger(basis, pen))
        return _rows(server, actor, basis, pen, rows, ledgers.COLUMNS, form, crs, f"ledger-{key}-{period}")


@router.get("/{key}/{period}/supervisions", response_class=Response, responses=FILES)
def read_supervisions(
    server: Server, actor: Exporter, key: Key, period: Period, request: Request, form: Printed = "html"
) -> Response:
    """Supervision orders (督办单) that were issued in the period, one on each page."""
    with server.exports.entered():
        pen = _pen(server, request)
        with server.database.read() as session:
            found = orders_of_period(session, server.settings, actor, key, span_of(period))
        document = orders_document(found, pen, Album(server.publisher, pen))
        return _file(server, actor, rendered(document, form, pen), form, f"supervisions-{key}-{period}")


def _document(
    server: Resources,
    actor: Actor,
    key: str,
    period: str,
    request: Request,
    compose: Compose,
    most_pairs: int,
) -> tuple[Pen, Document]:
    desk = Desk(server.database, server.settings, server.publisher, server.looker.release.card)
    pen = _pen(server, request)
    return pen, make(desk, actor, key, span_of(period), pen, compose, most_pairs)


def _basis(server: Resources, actor: Actor, key: str, period: str, request: Request) -> tuple[Basis, Pen]:
    with server.database.read() as session:
        basis = basis_of(session, server.settings, actor, key, span_of(period), None)
    return basis, _pen(server, request)


def _pen(server: Resources, request: Request) -> Pen:
    return Pen(language_of(request), server.settings.zone)


def _rows(
    server: Resources, actor: Actor, basis: Basis, pen: Pen, rows: Sequence[Any],
    columns: Sequence[Column], form: str, crs: Crs, name: str,
) -> Response:  # fmt: skip
    refuse_more(len(rows), server.settings.max_export_rows)
    _note(server, actor, f"{name}.{form}", len(rows))
    headers = _headers(f"{name}.{form}", "attachment")
    if form == "json":
        return Response(as_json(basis, rows), headers=headers, media_type="application/json")
    return Response(as_csv(rows, columns, pen, crs), headers=headers, media_type=CSV_TYPES["csv"])


def _file(server: Resources, actor: Actor, content: bytes, form: Form, name: str) -> Response:
    _note(server, actor, f"{name}.{form}", 1)
    where = "inline" if form in ("html", "pdf") else "attachment"
    headers = _headers(f"{name}.{form}", where)
    if form == "html":
        headers["Content-Security-Policy"] = POLICY
    return Response(content, headers=headers, media_type=MEDIA_TYPES[form])


def _note(server: Resources, actor: Actor, what: str, items: int) -> None:
    server.writer.run(partial(note, actor=actor, leaving=Leaving("bulletin", what, items)))


def _headers(name: str, where: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'{where}; filename="{quote(name)}"', "Cache-Control": "private, no-store",
        "Vary": "Accept-Language, Cookie", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
