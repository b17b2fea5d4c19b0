"""Attributes of places from a table: one line for each place that is there, by its code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.faults import Invalid
from streetsight.service.groupings.reading import Grouping
from streetsight.service.places.changing import Key, aspects_of, attributes_of
from streetsight.service.places.reading import Finding, NotAPlace, PlaceRead, field_of, nested, read_place
from streetsight.service.places.service import places_in_force
from streetsight.service.places.tables import Place
from streetsight.service.places.words import find_word, words
from streetsight.service.sheets import Line, decode, read_sheet
from streetsight.service.store.sessions import ReadSession

CLEARED = "-"
"""In a cell: take what is there away. An empty cell leaves it."""

FAULTS = {
    "unreadable": "the line cannot be read: {detail}",
    "no_code": "it has no code",
    "no_kind": "kind {detail} is not known; expected one of {other}",
    "no_place": "there is no {detail} then; add it with its ground first",
    "again": "{detail} stood in line {other} already",
    "wrong": "{detail}",
}


class TableRefused(Invalid):
    """A table with lines that cannot be used; the message names up to ten."""

    code = "table_refused"
    faults: tuple["Fault", ...] = ()

    def say(self, language: Language) -> str:
        return "; ".join([super().say(language), *(each.say(language) for each in self.faults[:10])])


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be used. Attributes: outcome: a key of `FAULTS`; finding: about its place."""

    line: int
    outcome: str
    detail: str = ""
    other: str = ""
    finding: Finding | None = None

    def say(self, language: Language) -> str:
        """What is wrong, with the number of the line."""
        return translate("line {line}: {fault}", language, line=self.line, fault=self.reason(language))

    def reason(self, language: Language) -> str:
        """What is wrong."""
        detail = self.finding.say(language) if self.finding else self.detail
        return translate(FAULTS[self.outcome], language, detail=detail, other=self.other)


@dataclass(slots=True)
class TableRead:
    """Attributes: lines: where each place stood; unknown: columns that mean nothing here."""

    places: list[PlaceRead] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lines: dict[Key, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_table(session: ReadSession, content: bytes, kind: str | None, moment: datetime) -> TableRead:
    """Places as they would be by the lines of a CSV file.

    Args:
        kind: of lines that name none.
        moment: at which the places are looked up.

    Raises:
        BadSheet, TableRefused: it is no table of places at all.
    """
    sheet = read_sheet(decode(content)[0], field_of)
    if "code" not in sheet.columns or (kind is None and "kind" not in sheet.columns):
        raise TableRefused(
            "the first line names no column of codes (编码, code), or none of kinds (类型, kind) and no kind "
            "is given; it says: {header}",
            header=sheet.head[:200],
        )
    there = {(place.kind, place.code): place for place in places_in_force(session, None, moment)}
    aspects, read = aspects_of(session), TableRead(unknown=sheet.unknown)
    for line in sheet.lines:
        found = _line(line, kind, there, aspects, read)
        if isinstance(found, Fault):
            read.faults.append(found)
        else:
            read.places.append(found)
    return read


def require_all_good(read: TableRead) -> None:
    """Raises TableRefused when a line cannot be used."""
    if read.faults:
        refused = TableRefused(
            "nothing was changed: {count} lines cannot be used. Mend them, or ask for the others to be taken "
            "without them",
            count=len(read.faults),
        )
        refused.faults = tuple(read.faults)
        raise refused


def _line(
    line: Line, kind: str | None, there: Mapping[Key, Place], aspects: Grouping | None, read: TableRead
) -> PlaceRead | Fault:
    cells = {name: cell for name, cell in line.cells.items() if cell}
    if line.fault:
        return Fault(line.number, "unreadable", line.fault)
    code, named = cells.pop("code", None), cells.pop("kind", kind or "")
    known = find_word("kinds", named)
    if code is None:
        return Fault(line.number, "no_code")
    if known is None:
        return Fault(line.number, "no_kind", named[:60], ", ".join(words("kinds")))
    key = known, code
    if key in read.lines:
        return Fault(line.number, "again", "/".join(key), str(read.lines[key]))
    read.lines[key] = line.number
    if (place := there.get(key)) is None:
        return Fault(line.number, "no_place", "/".join(key)[:80])
    try:
        return read_place(_said(place, cells), place.geometry, "wgs84", aspects)
    except NotAPlace as wrong:
        finding = Finding("/".join(key), wrong.outcome, wrong.detail, wrong.other)
        return Fault(line.number, "wrong", finding=finding)


def _said(place: Place, cells: Mapping[str, str]) -> dict[str, Any]:
    """What is said of a place with the cells of a line over it."""
    sent = nested({name: None if cell == CLEARED else cell for name, cell in cells.items()})
    fixed = {**place.five_fixed, **sent.pop("five_fixed", {})}
    return {**attributes_of(place), **sent, "five_fixed": fixed, "kind": place.kind, "code": place.code}
