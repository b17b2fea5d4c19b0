"""Rows as files: CSV for spreadsheets and GeoJSON for maps, written as they are read, however many there are.

One server-side cursor feeds the answer, a block of rows at a time. What can go wrong (too many rows, a
database that does not answer) is found out before the first byte; a connection that breaks later leaves a
file that no reader takes for whole: chunks without an end, JSON without its last bracket.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from itertools import chain, islice
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement, Select, func, literal, select

from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.inference.writers import plain
from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.departures.service import Leaving, note
from streetsight.service.errors import language_of
from streetsight.service.faults import Forbidden, Invalid
from streetsight.service.resources import Resources
from streetsight.service.store.base import Row
from streetsight.service.store.sessions import ReadSession

Form = Literal["json", "csv", "geojson"]
Crs = Literal["wgs84", "gcj02"]
CRS_NAMES: dict[Crs, str] = {"wgs84": "WGS-84", "gcj02": "GCJ-02"}
MEDIA_TYPES: dict[Form, str] = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
BLOCK = 500  # rows in memory at once
DIGITS = 7  # of a degree: a centimetre
BOM = "\ufeff"  # without it Excel takes UTF-8 for something else

FormWanted = Annotated[
    Form | None, Query(alias="format", description="A file of all that is found; or by `Accept`.")
]
CrsWanted = Annotated[Crs, Query(description="Of the coordinates in a file.")]


class TooManyRows(Invalid):
    """More rows than a file may have."""

    code = "too_many_rows"


class NoExport(Forbidden):
    """A role that may read, and not take files away."""

    code = "not_allowed"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file.

    Attributes:
        name: in GeoJSON.
        zh, en: head of the column in a CSV.
        say: a value for people, in CSV; as it is without it.
        attribute: of the table, where it has another name.
    """

    name: str
    zh: str
    en: str
    say: Callable[[Any, Language], Any] | None = None
    attribute: str | None = None

    def head(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is to look. `zone`: of its times; `name`: of the file."""

    form: Form
    crs: Crs
    language: Language
    zone: tzinfo
    name: str


def rows_of(table: type[Row], columns: Sequence[Column], conditions: ColumnElement[bool]) -> Select[Any]:
    """The query of a file: its columns, and where each row is; newest first. `table` has lon and lat."""
    source: Any = table
    wanted = [getattr(source, each.attribute or each.name).label(each.name) for each in columns]
    return select(*wanted, source.lon, source.lat).where(conditions).order_by(source.id.desc())


def form_wanted(request: Request, stated: Form | None) -> Form:
    """What who asks wants: as stated, else the first of `Accept` that we have, else JSON."""
    if stated is not None:
        return stated
    accepts: dict[str, Form] = {
        "application/geo+json": "geojson",
        "text/csv": "csv",
        "application/json": "json",
    }
    kinds = (each.partition(";")[0].strip() for each in request.headers.get("accept", "").split(","))
    return next((accepts[kind] for kind in kinds if kind in accepts), "json")


def export(
    request: Request, server: Resources, actor: Actor, found: Callable[[ReadSession], Select[Any]],
    columns: Sequence[Column], form: Form, crs: Crs, name: str,
) -> StreamingResponse:  # fmt: skip
    """A file of all that a query finds.

    Args:
        found: gives the query, in a session; rows have `lon` and `lat` and all names of `columns`.
        name: of the file, without its ending.

    Raises:
        NoExport, TooManyRows, Busy: before anything is sent.
    """
    if not may(actor, Permission.EXPORT):
        raise NoExport("the role {role} may read, and not take files away", role=actor.role)
    style = Style(form, crs, language_of(request), server.settings.zone, name)
    with ExitStack() as stack:
        stack.enter_context(server.exports.entered())
        session = stack.enter_context(server.database.read())
        query = found(session)
        count = _refuse_too_many(session, query, server.settings.max_export_rows)
        rows = iter(session.execute(query, execution_options={"yield_per": BLOCK}))
        first = list(islice(rows, BLOCK))  # the database has answered
        leaving = Leaving("export", f"{name}.{form}", count, wanted=request.url.query)
        server.writer.run(partial(note, actor=actor, leaving=leaving))
        held = stack.pop_all()
    text = _WRITERS[form](chain(first, rows), columns, style)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{form}"',
        "Vary": "Accept, Accept-Language", "Cache-Control": "private, no-store",
    }  # fmt: skip
    return StreamingResponse(_closing(text, held), headers=headers, media_type=MEDIA_TYPES[form])


def _closing(text: Iterator[str], held: ExitStack) -> Iterator[bytes]:
    """The text as bytes; session and turn are given back at its end, or when the reader goes away."""
    with held:
        for part in text:
            yield part.encode()


def _refuse_too_many(session: ReadSession, query: Select[Any], most: int) -> int:
    alone = query.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    some = alone.limit(most + 1).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    refuse_more(count, most)
    return count


def refuse_more(rows: int, most: int) -> None:
    """Raises TooManyRows, so that no file is cut off unseen."""
    if rows > most:
        raise TooManyRows(
            "more than {most} rows would be in this file; ask for fewer, by area or by time, "
            "or raise STREETSIGHT_MAX_EXPORT_ROWS",
            most=most,
        )


def csv_text(rows: Iterable[Any], columns: Sequence[Column], style: Style) -> Iterator[str]:
    """Rows with the attributes that columns name, and `lon` and `lat`, as a CSV for spreadsheets."""
    language, crs = style.language, CRS_NAMES[style.crs]
    heads = [column.head(language) for column in columns]
    lon, lat, system = ("经度", "纬度", "坐标系") if language == "zh" else ("longitude", "latitude", "crs")
    yield BOM + _line([*heads, f"{lon} ({crs})", f"{lat} ({crs})", system])
    for block in _blocks(rows):
        points = _points(block, style.crs)
        lines = []
        for row, point in zip(block, points, strict=True):
            values = [_for_people(getattr(row, each.name), each, style) for each in columns]
            lines.append(_line([*values, *(point or ("", "")), crs if point else ""]))
        yield "".join(lines)


def _geojson(rows: Iterable[Any], columns: Sequence[Column], style: Style) -> Iterator[str]:
    """RFC 7946 has WGS-84 only: another system is named in the file, as a member of the collection."""
    head = {"type": "FeatureCollection", "name": style.name, "coordinate_system": CRS_NAMES[style.crs]}
    yield json.dumps(head)[:-1] + ', "features": ['
    comma = "\n"
    for block in _blocks(rows):
        points = _points(block, style.crs)
        # a block at a time: each part of an answer costs a change of threads
        yield comma + ",\n".join(
            _feature(row, point, columns, style) for row, point in zip(block, points, strict=True)
        )
        comma = ",\n"
    yield "\n]}\n"


_WRITERS: dict[Form, Callable[[Iterable[Any], Sequence[Column], Style], Iterator[str]]] = {
    "csv": csv_text, "geojson": _geojson,
}  # fmt: skip


def _feature(row: Any, point: tuple[float, float] | None, columns: Sequence[Column], style: Style) -> str:
    properties = {each.name: _for_machines(getattr(row, each.name), style) for each in columns}
    feature: dict[str, Any] = {
        "type": "Feature",
        "id": properties.get("id"),
        "geometry": {"type": "Point", "coordinates": list(point)} if point else None,
        "properties": properties,
    }
    return json.dumps(feature, ensure_ascii=False)


def _blocks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rows = iter(rows)
    while block := list(islice(rows, BLOCK)):
        yield block


def _points(rows: Sequence[Any], crs: Crs) -> list[tuple[float, float] | None]:
    """Longitude and latitude of each row, in the system that is wanted; None where it has none."""
    places = np.array([(row.lon, row.lat) for row in rows], np.float64)  # None becomes NaN
    moved = np.round(from_wgs84(places, crs), DIGITS).tolist()
    return [None if lon != lon or lat != lat else (lon, lat) for lon, lat in moved]  # noqa: PLR0124  NaN


def _for_people(value: Any, column: Column, style: Style) -> Any:
    if value is not None and column.say is not None:
        value = column.say(value, style.language)
    return "" if value is None else plain(_for_machines(value, style))


def _for_machines(value: Any, style: Style) -> Any:
    return value.astimezone(style.zone).isoformat() if isinstance(value, datetime) else value


def _line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()
