"""Pages: issues as a list, one with its life, and its supervision orders as they are printed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from streetsight.models.codes import find_code
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.areas.tables import Area
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.calendar.clocks import due
from streetsight.service.calendar.deadlines import limit_for
from streetsight.service.calendar.reading import LimitSent
from streetsight.service.calendar.service import calendar_in_force, deadlines_in_force
from streetsight.service.candidates.routes import Given
from streetsight.service.dependencies import Cursor, Server
from streetsight.service.detections.tables import Result
from streetsight.service.faults import NotFound
from streetsight.service.frames.tables import Frame
from streetsight.service.issues import queries, words
from streetsight.service.issues.acting import may_do
from streetsight.service.issues.queries import Filters, Order
from streetsight.service.issues.reasons import reasons
from streetsight.service.issues.routes import IssueName, TaskReader, Wanted
from streetsight.service.issues.schemas import ActShown, IssueShown
from streetsight.service.issues.service import ManyIssues, find
from streetsight.service.issues.states import KINDS
from streetsight.service.issues.tables import Issue
from streetsight.service.issues.timeline import detail, timeline
from streetsight.service.moments import morning
from streetsight.service.pages.leads import choices
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.people.service import list_units
from streetsight.service.places.words import words as words_of_places
from streetsight.service.scoring.views import counted
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

SHOWN = 50
STANDING = ("open", "overdue", "proposal", "supervision", "appeal", "extension_asked", "to_look_again")
"""Filters that the tabs set, besides the state."""
_ANYHOW = Filters()
Day = Annotated[date | None, Given]


class NoOrder(NotFound):
    """No supervision order of this number."""

    code = "no_order"


def days_wanted(from_day: Day = None, to_day: Day = None) -> tuple[date | None, date | None]:
    """Dependency: first and last day on which issues were confirmed, by the city's clock."""
    return from_day, to_day


@router.get("/issues", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: TaskReader, filters: Wanted,
    days: Annotated[tuple[date | None, date | None], Depends(days_wanted)],
    order: Order = "newest", cursor: Cursor = None,
) -> HTMLResponse:  # fmt: skip
    """Issues in one's areas by the filters of the address, with what waits for somebody as tabs."""
    zone = server.settings.zone
    wanted = _within(filters, days, zone)
    with server.database.read() as session:
        found = queries.list_issues(session, actor, wanted, zone, order, SHOWN, cursor)
        return page(
            request, server, "_issues.html" if wants_fragment(request) else "issues.html", actor,
            issues=[*map(IssueShown.of, found.items)], next_cursor=found.next_cursor, filters=filters,
            days=days, order=order, counts=queries.count_issues(session, actor, _however(wanted), zone),
            **_addresses(request.url.query, wanted), **said(session, actor, language_of_page(request)),
        )  # fmt: skip


@router.get("/issues/{id_or_number}", response_class=HTMLResponse)
def show_one(server: Server, request: Request, actor: TaskReader, id_or_number: IssueName) -> Response:
    """One issue: how it stands, what was done about it, what can be done; all, if several have the number."""
    with server.database.read() as session:
        try:
            issue = find(session, actor, id_or_number)
        except ManyIssues:
            return RedirectResponse(f"/issues?number={id_or_number}", 303)
        return page(
            request, server, "_issue.html" if wants_fragment(request) else "issue.html", actor,
            **_case(session, actor, issue, server.settings, language_of_page(request)),
        )  # fmt: skip


@router.get("/issues/{id_or_number}/orders/{ordinal}", response_class=HTMLResponse)
def show_order(
    server: Server, request: Request, actor: TaskReader, id_or_number: IssueName,
    ordinal: Annotated[int, Path(ge=1, le=10_000)],
) -> HTMLResponse:  # fmt: skip
    """A supervision order (督办单), to be printed. Raises NoOrder."""
    with server.database.read() as session:
        row, language = find(session, actor, id_or_number), language_of_page(request)
        issue = detail(session, actor, row, language)
        order = next((each for each in issue.supervisions if each.number == f"{row.number}-{ordinal}"), None)
        if order is None:
            raise NoOrder(
                "issue {number} has no supervision order {ordinal}", number=row.number, ordinal=ordinal
            )
        return page(
            request, server, "order.html", actor, issue=issue, order=order, **said(session, actor, language)
        )


def said(session: ReadSession, actor: Actor, language: Language) -> dict[str, Any]:
    """What things are called on pages about issues, and what forms let one choose from."""
    known = choices(session, actor, language)
    condition_name, class_name = known["condition_name"], known["class_name"]

    def title(issue: IssueShown) -> str:
        if issue.condition == "other" and issue.code:
            return code_name(issue.code)
        name: str = class_name(issue.class_name) or condition_name(issue.condition)
        return name

    def code_name(code: dict[str, Any]) -> str:
        entry = find_code(code["scheme"], code["code"], code.get("kind"))
        return entry.label(language) if entry else code.get("name") or code["code"]

    return {
        **known, "title_of_issue": title, "code_name": code_name,
        "state_name": lambda state: words.say_of(words.STATES[state], language),
        "act_name": lambda kind: words.say_of(words.ACTS[kind], language),
        "states": tuple(words.STATES),
        "area_name": area_names(session),
        "units": list_units(session),
        "reasons": [(each.code, each.say(language), each.needs_text) for each in reasons().values()],
    }  # fmt: skip


def area_names(session: ReadSession) -> Any:
    """Says an area by the names of all that hold it, outermost first; of versions gone by, too."""
    known: dict[str, str] = {}

    def name(path: str | None) -> str:
        codes = [each for each in (path or "").split("/") if each]
        if missing := [each for each in codes if each not in known]:
            rows = select(Area.code, Area.name).where(Area.code.in_(missing)).order_by(Area.id)
            known.update(dict.fromkeys(missing, "") | dict(session.execute(rows).all()))
        return " · ".join(known[each] or each for each in codes)

    return name


def _case(
    session: ReadSession, actor: Actor, row: Issue, settings: Settings, language: Language
) -> dict[str, Any]:
    """All that the page of an issue shows."""
    issue = detail(session, actor, row, language)
    steps = timeline(session, actor, row, language)
    after = [each for each in issue.photos if each.act in ("answer", "handle")]
    latest = after[-1].act_id if after else None
    return {
        "issue": issue, "steps": grouped(steps), "best_size": _size_of(session, issue.best_frame_id),
        "before": [
            each for each in issue.photos if each.act == "enter" and each.frame_id != issue.best_frame_id
        ],
        "after": [each for each in after if each.act_id == latest],
        "asked": next((each for each in reversed(steps) if each.kind == "ask_extension"), None),
        "appealed": next((each for each in reversed(steps) if each.kind == "appeal"), None),
        "table_limit": _table_limit(session, row, settings, language),
        "all_kinds": [each for each in KINDS if may_do(actor, row, each)],
        "moment_of": datetime.fromisoformat,
        "length_asked": partial(_length_asked, language=language),
        "counted": counted(session, row.id) if may(actor, Permission.READ_STREET_ENTRIES) else [],
        "kind_names": {word.code: word.label(language) for word in words_of_places("kinds").values()},
        **said(session, actor, language),
    }  # fmt: skip


def grouped(steps: Sequence[ActShown]) -> list[tuple[ActShown, int]]:
    """The timeline, where passes that say the same in a row are one line: the latest, and how many."""
    found: list[tuple[ActShown, int]] = []
    for step in steps:
        same = (
            found
            and step.what == "recheck"
            and (found[-1][0].what, found[-1][0].kind) == (step.what, step.kind)
        )
        if same:
            found[-1] = step, found[-1][1] + 1
        else:
            found.append((step, 1))
    return found


def _table_limit(
    session: ReadSession, issue: Issue, settings: Settings, language: Language
) -> tuple[str, datetime | None, str] | None:
    """What the table of deadlines gives it now: the limit in words, until when, or why nobody can tell."""
    row = limit_for(deadlines_in_force(session), issue)
    if row is None:
        return None
    limit = row.made()
    try:
        return limit.say(language), due(limit, now(), calendar_in_force(session, settings.zone)), ""
    except SpokenError as error:
        return limit.say(language), None, error.say(language)


def _length_asked(details: dict[str, Any], language: Language) -> tuple[str, datetime | None]:
    """The extension that was asked for: how long, in words, or until when."""
    if sent := details.get("limit"):
        return LimitSent.model_validate(sent).made().say(language), None
    return "", datetime.fromisoformat(details["due_at"]) if "due_at" in details else None


def _size_of(session: ReadSession, frame_id: str | None) -> tuple[int, int] | None:
    """Width and height of a frame's upright original, pixels; None while nobody has looked at it."""
    if frame_id is None:
        return None
    found = (
        select(Result.width, Result.height)
        .join(Frame, Frame.result_id == Result.id)
        .where(Frame.id == frame_id)
    )
    row = session.execute(found).first()
    return (row[0], row[1]) if row and row[0] and row[1] else None


def _within(filters: Filters, days: tuple[date | None, date | None], zone: tzinfo) -> Filters:
    first, last = days
    begins = morning(first, zone) if first else filters.confirmed_from
    ends = morning(last, zone, days=1) if last else filters.confirmed_before
    return replace(filters, confirmed_from=begins, confirmed_before=ends)


def _however(filters: Filters) -> Filters:
    """The same, however they stand: what tabs count."""
    standing = (
        "states",
        "open",
        "overdue",
        "proposal",
        "supervision",
        "appeal",
        "extension",
        "to_look_again",
    )
    return replace(filters, **{name: getattr(_ANYHOW, name) for name in standing})


def _addresses(query: str, wanted: Filters) -> dict[str, Any]:
    """Parts of the address, to be put together anew by links: for tabs, for files, for forms."""
    given = [(name, value) for name, value in parse_qsl(query) if name != "cursor"]
    standing = [each for each in given if each[0] in (*STANDING, "state")]
    plain = [each for each in given if each not in standing]
    api = [
        each
        for each in given
        if each[0] not in ("from_day", "to_day", "order", "confirmed_from", "confirmed_before")
    ]
    times = [("confirmed_from", wanted.confirmed_from), ("confirmed_before", wanted.confirmed_before)]
    return {
        "plain_query": urlencode(plain), "standing_query": urlencode(standing),
        "standing": [each for each in standing if each[0] != "state"],
        "api_query": urlencode(api + [(name, value.isoformat()) for name, value in times if value]),
        "list_query": urlencode(given),
    }  # fmt: skip
