"""Page: one subject's score, line by line, beside how much of it was looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from streetsight.service.auth.actor import Actor
from streetsight.service.dependencies import Server
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.service import visible
from streetsight.service.issues.tables import Issue
from streetsight.service.pages.issues import said
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.pages.scores import frame, trend_of
from streetsight.service.places.tables import Place
from streetsight.service.scoring import periods
from streetsight.service.scoring.fairness import fairness_of
from streetsight.service.scoring.gathering import subjects_of
from streetsight.service.scoring.plans import plan_for
from streetsight.service.scoring.routes import Key, Period, ScoreReader, Subject
from streetsight.service.scoring.saying import Speaker, light_of
from streetsight.service.scoring.schemas import named
from streetsight.service.scoring.sheets import PartScore, Sheet, SheetLine, Split
from streetsight.service.scoring.spans import span_of
from streetsight.service.scoring.views import SheetFound, sheet_in
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

BLOCK = 500


@dataclass(frozen=True, slots=True)
class ItemOnPage:
    """An item of a sheet.

    Attributes:
        rules: what each of its rules says, by key: name, and in words.
        taken: points that its lines took; given: that they added.
    """

    name: str
    full: Decimal
    got: Decimal
    lines: Sequence[SheetLine]
    rules: Mapping[str, tuple[str, str]]

    @property
    def taken(self) -> Decimal:
        return -sum((line.points for line in self.lines if line.points < 0), Decimal(0))


@dataclass(frozen=True, slots=True)
class PartOnPage:
    """A part of a sheet. Attributes: got: None where figures are missing."""

    key: str
    name: str
    weight: Decimal
    got: Decimal | None
    missing: Sequence[str]
    items: Sequence[ItemOnPage]


@router.get("/scores/{key}/{period}/sheets/{code}", response_class=HTMLResponse)
def show_sheet(
    server: Server, request: Request, actor: ScoreReader, key: Key, period: Period, code: Subject
) -> HTMLResponse:
    """What a subject got, and what each line rests on."""
    span, language, settings = span_of(period), language_of_page(request), server.settings
    with server.database.read() as session:
        result = periods.result_of(session, settings, key, span, looked=code)
        found = sheet_in(session, actor, result, code)
        standing = next(each for each in result.standings if each.code == code)
        speaker = Speaker(language, groupings_in_force(session))
        return page(
            request, server, "score_sheet.html", actor, **frame(session, settings, actor, result, language),
            sheet=found.sheet, facts=found.facts, standing=standing, speaker=speaker,
            issues=_issues(session, actor, found.sheet),
            parts=parts_on_page(found, speaker), splits=_splits(found.sheet, speaker),
            unassigned=_unassigned(found),
            fairness=fairness_of(found.facts, found.sheet, server.looker.release.card),
            trend=trend_of(session, result, standing),
            spots=_spots(found.sheet), outline=_outline(session, settings, found, code),
            moment_of=lambda seconds: datetime.fromtimestamp(seconds, UTC),
            **said(session, actor, language),
        )  # fmt: skip


def parts_on_page(found: SheetFound, speaker: Speaker) -> list[PartOnPage]:
    """Parts, items and lines with what they are called, by the numbers that count for this subject."""
    known = {part.key: part for part in plan_for(found.scheme, found.facts.code, found.facts.group).parts}
    return [_part(each, known.get(each.key), speaker) for each in found.sheet.parts]


def _part(part: PartScore, known: Any, speaker: Speaker) -> PartOnPage:
    items = {item.key: item for item in known.items} if known else {}
    name = named(known, speaker.language) if known else ""
    return PartOnPage(
        part.key, name, part.weight, part.got, part.missing,
        [
            ItemOnPage(
                named(items[each.key], speaker.language), each.full, each.got, each.lines,
                {rule.key: (named(rule, speaker.language), speaker.rule(rule))
                 for rule in items[each.key].rules},
            )
            for each in part.items
        ],
    )  # fmt: skip


def _issues(session: ReadSession, actor: Actor, sheet: Sheet) -> dict[str, IssueShown]:
    """The issues of the lines that the actor may see, by id."""
    ids = sorted({line.issue for line in _lines(sheet) if line.issue is not None})
    found: dict[str, IssueShown] = {}
    for start in range(0, len(ids), BLOCK):
        wanted = Issue.id.in_(ids[start : start + BLOCK]), visible(actor)
        for row in session.scalars(select(Issue).where(*wanted)):
            found[row.id] = IssueShown.of(row)
    return found


def _lines(sheet: Sheet) -> list[SheetLine]:
    return [line for part in sheet.parts for item in part.items for line in item.lines]


def _spots(sheet: Sheet) -> list[dict[str, Any]]:
    """Where the cases lie, for score_sheet.js; each once, with all that it took."""
    found: dict[str, dict[str, Any]] = {}
    for line in _lines(sheet):
        if line.issue is None or line.lon is None or line.lat is None:
            continue
        spot = found.setdefault(
            line.issue, {"number": line.number, "lon": line.lon, "lat": line.lat, "points": 0.0}
        )
        spot["points"] += float(line.points)
    return list(found.values())


def _outline(session: ReadSession, settings: Settings, found: SheetFound, code: str) -> dict[str, Any] | None:
    """GeoJSON of what the subject covers, WGS-84."""
    moments = span_of(found.sheet.period).moments(settings.zone)
    places: list[Place] = subjects_of(session, found.scheme.subjects, moments)
    place = next((each for each in places if each.code == code), None)
    return None if place is None else place.ground or place.geometry


def _splits(sheet: Sheet, speaker: Speaker) -> list[tuple[str, list[tuple[str, Split]]]]:
    """By tag, what its values are called with what they have."""
    rows: dict[str, list[tuple[str, Split]]] = {}
    for each in sheet.splits:
        name = light_of(speaker, each.value) if each.tag == "light" else speaker.value(each.tag, each.value)
        rows.setdefault(each.tag, []).append((name, each))
    return [(speaker.tag(tag), values) for tag, values in rows.items()]


def _unassigned(found: SheetFound) -> list[tuple[str, str]]:
    """Number and id of cases that fit no item.

    A sheet keeps their numbers alone, and a subject across a border may have two cases of one number.
    """
    numbers, taken = {*found.sheet.unassigned}, {line.issue for line in _lines(found.sheet)}
    left = (case for case in found.facts.cases if case.number in numbers and case.id not in taken)
    return sorted({(case.number, case.id) for case in left})
