"""Pages: rankings by peer group, and what stands in the way of closing a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.dependencies import Server
from streetsight.service.pages.rendering import language_of_page, page
from streetsight.service.places.words import words
from streetsight.service.scoring import periods
from streetsight.service.scoring.long_periods import needs, recommended
from streetsight.service.scoring.periods import Result
from streetsight.service.scoring.ranking import Standing
from streetsight.service.scoring.routes import Key, Period, ScoreReader
from streetsight.service.scoring.schemas import ClosedShown, PeriodShown, named
from streetsight.service.scoring.spans import Span, quarter_of, span_of, year_of
from streetsight.service.scoring.tables import ClosedPeriod, SchemeVersion
from streetsight.service.scoring.trends import Totals, months_until, totals_of
from streetsight.service.scoring.versions import scheme_for
from streetsight.service.scoring.views import list_periods
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A period that one can look at. Attributes: closed: who closed it, and when; None while it is open."""

    span: Span
    closed: ClosedShown | None


@dataclass(frozen=True, slots=True)
class InTheWay:
    """What somebody who closes a period has to know.

    Attributes:
        turn: why it cannot be closed yet, whatever it holds.
        appeals: numbers and ids of contested issues; missing: subject and figure. Both refuse closing.
        unreviewed: open leads in the subjects; not_inspected: those that nobody has looked at. Neither does.
    """

    turn: str | None
    appeals: Sequence[tuple[str, str]]
    missing: Sequence[tuple[str, str]]
    unreviewed: int
    not_inspected: Sequence[Standing]

    @property
    def refused(self) -> bool:
        return bool(self.turn or self.appeals or self.missing)


@router.get("/scores", response_class=HTMLResponse)
def begin(
    server: Server, request: Request, actor: ScoreReader,
    scheme: Annotated[str, Query(max_length=40)] = "", period: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """To the ranking that is asked for, or that of the month; without a scheme, how to begin."""
    with server.database.read() as session:
        known = adopted(session, server.settings, language_of_page(request))
        if not known:
            drafts = session.scalar(select(SchemeVersion.key).limit(1)) is not None
            return page(request, server, "scores_empty.html", actor, drafts=drafts)
        key = scheme if scheme in known else next(iter(known))
        names = [each.span.name for each in choices_of(session, server.settings, key)]
        return RedirectResponse(f"/scores/{key}/{period if period in names else names[0]}", 303)


@router.get("/scores/{key}/{period}", response_class=HTMLResponse)
def show_ranking(
    server: Server, request: Request, actor: ScoreReader, key: Key, period: Period
) -> HTMLResponse:
    """The ranking of a period, group by group; of months to come before it, how totals went."""
    span, language = span_of(period), language_of_page(request)
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span)
        return page(
            request, server, "scores.html", actor, **frame(session, server.settings, actor, result, language),
            groups=[(name, [*rows]) for name, rows in groupby(result.standings, lambda row: row.group)],
            trend=trend_of(session, result), recommended=_recommended(result),
            in_the_way=in_the_way(session, server.settings, result, language) if _may_close(actor, result)
            else None,
            history=_history(session, key, span),
        )  # fmt: skip


def frame(
    session: ReadSession, settings: Settings, actor: Actor, result: Result, language: Language
) -> dict[str, Any]:
    """What all pages about a period show: which one, how it stands, what else there is, what one may do."""
    span, scheme = result.span, result.scheme
    return {
        "shown": PeriodShown.of(result, language), "span": span, "scheme": scheme,
        "schemes": adopted(session, settings, language),
        "choices": choices_of(session, settings, scheme.key, span),
        "may_change": may(actor, Permission.ANALYSE) and actor.areas is None,
        "quarter": quarter_of(span.last_month).name, "rolls": scheme.roll is not None,
        "kind_name": words("kinds")[scheme.subjects].label(language)
        if scheme.subjects in words("kinds") else scheme.subjects,
    }  # fmt: skip


def adopted(session: ReadSession, settings: Settings, language: Language) -> dict[str, str]:
    """Names of the schemes that count for some month, by key."""
    keys = session.scalars(
        select(SchemeVersion.key)
        .where(SchemeVersion.adopted_from <= periods.current_month(settings).starts)
        .distinct().order_by(SchemeVersion.key)
    )  # fmt: skip
    month = periods.current_month(settings).last_month
    return {key: named(scheme_for(session, key, month).scheme, language) for key in keys}


def choices_of(session: ReadSession, settings: Settings, key: str, shown: Span | None = None) -> list[Choice]:
    """Months of a scheme, open and closed, and the quarters and years that they lie in; newest first.

    Args:
        shown: one that is among them in any case.
    """
    rows = [each for each in list_periods(session, settings, "en") if each.scheme == key]
    closed = {span_of(each.period): each.closed for each in rows}
    months = [span for span in closed if span.grain == "month"]
    spans = {*closed, *({shown} if shown else ())}
    spans |= {span for month in months for span in (quarter_of(month.starts), year_of(month.starts))}
    order = ("month", "quarter", "year")
    found = sorted(spans, key=lambda span: span.starts, reverse=True)
    found.sort(key=lambda span: order.index(span.grain))
    return [Choice(span, closed.get(span)) for span in found]


def in_the_way(session: ReadSession, settings: Settings, result: Result, language: Language) -> InTheWay:
    """What stands in the way of closing, and what closing would freeze."""
    turn = periods.not_its_turn(session, settings, result.scheme.key, result.span)
    return InTheWay(
        turn.say(language) if turn else None, periods.open_appeals(result),
        periods.missing_figures(result), sum(facts.exposure.unreviewed for facts in result.facts),
        [each for each in result.standings if each.status == "not_inspected"],
    )  # fmt: skip


def trend_of(session: ReadSession, result: Result, only: Standing | None = None) -> dict[str, Any]:
    """Totals of closed months, and of this one as it stands, for trend.js.

    Args:
        only: who is shown, beside its group; None lets one choose.
    """
    months = months_until(result.span)
    totals = _with_this(totals_of(session, result.scheme.key, months), result, only)
    names = [month.name for month in months]
    shown = [each for each in result.standings if only is None or each.group == only.group]
    return {
        "months": names, "full": float(result.scheme.total), "only": only.code if only else None,
        "open": result.span.name if only and result.closed is None else None,
        "subjects": [
            {
                "code": each.code, "name": each.name, "group": each.group,
                "totals": [_float(totals.get(each.code, {}).get(name)) for name in names],
            }
            for each in shown
        ],
    }  # fmt: skip


def _may_close(actor: Actor, result: Result) -> bool:
    return result.closed is None and may(actor, Permission.ANALYSE) and actor.areas is None


def _with_this(totals: Totals, result: Result, only: Standing | None) -> Totals:
    """With the month itself, while it is open; on a sheet that of its subject, which alone is reckoned."""
    if result.span.grain == "month" and result.closed is None:
        for each in result.standings:
            if only is None or each.code == only.code:
                totals.setdefault(each.code, {})[result.span.name] = each.total
    return totals


def _recommended(result: Result) -> list[Standing]:
    if result.span.grain == "month":
        return []
    return recommended([*result.standings], needs(result.scheme, result.span.grain).recommend)


def _history(session: ReadSession, key: str, span: Span) -> list[ClosedPeriod]:
    """Closings of a period that were taken back, newest first."""
    found = select(ClosedPeriod).where(
        ClosedPeriod.scheme == key, ClosedPeriod.period == span.name, ClosedPeriod.reopened_at.is_not(None)
    )
    return list(session.scalars(found.order_by(ClosedPeriod.id.desc())))


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
