"""Issues in the field names of GB/T 47678.5-2026, table 3: matters (管理事项), for national platforms.

What we do not know is named and left empty, never made up: the authority (主管部门) comes from the city's own
table, the unit grid from its areas, the place in words from who entered it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, func, select

from streetsight.models.codes import CodeEntry, find_code
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.areas.tables import Area
from streetsight.service.exports import Column, refuse_more
from streetsight.service.faults import Invalid
from streetsight.service.issues.tables import Issue
from streetsight.service.outside.authorities import Authority
from streetsight.service.store.sessions import ReadSession

SCHEME = "GB/T 47678.5-2026"
LENGTHS = {"SXDM": 11, "SXMC": 30, "ZGBMDM": 18, "ZGBMMC": 100, "SFWZ": 256, "SZDYWGBSM": 15}
"""Field -> characters. Of fixed length: SXDM, ZGBMDM, SZDYWGBSM; the others may be shorter."""
FIXED = ("SXDM", "ZGBMDM", "SZDYWGBSM")
DIVISION = re.compile(r"[1-8][0-9]{5}")
NONE_STATES = ("withdrawn", "not_pursued")


class ChooseScheme(Invalid):
    """No scheme, or no division, was chosen."""

    code = "choose_scheme"


@dataclass(frozen=True, slots=True)
class Matter:
    """An issue in the standard's fields.

    Attributes:
        fields: all mandatory ones; None where we do not know.
        problems: what is missing or does not fit, in words; empty for a row that a platform can take.
        mapped_from: the code that it had, of another table.
    """

    number: str
    id: str
    found: datetime
    fields: Mapping[str, str | None]
    problems: Sequence[str] = ()
    mapped_from: str | None = None
    lon: float | None = None
    lat: float | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An issue that has no row, and why."""

    number: str
    id: str
    why: str


@dataclass(frozen=True, slots=True)
class National:
    """Attributes: verified: somebody has checked our copy of the table against the printed standard."""

    scheme: str
    division: str
    verified: bool = False
    items: Sequence[Matter] = field(default=())
    left_out: Sequence[LeftOut] = field(default=())


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was chosen. Attributes: division: six digits of GB/T 2260."""

    scheme: str
    division: str
    language: Language


def chosen(scheme: str | None, division: str | None, language: Language) -> Wanted:
    """A scheme and a division that can be meant. Raises ChooseScheme."""
    if scheme != SCHEME:
        raise ChooseScheme(
            "choose the scheme of the codes: scheme={known}; got {scheme}. Codes of older tables are mapped "
            "to it where the successor is known",
            known=SCHEME, scheme=scheme or "-",
        )  # fmt: skip
    if division is None or not DIVISION.fullmatch(division):
        raise ChooseScheme(
            "choose the division that the codes begin with: division=420111, six digits of GB/T 2260; got "
            "{division}",
            division=division or "-",
        )
    return Wanted(scheme, division, language)


def matters(
    session: ReadSession, condition: ColumnElement[bool], wanted: Wanted,
    authorities: Mapping[str, Authority], most: int,
) -> National:  # fmt: skip
    """Issues that are some, the first confirmed first; those that are none after all are not among them.

    Args:
        condition: on Issue; most: issues that a file may have.

    Raises:
        TooManyRows
    """
    grids = set(session.scalars(select(Area.code).where(Area.kind == "grid").distinct()))
    found = select(Issue).where(condition, Issue.state.not_in(NONE_STATES)).order_by(Issue.id)
    items, left_out, verified = [], [], True
    refuse_more(session.scalar(select(func.count()).select_from(found.subquery())) or 0, most)
    for issue in session.scalars(found):
        entry = target_of(issue.code)
        why = _why_not(issue, entry, wanted)
        if why is not None or entry is None:
            left_out.append(LeftOut(issue.number, issue.id, why or ""))
            continue
        verified &= entry.code.verified
        items.append(_matter(issue, entry, wanted, authorities, grids))
    return National(wanted.scheme, wanted.division, verified and bool(items), items, left_out)


def target_of(code: Mapping[str, Any] | None) -> CodeEntry | None:
    """The matter of the new table for an issue's code; None where nobody has said which."""
    if code is None:
        return None
    if code["scheme"] == SCHEME:  # a component's fault is the matter of the same number
        return find_code(SCHEME, code["code"], "事项")
    known = find_code(code["scheme"], code["code"], code.get("kind"))
    return find_code(SCHEME, known.successor, "事项") if known and known.successor else None


def rows_for_people(found: National, language: Language) -> Iterator[SimpleNamespace]:
    """All issues as rows of a CSV, those that are left out too, with why."""
    empty = dict.fromkeys((*LENGTHS, "found", "mapped_from", "lon", "lat"))
    for each in found.items:
        yield SimpleNamespace(
            **each.fields, number=each.number, id=each.id, found=each.found, lon=each.lon, lat=each.lat,
            problems="; ".join(each.problems), mapped_from=each.mapped_from,
        )  # fmt: skip
    for left in found.left_out:
        said = translate("left out: {why}", language, why=left.why)
        yield SimpleNamespace(**{**empty, "number": left.number, "id": left.id, "problems": said})


COLUMNS = (
    *(Column(name, name, name) for name in LENGTHS),
    Column("number", "问题编号", "issue"),
    Column("id", "问题ID", "issue id"),
    Column("found", "确认时间", "confirmed"),
    Column("mapped_from", "原代码", "mapped from"),
    Column("problems", "说明", "problems"),
)


def _why_not(issue: Issue, entry: CodeEntry | None, wanted: Wanted) -> str | None:
    language = wanted.language
    divisions = [each for each in (issue.area_path or "").split("/") if DIVISION.fullmatch(each)]
    if divisions and wanted.division not in divisions:
        return translate("it lies in {division}", language, division=divisions[-1])
    if issue.code is None:
        return translate("it has no national code; correct its lead to give it one", language)
    if entry is None:
        return translate(
            "{code} of {scheme} has no known successor in {target}", language, code=issue.code["code"],
            scheme=issue.code["scheme"], target=wanted.scheme,
        )  # fmt: skip
    return None


def _matter(
    issue: Issue, entry: CodeEntry, wanted: Wanted, authorities: Mapping[str, Authority], grids: set[str]
) -> Matter:
    authority = authorities.get(issue.unit or "")
    grid = next((each for each in reversed((issue.area_path or "").split("/")) if each in grids), None)
    fields = {
        "SXDM": wanted.division + entry.code.code, "SXMC": entry.code.name,
        "ZGBMDM": authority.code if authority else None, "ZGBMMC": authority.name if authority else None,
        "SFWZ": issue.place, "SZDYWGBSM": grid,
    }  # fmt: skip
    assert issue.code is not None
    before = None if issue.code["scheme"] == SCHEME else f"{issue.code['scheme']} {issue.code['code']}"
    return Matter(
        issue.number, issue.id, issue.confirmed_at, fields, _problems(fields, issue, wanted.language), before,
        issue.lon, issue.lat,
    )  # fmt: skip


def _problems(fields: Mapping[str, str | None], issue: Issue, language: Language) -> list[str]:
    return [said for name in LENGTHS if (said := _problem(name, fields[name], issue, language)) is not None]


def _problem(name: str, value: str | None, issue: Issue, language: Language) -> str | None:
    """What is wrong with a field, and where it is to be said."""
    length = LENGTHS[name]
    if not value:
        where = {
            "ZGBMDM": translate(
                "the table of authorities has no unit {unit}", language, unit=issue.unit or "-"
            ),
            "ZGBMMC": translate(
                "the table of authorities has no unit {unit}", language, unit=issue.unit or "-"
            ),
            "SFWZ": translate("the issue says in no words where it is", language),
            "SZDYWGBSM": translate("the issue lies in no area of the kind grid", language),
        }
        return translate("{field} is missing: {why}", language, field=name, why=where.get(name, "-"))
    if len(value) > length or (name in FIXED and len(value) != length):
        return translate(
            "{field} has {count} characters; the standard has {length}", language, field=name,
            count=len(value), length=length,
        )  # fmt: skip
    return None
