"""HTTP: schemes, scores, rankings, and what is brought in for them."""

from datetime import date
from functools import partial
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Query, Request, Security, UploadFile

from streetsight.service.areas.service import require_whole_city
from streetsight.service.auth.access import Analyst, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Id, Server
from streetsight.service.errors import language_of
from streetsight.service.issues.service import find as find_issue
from streetsight.service.scoring import figures, periods, rolling, versions
from streetsight.service.scoring.fairness import fairness_of
from streetsight.service.scoring.long_periods import needs, recommended
from streetsight.service.scoring.previewing import preview
from streetsight.service.scoring.reading import read_scheme_text
from streetsight.service.scoring.rhythm import By, hottest, rhythm
from streetsight.service.scoring.schemas import (
    Adopt,
    AnnouncedDay,
    AnnouncedDays,
    Close,
    ClosedShown,
    CountedList,
    EntryList,
    EntrySent,
    EntryShown,
    FigureList,
    FigureShown,
    FiguresKept,
    PeriodList,
    PeriodShown,
    Previewed,
    PreviewShown,
    Recomputed,
    Reopen,
    RhythmList,
    RhythmRow,
    RollDecided,
    RollList,
    RollSent,
    RollShown,
    SchemeList,
    SchemeSent,
    SchemeShown,
    SheetShown,
    StandingShown,
)
from streetsight.service.scoring.spans import span_of
from streetsight.service.scoring.views import counted, list_periods, sheet_for
from streetsight.service.store.sessions import WriteSession

schemes = APIRouter(prefix="/v1/schemes", tags=["scores"])
router = APIRouter(prefix="/v1/scores", tags=["scores"])
days = APIRouter(prefix="/v1/inspection-days", tags=["scores"])

ScoreReader = Annotated[Actor, Security(allowed(Permission.READ_STREET_ENTRIES))]
Key = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Of a scheme.")]
Period = Annotated[str, Path(pattern=r"^[0-9Q-]{4,7}$", examples=["2026-11", "2026-Q4", "2026"])]
Number = Annotated[int, Path(ge=1, lt=2**31)]
Subject = Annotated[str, Path(min_length=1, max_length=40)]
MOST_BYTES = 5_000_000


def may_change(actor: Analyst) -> Actor:
    """Dependency: scores concern the whole city. Raises WholeCityOnly."""
    require_whole_city(actor)
    return actor


Scorer = Annotated[Actor, Security(may_change)]


@schemes.get("")
def list_schemes(server: Server, _actor: ScoreReader, request: Request) -> SchemeList:
    """All versions of all schemes, drafts included."""
    with server.database.read() as session:
        found = versions.list_versions(session)
    return SchemeList(items=[SchemeShown.of(each, language_of(request)) for each in found])


@schemes.post("", status_code=201)
def add_scheme(server: Server, actor: Scorer, sent: SchemeSent, request: Request) -> SchemeShown:
    """Keep a scheme as the next version of its name: a draft, and nothing is scored by it until adopted."""
    with server.database.read() as session:
        scheme = versions.try_out(session, sent.document)
    version = server.writer.run(partial(versions.bring_in, actor=actor, scheme=scheme, reason=sent.reason))
    return SchemeShown.of(version, language_of(request))


@schemes.post("/file", status_code=201)
def add_scheme_file(
    server: Server, actor: Scorer, file: Annotated[UploadFile, File()],
    reason: Annotated[str, Form(min_length=1, max_length=500)], request: Request,
) -> SchemeShown:  # fmt: skip
    """Keep a scheme of a YAML or JSON file as a draft."""
    with server.database.read() as session:
        scheme = read_scheme_text(
            file.file.read(MOST_BYTES), file.filename or "file", versions.known_groupings(session)
        )
    version = server.writer.run(partial(versions.bring_in, actor=actor, scheme=scheme, reason=reason))
    return SchemeShown.of(version, language_of(request))


@schemes.post("/preview")
def preview_scheme(server: Server, _actor: Scorer, sent: Previewed) -> PreviewShown:
    """What a scheme would have made of periods: of what was frozen where they are closed. Nothing is kept."""
    with server.database.read() as session:
        scheme = versions.try_out(session, sent.document)
        return preview(session, server.settings, scheme, [*map(span_of, sent.periods)])


@schemes.get("/{key}/versions/{number}")
def read_scheme(server: Server, _actor: ScoreReader, key: Key, number: Number) -> dict[str, object]:
    """A version as it was written."""
    with server.database.read() as session:
        return versions.version_of(session, key, number).document


@schemes.post("/{key}/versions/{number}/adopt")
def adopt_scheme(
    server: Server, actor: Scorer, key: Key, number: Number, asked: Adopt, request: Request
) -> SchemeShown:
    """Score by it from a month on; months that are closed stay as they are."""
    month = span_of(asked.month)

    def unit(session: WriteSession) -> SchemeShown:
        version = versions.version_of(session, key, number)
        versions.adopt(session, actor, version, month, asked.reason)
        return SchemeShown.of(version, language_of(request))

    return server.writer.run(unit)


@router.get("")
def list_scores(server: Server, _actor: ScoreReader, request: Request) -> PeriodList:
    """Periods of all schemes: the current month of each, and those that are closed, newest first."""
    with server.database.read() as session:
        return PeriodList(items=list_periods(session, server.settings, language_of(request)))


@router.get("/issues/{issue}")
def read_counted(
    server: Server, actor: ScoreReader, issue: Annotated[str, Path(max_length=40)]
) -> CountedList:
    """Which closed months counted an issue, what that took, and whether it was given back."""
    with server.database.read() as session:
        found = find_issue(session, actor, issue)
        return CountedList(items=counted(session, found.id))


@router.get("/{key}/{period}")
def read_scores(
    server: Server, _actor: ScoreReader, key: Key, period: Period, request: Request
) -> PeriodShown:
    """The ranking of a period: frozen where it is closed, else as it stands now."""
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span_of(period))
    return PeriodShown.of(result, language_of(request))


@router.get("/{key}/{period}/sheets/{code}")
def read_sheet(
    server: Server, actor: ScoreReader, key: Key, period: Period, code: Subject, request: Request
) -> SheetShown:
    """One subject's score, line by line, with what each line rests on; how much was looked at beside it."""
    with server.database.read() as session:
        found = sheet_for(session, server.settings, actor, key, span_of(period), code)
    fairness = fairness_of(found.facts, found.sheet, server.looker.release.card)
    return SheetShown.of(found.sheet, found.scheme, fairness, language_of(request))


@router.get("/{key}/{period}/rhythm")
def read_rhythm(
    server: Server, _actor: ScoreReader, key: Key, period: Period, by: Annotated[By, Query()] = "day"
) -> RhythmList:
    """Cases of a month by day, week or month, with where most of them are."""
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span_of(period), looked=False)
    beats = rhythm(result.facts, by, server.settings.zone)
    return RhythmList(
        items=[
            RhythmRow(
                period=beat.period, cases=beat.cases, closed=beat.closed, overdue=beat.overdue,
                by_condition=dict(sorted(beat.by_condition.items())), hot=hottest(beat),
            )
            for beat in beats
        ]
    )  # fmt: skip


@router.get("/{key}/{period}/recommended")
def read_recommended(server: Server, _actor: ScoreReader, key: Key, period: Period) -> list[StandingShown]:
    """The best of each group, as many as the scheme recommends at the end of a year."""
    span = span_of(period)
    with server.database.read() as session:
        result = periods.result_of(session, server.settings, key, span)
    how_many = needs(result.scheme, span.grain).recommend if span.grain != "month" else 0
    return [*map(StandingShown.of, recommended(list(result.standings), how_many))]


@router.post("/{key}/{period}/close")
def close_period(server: Server, actor: Scorer, key: Key, period: Period, asked: Close) -> ClosedShown:
    """Freeze a period. Refused before it has ended, with open appeals, or with figures missing."""
    closed = periods.close(server.database, server.settings, actor, key, span_of(period), asked.note)
    return ClosedShown.of(closed)


@router.post("/{key}/{period}/reopen", status_code=204)
def reopen_period(server: Server, actor: Scorer, key: Key, period: Period, asked: Reopen) -> None:
    """Take back the closing of a period; only of the last one that is closed."""
    server.writer.run(partial(periods.reopen, actor=actor, key=key, span=span_of(period), why=asked.why))


@router.post("/{key}/{period}/recompute")
def recompute_period(server: Server, _actor: ScoreReader, key: Key, period: Period) -> Recomputed:
    """Reckon a closed period once more from its frozen facts, and compare byte by byte."""
    span = span_of(period)
    with server.database.read() as session:
        closed = periods.require_closed(session, key, span)
        return Recomputed(sheets=closed.subjects, different=periods.recompute(session, closed, span))


@router.get("/{key}/{period}/figures")
def list_figures(server: Server, actor: ScoreReader, key: Key, period: Period) -> FigureList:
    """Figures of a period as they were brought in, replaced ones too, for places that one may see."""
    span = span_of(period)
    with server.database.read() as session:
        scheme = versions.scheme_for(session, key, span.last_month).scheme
        rows = figures.figures_of(session, actor, key, span)
    return FigureList(wanted=sorted(figures.wanted_figures(scheme, span)), items=[*map(FigureShown.of, rows)])


@router.post("/{key}/{period}/figures")
def add_figures(
    server: Server, actor: Scorer, key: Key, period: Period, file: Annotated[UploadFile, File()],
    request: Request, keep_good: bool = False, check: bool = False,
) -> FiguresKept:  # fmt: skip
    """Bring in a CSV file: code,key,value. Nothing is kept where a line is bad, unless `keep_good`.

    With `check` nothing is kept at all: it says how many would be, and what is wrong with the others.
    """
    text = file.file.read(MOST_BYTES).decode("utf-8", errors="replace")
    if check:
        with server.database.read() as session:
            read = figures.check(session, server.settings, key, span_of(period), text)
    else:
        unit = partial(
            figures.bring_in, settings=server.settings, actor=actor, key=key, span=span_of(period), text=text,
            name=(file.filename or "file")[:200], keep_good=keep_good,
        )  # fmt: skip
        read = server.writer.run(unit)
    language = language_of(request)
    return FiguresKept(kept=len(read.figures), left_out=[each.say(language) for each in read.problems])


@router.get("/{key}/{period}/entries")
def list_entries(server: Server, actor: ScoreReader, key: Key, period: Period) -> EntryList:
    """Points by hand of a period, for places that one may see."""
    with server.database.read() as session:
        return EntryList(
            items=[*map(EntryShown.of, figures.entries_of(session, actor, key, span_of(period)))]
        )


@router.post("/{key}/{period}/entries", status_code=201)
def add_entry(server: Server, actor: Scorer, key: Key, period: Period, sent: EntrySent) -> EntryShown:
    """Give or take points by a manual rule, with a reason."""
    unit = partial(
        figures.enter, settings=server.settings, actor=actor, key=key, span=span_of(period), code=sent.code,
        rule=sent.rule, points=sent.points, reason=sent.reason,
    )  # fmt: skip
    return EntryShown.of(server.writer.run(unit))


@router.delete("/{key}/{period}/entries/{entry_id}")
def withdraw_entry(server: Server, actor: Scorer, key: Key, period: Period, entry_id: Id) -> EntryShown:
    """Let points by hand count no more; they stay to be seen."""
    unit = partial(figures.withdraw, actor=actor, key=key, period=span_of(period).name, entry_id=entry_id)
    return EntryShown.of(server.writer.run(unit))


@router.get("/{key}/{period}/roll")
def read_roll(server: Server, _actor: ScoreReader, key: Key, period: Period) -> RollList:
    """What the quarter does to the list of points: what the program proposes, and what was decided."""
    quarter = rolling.require_quarter(span_of(period))
    with server.database.read() as session:
        found = rolling.proposals(session, server.settings, key, quarter)
        may_add = rolling.may_add(session, key, quarter)
    return RollList(may_add=may_add, items=[*map(RollShown.of, found)])


@router.post("/{key}/{period}/roll")
def decide_roll(server: Server, actor: Scorer, key: Key, period: Period, sent: RollSent) -> RollDecided:
    """Say what becomes of a point. The last word counts."""
    quarter = rolling.require_quarter(span_of(period))
    unit = partial(
        rolling.decide, settings=server.settings, actor=actor, key=key, quarter=quarter, code=sent.code,
        verdict=sent.verdict, text=sent.text,
    )  # fmt: skip
    return RollDecided.of(server.writer.run(unit))


@days.get("/{month}")
def read_days(server: Server, _actor: ScoreReader, month: Period) -> AnnouncedDays:
    """Days of a month on which inspections were announced (明察); all others are ordinary ones."""
    with server.database.read() as session:
        rows = figures.announced_days(session, span_of(month))
    return AnnouncedDays(items=[AnnouncedDay(day=row.day, note=row.note) for row in rows])


@days.put("/{month}", status_code=204)
def replace_days(server: Server, actor: Scorer, month: Period, sent: AnnouncedDays) -> None:
    """Say which days of a month they were. Raises BadPeriod for days of another month."""
    said: list[tuple[date, str]] = [(each.day, each.note) for each in sent.items]
    server.writer.run(partial(figures.announce, actor=actor, days=said, month=span_of(month)))
