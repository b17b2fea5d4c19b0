"""Rows that an actor may see, by the area that they lie in.

A path of areas starts with the path of every area around it, so a scope is a range of texts, and an index on
the column answers it. Ranges are compared byte by byte on both databases: other collations would put foreign
areas between. On PostgreSQL the index serves only columns of the type `AreaPath`, which sort so themselves.
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, String, and_, false, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Invalid

AreaPath = String(200).with_variant(String(200, collation="C"), "postgresql")
"""Type of a column `area_path`, as `/330106/330106003/`."""

AFTER_SLASH = chr(ord("/") + 1)

PATH = re.compile(r"/([\w-]+/)+")

PathColumn = ColumnElement[Any] | InstrumentedAttribute[Any]


class BadArea(Invalid):
    """A path of areas that is none."""

    code = "bad_area"


class _by_bytes(FunctionElement[str]):
    """The column, compared byte by byte."""

    inherit_cache = True


@compiles(_by_bytes)
def _plain(element: _by_bytes, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_by_bytes, "postgresql")
def _collated(element: _by_bytes, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)} COLLATE "C")'


def in_scope(actor: Actor, column: PathColumn) -> ColumnElement[bool]:
    """Condition that a row lies where the actor may see; as `Actor.sees`, for the database."""
    return true() if actor.areas is None else within(actor.areas, column)


def within(areas: tuple[str, ...], column: PathColumn) -> ColumnElement[bool]:
    """Condition that a row lies in one of these areas, or below it."""
    path = _by_bytes(column)
    ranges = [and_(path >= area, path < area[:-1] + AFTER_SLASH) for area in areas]
    return or_(*ranges) if ranges else false()


def checked_area(path: str) -> str:
    """A path of areas that will do. Raises BadArea."""
    if not PATH.fullmatch(path) or len(path) > 200:
        raise BadArea("{path} is no path of areas; expected one as /330106/330106003/", path=repr(path)[:220])
    return path
