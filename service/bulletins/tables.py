"""Rows of a period as CSV for spreadsheets and as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from streetsight.service.bulletins.basis import Basis
from streetsight.service.bulletins.pen import Pen
from streetsight.service.exports import Column, Crs, Style, csv_text


def as_csv(rows: Sequence[Any], columns: Sequence[Column], pen: Pen, crs: Crs = "wgs84") -> bytes:
    """Rows with heads in the language of the pen. Args: crs: of their longitude and latitude."""
    return "".join(csv_text(rows, columns, Style("csv", crs, pen.language, pen.zone, ""))).encode()


def as_json(basis: Basis, rows: Sequence[Any]) -> bytes:
    """Rows with what they are of: scheme, version, period, digests. Points are text: no digit is lost."""
    result, closed = basis.result, basis.result.closed
    head = {
        "scheme": result.scheme.key, "version": result.version, "example": result.scheme.example,
        "period": result.span.name, "closed_at": closed.created_at if closed else None,
        "closed_by": closed.closed_by if closed else None,
        "facts_sha256": closed.facts_sha256 if closed else None,
        "sheets_sha256": closed.sheets_sha256 if closed else None, "partial": basis.partial,
    }  # fmt: skip
    return to_json({**head, "items": rows}, indent=1)
