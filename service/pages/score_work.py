"""Pages: what is brought in for a period, its days, and the quarterly roll of problem points."""

from collections import defaultdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from streetsight.service.auth.actor import Actor
from streetsight.service.dependencies import Server
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.pages.scores import frame
from streetsight.service.scoring import figures, periods, rolling
from streetsight.service.scoring.rhythm import By, hottest, rhythm
from streetsight.service.scoring.routes import Key, Period, ScoreReader
from streetsight.service.scoring.saying import Speaker
from streetsight.service.scoring.schemas import RollShown, named
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.spans import Span, quarter_of, span_of
from streetsight.service.scoring.tables import ScoreFigure
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

BEATS = 62
"""Rows of a table of days at most: two months."""


@router.get("/scores/{key}/{period}/inputs", response_class=HTMLResponse)
def show_inputs(
    server: Server, request: Request, actor: ScoreReader, key: Key, period: Period
) -> HTMLResponse:
    """Figures from elsewhere, points by hand, days of announced inspections."""
    span, language = span_of(period), language_of_page(request)
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span, looked=False)
        speaker = Speaker(language, groupings_in_force(session))
        days = figures.announced_days(session, span) if span.grain == "month" else []
        return page(
            request, server, "score_inputs.html", actor,
            **frame(session, server.settings, actor, result, language),
            wanted=sorted(figures.wanted_figures(result.scheme, span)), days=days,
            kept=_figures(session, actor, key, span), entries=figures.entries_of(session, actor, key, span),
            manual={
                path: (_named_path(result.scheme, path, speaker), rule)
                for path, rule in figures.manual_rules(result.scheme).items()
            },
            names={facts.code: facts.name for facts in result.facts}, last_day=span.ends - timedelta(days=1),
        )  # fmt: skip


@router.get("/scores/{key}/{period}/rhythm", response_class=HTMLResponse)
def show_rhythm(
    server: Server, request: Request, actor: ScoreReader, key: Key, period: Period,
    by: Annotated[By, Query()] = "day",
) -> HTMLResponse:  # fmt: skip
    """Cases by day, week or month, with where most of them are."""
    span, language = span_of(period), language_of_page(request)
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span, looked=False)
        cases = [facts for month in _months(session, server, key, span) for facts in month.facts]
        beats = rhythm(cases, by, server.settings.zone)
        return page(
            request, server, "score_rhythm.html", actor,
            **frame(session, server.settings, actor, result, language), by=by,
            beats=[(each, hottest(each)) for each in beats[-BEATS:]],
            most=max([1, *(beat.cases for beat in beats)]),
            names={facts.code: facts.name for facts in result.facts},
            speaker=Speaker(language, groupings_in_force(session)),
        )  # fmt: skip


@router.get("/scores/{key}/{period}/roll", response_class=HTMLResponse)
def show_roll(server: Server, request: Request, actor: ScoreReader, key: Key, period: Period) -> HTMLResponse:
    """What a quarter does to the list of points: what is proposed and why, and what was decided."""
    span, language = quarter_of(span_of(period).last_month), language_of_page(request)
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span, looked=False)
        found = rolling.proposals(session, server.settings, key, span)
        return page(
            request, server, "score_roll.html", actor,
            **frame(session, server.settings, actor, result, language),
            points_of=[*map(RollShown.of, found)], months=[month.name for month in span.months()],
            may_add=rolling.may_add(session, key, span),
            look_back=bool(result.scheme.roll and span.quarter in result.scheme.roll.look_back_in),
        )  # fmt: skip


def _months(session: ReadSession, server: Server, key: str, span: Span) -> list[periods.Result]:
    """The months of a period that the scheme counts for."""
    found = (
        periods.result_if_any(session, server.settings, key, month)
        for month in span.months()
        if month.starts <= periods.current_month(server.settings).starts
    )
    return [each for each in found if each is not None]


def _figures(
    session: ReadSession, actor: Actor, key: str, span: Span
) -> dict[tuple[str, str], list[ScoreFigure]]:
    """By subject and figure, the newest first: that one counts."""
    found: dict[tuple[str, str], list[ScoreFigure]] = defaultdict(list)
    for row in reversed(figures.figures_of(session, actor, key, span)):
        found[row.code, row.key].append(row)
    return dict(found)


def _named_path(scheme: Scheme, path: str, speaker: Speaker) -> str:
    """`part.item.rule` by name."""
    part_key, item_key, rule_key = path.split(".")
    part = next(each for each in scheme.parts if each.key == part_key)
    item = next(each for each in part.items if each.key == item_key)
    rule = next(each for each in item.rules if each.key == rule_key)
    return " / ".join(named(each, speaker.language) for each in (item, rule))
