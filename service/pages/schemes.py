"""Pages: schemes with their versions, one in words, and what it would have changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.dependencies import Server
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.pages.scores import choices_of
from streetsight.service.places.words import words
from streetsight.service.scoring import periods, versions
from streetsight.service.scoring.previewing import preview
from streetsight.service.scoring.reading import example_schemes, read_scheme_file
from streetsight.service.scoring.routes import Key, Number, ScoreReader
from streetsight.service.scoring.saying import Speaker, plain
from streetsight.service.scoring.schemas import SchemeShown, named
from streetsight.service.scoring.schemes import Item, Part, Scheme
from streetsight.service.scoring.spans import span_of
from streetsight.service.scoring.tables import SchemeVersion
from streetsight.service.store.sessions import ReadSession

router = APIRouter(include_in_schema=False)

Months = Annotated[list[str], Query(max_length=24)]


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a scheme in words that another version has not. Attributes: mark: + or -."""

    mark: str
    text: str


@router.get("/schemes", response_class=HTMLResponse)
def show_all(server: Server, request: Request, actor: ScoreReader) -> HTMLResponse:
    """Schemes with their versions; bring one in, or load an example."""
    language = language_of_page(request)
    with server.database.read() as session:
        rows = versions.list_versions(session)
        shown = [SchemeShown.of(each, language) for each in rows]
        groupings = versions.known_groupings(session)
        examples = {
            name: read_scheme_file(path, groupings).model_dump(mode="json", exclude_defaults=True)
            for name, path in example_schemes().items()
        }
        return page(
            request, server, "schemes.html", actor, schemes=_by_key(shown), examples=examples,
            in_force=_in_force(rows, server), may_change=_may_change(actor), kinds=_kinds(language),
        )  # fmt: skip


@router.get("/schemes/{key}/{number}", response_class=HTMLResponse)
def show_one(
    server: Server, request: Request, actor: ScoreReader, key: Key, number: Number, on: Months = [],  # noqa: B006
) -> HTMLResponse:  # fmt: skip
    """A version in words, what differs from the one in force, and what it would have made of periods."""
    language, settings = language_of_page(request), server.settings
    with server.database.read() as session:
        row = versions.version_of(session, key, number)
        scheme, speaker = versions.made(row), Speaker(language, groupings_in_force(session))
        spans = [span_of(each) for each in on]
        tried = preview(session, settings, scheme, spans) if spans else None
        if wants_fragment(request):
            return page(request, server, "_preview.html", actor, tried=tried, scheme=scheme, spans=spans)
        other = _compared_with(session, row, server)
        return page(
            request, server, "scheme.html", actor, version=SchemeShown.of(row, language), scheme=scheme,
            speaker=speaker, plain=plain, named=named, kinds=_kinds(language), tried=tried, spans=spans,
            choices=_months(session, server, key), may_change=_may_change(actor),
            in_force=_in_force(versions.list_versions(session, key), server).get(key),
            other=other, changes=_changes(versions.made(other), scheme, speaker) if other else [],
            first_month=_first_month(session, server, key),
        )  # fmt: skip


def in_words(scheme: Scheme, speaker: Speaker) -> list[str]:
    """A scheme line by line, for comparing."""
    said = [
        f"{named(scheme, speaker.language)}: {plain(scheme.total)}",
        speaker.say("cases nearer than {metres} m are one place", metres=plain(scheme.same_place_m)),
        *(
            speaker.say("nothing is taken for {what}", what=named(each, speaker.language))  # type: ignore[arg-type]
            for each in scheme.exempt
        ),
        *(
            speaker.say("shown and taking nothing: {what}", what=speaker.value("class", each))
            for each in scheme.advisory
        ),
        *(f"{', '.join([*each.subjects, *each.groups])}: {each.why}" for each in scheme.overrides),
    ]
    return said + [line for part in scheme.parts for line in _part_in_words(part, speaker)]


def _part_in_words(part: Part, speaker: Speaker) -> list[str]:
    return [
        f"{named(part, speaker.language)}: {plain(part.weight)}",
        *(line for item in part.items for line in _item_in_words(part, item, speaker)),
    ]


def _item_in_words(part: Part, item: Item, speaker: Speaker) -> list[str]:
    name = f"{named(part, speaker.language)} / {named(item, speaker.language)}"
    bounds = f"{plain(item.full)} ({plain(item.floor)} … {plain(item.highest)})"
    rules = [f"{name} / {named(rule, speaker.language)}: {speaker.rule(rule)}" for rule in item.rules]
    return [f"{name}: {bounds} {speaker.where(item.where)}".strip(), *rules]


def _changes(before: Scheme, after: Scheme, speaker: Speaker) -> list[Change]:
    old, new = in_words(before, speaker), in_words(after, speaker)
    found = list[Change]()
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            found += [Change("-", line) for line in old[a:b]]
            found += [Change("+", line) for line in new[c:d]]
    return found


def _compared_with(session: ReadSession, row: SchemeVersion, server: Any) -> SchemeVersion | None:
    """The version in force, or for that one the version that was adopted before it; None without one."""
    rows = [each for each in versions.list_versions(session, row.key) if each.adopted_from is not None]
    number = _in_force(rows, server).get(row.key)
    others = [each for each in rows if each.number == number and each.number != row.number]
    before = [each for each in rows if each.number < row.number]
    return next(iter(others or before), None)


def _in_force(rows: Sequence[SchemeVersion], server: Any) -> dict[str, int]:
    """Key -> number of the version that the current month goes by."""
    month = periods.current_month(server.settings).starts
    adopted = [each for each in rows if each.adopted_from is not None and each.adopted_from <= month]
    adopted.sort(key=lambda each: (each.adopted_from, each.number))
    return {each.key: each.number for each in adopted}


def _months(session: ReadSession, server: Any, key: str) -> list[Any]:
    """Months that one can try a scheme on: of this one's periods, or the current month."""
    found = [each for each in choices_of(session, server.settings, key) if each.span.grain == "month"]
    return found[:24] or choices_of(session, server.settings, key, periods.current_month(server.settings))[:1]


def _first_month(session: ReadSession, server: Any, key: str) -> str:
    """The first month that a version may be adopted for: the one after the last that is closed."""
    closed = [each.span for each in choices_of(session, server.settings, key)
              if each.closed and each.span.grain == "month"]  # fmt: skip
    month = periods.current_month(server.settings)
    return f"{closed[0].ends:%Y-%m}" if closed and closed[0].ends <= month.starts else month.name


def _by_key(shown: Sequence[SchemeShown]) -> dict[str, list[SchemeShown]]:
    found: dict[str, list[SchemeShown]] = {}
    for each in shown:
        found.setdefault(each.key, []).append(each)
    return found


def _kinds(language: Any) -> dict[str, str]:
    return {code: word.label(language) for code, word in words("kinds").items()}


def _may_change(actor: Actor) -> bool:
    return may(actor, Permission.ANALYSE) and actor.areas is None
