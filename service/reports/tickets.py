"""Tickets of a hotline from a CSV file: each line has an outcome of its own, and costs no other."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from streetsight.inference.positions.profile import Crs
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.models.validation import Faults
from streetsight.service import sheets
from streetsight.service.auth.actor import Actor
from streetsight.service.errors import code_of
from streetsight.service.faults import Invalid
from streetsight.service.reports.categories import Categories
from streetsight.service.reports.schemas import ImportReceipt, LineOutcome, ReportSaid
from streetsight.service.reports.service import file_report
from streetsight.service.reports.tables import Report
from streetsight.service.sheets import BadSheet, Line, read_sheet
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import WriteSession

Result = TypeVar("Result")
Run = Callable[[Callable[[WriteSession], Result]], Result]
"""Runs a unit of work and comes back after the commit."""

# What columns are called, compared without spaces, brackets and case.
COLUMNS: dict[str, str] = {
    "ticket": "工单编号 工单号 编号 受理编号 案件编号 ticket ticketnumber ticketid id",
    "called_at": "来电时间 受理时间 登记时间 诉求时间 上报时间 calledat time receivedat date",
    "text": "诉求内容 来电内容 工单内容 问题描述 内容 描述 text description content",
    "title": "标题 诉求标题 工单标题 title subject",
    "address": "地址 诉求地址 事发地址 发生地址 地点 address location",
    "lon": "经度 lon lng long longitude x",
    "lat": "纬度 lat latitude y",
    "crs": "坐标系 坐标系统 坐标类型 crs coordinates coordinatesystem",
    "category": "分类 诉求分类 问题分类 工单分类 诉求类别 类别 小类 category type",
    "name": "姓名 诉求人 来电人 联系人 市民姓名 name caller",
    "phone": "电话 联系电话 来电号码 手机 手机号 phone telephone tel",
}
CRS_NAMES: dict[str, Crs] = {
    "wgs84": "wgs84", "wgs1984": "wgs84", "epsg4326": "wgs84", "gps": "wgs84", "cgcs2000": "cgcs2000",
    "国家2000": "cgcs2000", "2000国家大地坐标系": "cgcs2000", "gcj02": "gcj02", "火星坐标": "gcj02",
    "火星坐标系": "gcj02", "高德": "gcj02", "腾讯": "gcj02", "bd09": "bd09", "bd09ll": "bd09", "百度": "bd09",
    "百度坐标": "bd09", "百度坐标系": "bd09",
}  # fmt: skip
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M")


class BadTickets(Invalid):
    """The file cannot be read as tickets at all."""

    code = "bad_tickets"


class BadTicket(Invalid):
    """One line that is no ticket."""

    code = "bad_ticket"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the file does not say itself.

    Attributes:
        crs: of coordinates on lines that name none; None refuses those.
        zone: of times without an offset.
    """

    crs: Crs | None
    zone: tzinfo


def import_tickets(
    actor: Actor,
    content: bytes,
    declared: Declared,
    categories: Categories,
    sealer: Sealer,
    run: Run[tuple[Report, str | None]],
    language: Language,
) -> ImportReceipt:
    """Take all tickets of a file in; those that were here before change nothing.

    A number that a report has which the actor may not see, and which says something else, is another
    hotline's, and is refused.

    Raises:
        BadTickets: when it is no table of tickets; then nothing was taken in.
    """
    text, encoding = decode(content)
    outcomes = []
    for line in read_lines(text):
        ticket = line.cells.get("ticket") or None
        try:
            said = read_ticket(line, declared)
            report, token = _file(said, categories, sealer, run)
            if token is None and report.text != said.text and not actor.sees(report.area_path):
                raise BadTicket(
                    "a report that is not among yours has this ticket number and says something else; put "
                    "your hotline's name before the number"
                )
        except SpokenError as error:
            outcomes.append(
                LineOutcome(
                    line=line.number, ticket=ticket, outcome=code_of(error), reason=error.say(language)
                )
            )
        else:
            outcome = "accepted" if token else "duplicate"
            outcomes.append(LineOutcome(line=line.number, ticket=ticket, outcome=outcome, id=report.id))
    counts = {name: sum(each.outcome == name for each in outcomes) for name in ("accepted", "duplicate")}
    return ImportReceipt(
        encoding=encoding, **counts, refused=len(outcomes) - sum(counts.values()), outcomes=outcomes
    )


def declared_crs(name: str | None) -> Crs | None:
    """A coordinate system by one of its names. Raises BadTickets."""
    if name is None:
        return None
    if (crs := _crs(name)) is None:
        raise BadTickets(
            "{name} is no coordinate system that we know; choose one of {known}",
            name=name, known=", ".join(get_args(Crs)),
        )  # fmt: skip
    return crs


def decode(content: bytes) -> tuple[str, str]:
    """Text and encoding of a file; see `sheets.decode`. Raises BadTickets."""
    try:
        return sheets.decode(content)
    except BadSheet as error:
        raise BadTickets(error.message, **error.values) from error


def read_lines(text: str) -> Iterator[Line]:
    """Tickets of a table whose first line names the columns, in any order.

    Raises:
        BadTickets: when no column says what was reported, or there are too many lines.
    """
    try:
        sheet = read_sheet(text, _column)
    except BadSheet as error:
        raise BadTickets(error.message, **error.values) from error
    if not {"text", "title"} & set(sheet.columns) or "ticket" not in sheet.columns:
        raise BadTickets(
            "the first line names no column of ticket numbers (工单编号, ticket) or of what was reported "
            "(诉求内容, text); it says: {header}",
            header=sheet.head[:200],
        )
    return sheet.lines


def read_ticket(line: Line, declared: Declared) -> ReportSaid:
    """A report from a line. Raises BadTicket, saying what is wrong with it."""
    cells = line.cells
    if line.fault:
        raise BadTicket("the line cannot be read: {reason}", reason=line.fault)
    if not cells.get("ticket"):
        raise BadTicket("the line has no ticket number")
    said: dict[str, Any] = {
        "source": "hotline", "ticket": cells["ticket"], "category": cells.get("category", ""),
        "text": "\n".join(filter(None, (cells.get("title"), cells.get("text")))),
        "address": cells.get("address") or None, "place": _place(cells, declared),
        "occurred_at": _moment(cells.get("called_at", ""), declared.zone),
        "contact": {name: cells.get(name) or None for name in ("name", "phone")},
    }  # fmt: skip
    try:
        return ReportSaid.model_validate(said)
    except ValidationError as error:
        raise BadTicket("{reason}", reason=Faults.of(error, most=1)) from error


def _file(
    said: ReportSaid, categories: Categories, sealer: Sealer, run: Run[tuple[Report, str | None]]
) -> tuple[Report, str | None]:
    def unit(session: WriteSession) -> tuple[Report, str | None]:
        return file_report(session, said, categories, sealer)

    try:
        return run(unit)
    except IntegrityError:  # another process took the same ticket in: now we see it
        return run(unit)


def _column(title: str) -> str | None:
    plain = re.sub(r"[\s()()_*::\"'\ufeff-]", "", title).lower()
    return next((name for name, titles in COLUMNS.items() if plain in titles.split()), None)


def _place(cells: Mapping[str, str], declared: Declared) -> dict[str, Any] | None:
    lon, lat = cells.get("lon", ""), cells.get("lat", "")
    if not lon and not lat:
        return None
    try:
        there = {"lon": float(lon), "lat": float(lat)}
    except ValueError:
        raise BadTicket("{lon}, {lat} is no longitude and latitude in degrees", lon=lon, lat=lat) from None
    if there == {"lon": 0.0, "lat": 0.0}:
        return None  # what forms write when nobody has put the pin
    named = cells.get("crs", "")
    crs = _crs(named) if named else declared.crs
    if crs is None:
        raise BadTicket(
            "the line has coordinates and does not say of which system: fill in 坐标系 or declare one of "
            "{known}; a wrong one moves it by 500 m",
            known=", ".join(get_args(Crs)),
        )
    return there | {"crs": crs, "source": "ticket"}


def _crs(name: str) -> Crs | None:
    return CRS_NAMES.get(re.sub(r"[\s:_-]", "", name).lower())


def _moment(text: str, zone: tzinfo) -> datetime | None:
    """A time as people write it, or None when there is none. Raises BadTicket."""
    if not text:
        return None
    plain = re.sub(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", text)
    readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
    readers += [partial(_parse, form) for form in TIMES]
    for read in readers:
        try:
            moment = read(plain)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    raise BadTicket("{text} is no time; expected 2026-05-01 08:30:00", text=text[:50])


def _parse(form: str, text: str) -> datetime:
    return datetime.strptime(text, form)
