"""Pages: shops and their fronts (门前三包): the register, one shop, files, rules and months, boards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.campaigns.phases import moments_of
from streetsight.service.candidates.routes import Given
from streetsight.service.dependencies import Cursor, Id, Server, Text
from streetsight.service.documents.reading import read_file
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.groupings.grouping import group_of
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues import service as issues
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.tables import Issue
from streetsight.service.pages.issues import said
from streetsight.service.pages.rendering import language_of_page, page, wants_fragment
from streetsight.service.people.service import list_units
from streetsight.service.places.service import in_force as registered
from streetsight.service.places.tables import Place
from streetsight.service.settings import Settings
from streetsight.service.shops import boards, cards, months, points, service
from streetsight.service.shops.front import Fronts, found_in_front
from streetsight.service.shops.routes import Contacts, Keeper, Reader, ShopsWanted
from streetsight.service.shops.rules import ShopRules, example_files, rules_in_force
from streetsight.service.shops.schemas import CardShown, Month, MonthShown, PointShown, RatingShown, ShopShown
from streetsight.service.shops.tables import Shop, ShopCard, ShopRating, ShopRulesVersion
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

SHOWN, BEFORE = 50, 12
ROAD, TEN = "road", "disorder"
OneMonth = Annotated[Month | None, Query(), Given]


@dataclass(frozen=True, slots=True)
class Rated:
    """Ratings of a month as pages show them.

    Attributes:
        rows: by shop, those that were asked for.
        bands: code -> what it is called, the best one first.
    """

    month: str
    closed: bool
    rules: ShopRules | None
    rows: dict[str, ShopRating]
    bands: dict[str, str]


@router.get("/shops", response_class=HTMLResponse)
def show_all(
    server: Server, request: Request, actor: Reader, wanted: ShopsWanted, month: OneMonth = None,
    band: Annotated[str | None, Query(max_length=40), Given] = None, cursor: Cursor = None,
) -> HTMLResponse:  # fmt: skip
    """The register, with each shop's rating of a month: the last closed one, while none is asked for."""
    settings, language = server.settings, language_of_page(request)
    with server.database.read() as session:
        rated = _rated(session, settings, language, month)
        conditions = wanted.conditions(session)
        if band is not None and rated.rules is not None:
            conditions.append(Shop.id.in_([
                shop for shop, row in rated.rows.items() if (row.band or "not_inspected") == band
            ]))  # fmt: skip
        found = service.list_shops(session, actor, conditions, SHOWN, cursor)
        ids = [each.id for each in found.items]
        return page(
            request, server, "_shops.html" if wants_fragment(request) else "shops.html", actor,
            shops=[ShopShown.of(each, actor) for each in found.items], next_cursor=found.next_cursor,
            wanted=wanted, band=band, rated=rated, months=_months(session, settings),
            cards=_cards(session, ids, settings),
            counts=_counts(session, actor, rated, settings), streets=_streets(session, actor),
            may_keep=may(actor, Permission.MANAGE_SHOPS), **said(session, actor, language),
        )  # fmt: skip


@router.get("/shops/new", response_class=HTMLResponse)
def show_new(server: Server, request: Request, actor: Keeper) -> HTMLResponse:
    """Write a shop down."""
    with server.database.read() as session:
        return page(
            request, server, "shop_form.html", actor, shop=None, streets=_streets(session, actor),
            units=list_units(session),
        )  # fmt: skip


@router.get("/shops/import", response_class=HTMLResponse)
def show_import(server: Server, request: Request, actor: Keeper) -> HTMLResponse:
    """Take shops in from a file: first what would come of each line."""
    return page(request, server, "shop_import.html", actor)


@router.get("/shops/rules", response_class=HTMLResponse)
def show_rules(server: Server, request: Request, actor: Reader) -> HTMLResponse:
    """The city's rules in words, and the months that were closed by them."""
    settings = server.settings
    with server.database.read() as session:
        version = version_of(session, ShopRulesVersion)
        closed = [MonthShown.of(each) for each in months.closed_months(session)]
        rules, language = rules_in_force(session), language_of_page(request)
        examples = {name: _plain(read_file(path, ShopRules)) for name, path in example_files().items()}
        return page(
            request, server, "shop_rules.html", actor, rules=rules,
            document=_plain(rules) if rules else None, examples=examples,
            version=VersionShown.of(version) if version else None, closed=closed,
            to_close=_first_to_close(session, settings), bands=_bands(rules, language),
            may_change=may(actor, Permission.ANALYSE) and actor.areas is None,
            group_names=_group_names(session, language),
            may_close=may(actor, Permission.MANAGE_SHOPS) and actor.areas is None,
            **said(session, actor, language),
        )  # fmt: skip


@router.get("/shops/streets/{code}/board", response_class=HTMLResponse)
def show_street_board(
    server: Server, request: Request, actor: Reader, code: Annotated[Text, Path(min_length=1, max_length=40)]
) -> HTMLResponse:
    """街长公示牌, to be printed."""
    language = language_of_page(request)
    with server.database.read() as session:
        board = boards.street_board(session, actor, code, server.settings)
        rules = rules_in_force(session)
        return page(
            request, server, "street_board.html", actor, board=board, bands=_bands(rules, language), now=now()
        )


@router.get("/shops/{shop_id}", response_class=HTMLResponse)
def show_one(
    server: Server, request: Request, actor: Reader, shop_id: Id, month: OneMonth = None
) -> HTMLResponse:
    """A shop's card: who keeps it, how it was rated, what lay in front of it, cards and points."""
    settings, language = server.settings, language_of_page(request)
    today = now().astimezone(settings.zone).date()
    with server.database.read() as session:
        shop = service.find(session, actor, shop_id)
        wanted = month or months.month_of(now(), settings.zone)
        rated = _rated(session, settings, language, wanted)
        front = _in_front(session, shop, wanted, settings)
        return page(
            request, server, "shop.html", actor, shop=ShopShown.of(shop, actor), rated=rated,
            rating=_rating(rated, shop, language), months=_months(session, settings),
            history=_history(session, shop, language), tags=_tags(session, front, language),
            issues=_issues(session, actor, [each.issue_id for each in front]),
            cards=[CardShown.of(each, today) for each in cards.cards_of(session, shop.id)],
            balance=points.balance_of(session, shop.id),
            lines=[PointShown.of(each) for each in points.points_of(session, shop.id)],
            street=_street(session, shop.street), may_keep=may(actor, Permission.MANAGE_SHOPS),
            may_see=may(actor, Permission.SEE_CONTACTS), rules=rules_in_force(session),
            **said(session, actor, language),
        )  # fmt: skip


@router.get("/shops/{shop_id}/edit", response_class=HTMLResponse)
def show_form(server: Server, request: Request, actor: Keeper, shop_id: Id) -> HTMLResponse:
    """Change what is written of a shop."""
    with server.database.read() as session:
        return page(
            request, server, "shop_form.html", actor,
            shop=ShopShown.of(service.find(session, actor, shop_id), actor), units=list_units(session),
            streets=_streets(session, actor),
        )  # fmt: skip


@router.get("/shops/{shop_id}/board", response_class=HTMLResponse)
def show_board(server: Server, request: Request, actor: Contacts, shop_id: Id) -> HTMLResponse:
    """店长公示牌, to be printed."""
    with server.database.read() as session:
        board = boards.shop_board(session, actor, shop_id, server.settings, language_of_page(request))
        return page(request, server, "shop_board.html", actor, board=board, shop_id=shop_id, now=now())


def _rated(session: ReadSession, settings: Settings, language: Language, month: str | None) -> Rated:
    """Ratings of a month: of a closed one as they were kept, else as they stand now."""
    last = months.last_closed(session)
    wanted = month or (last.month if last else months.month_of(now(), settings.zone))
    closed = months.closed_month(session, wanted)
    if closed is not None:
        kept = session.scalars(select(ShopRating).where(ShopRating.month == wanted))
        rules = ShopRules.model_validate(closed.rules)
        return Rated(wanted, True, rules, {row.shop_id: row for row in kept}, _bands(rules, language))
    rules_now = rules_in_force(session)
    if rules_now is None or wanted > months.month_of(now(), settings.zone):
        return Rated(wanted, False, None, {}, {})
    rows = dict(months.read_month(session, wanted, settings.zone).rows)
    return Rated(wanted, False, rules_now, rows, _bands(rules_now, language))


def _rating(rated: Rated, shop: Shop, language: Language) -> RatingShown | None:
    row = rated.rows.get(shop.id)
    return RatingShown.of(shop, row, rated.closed, rated.rules, language) if row and rated.rules else None


def _bands(rules: ShopRules | None, language: Language) -> dict[str, str]:
    return {band.code: band.label(language) for band in rules.rating.bands} if rules else {}


def _months(session: ReadSession, settings: Settings) -> list[tuple[str, bool]]:
    """Months to choose from, the latest first, and whether they are closed."""
    closed = {row.month for row in months.closed_months(session)}
    found, day = list[tuple[str, bool]](), now().astimezone(settings.zone).date()
    for _ in range(BEFORE):
        name = f"{day:%Y-%m}"
        found.append((name, name in closed))
        day = months.span_of(name)[0] - date.resolution
    return found


def _first_to_close(session: ReadSession, settings: Settings) -> str | None:
    """The month before this one, while it is open; or the one after the last that was closed."""
    this = months.month_of(now(), settings.zone)
    last = months.last_closed(session)
    if last is None:
        return f"{months.span_of(this)[0] - date.resolution:%Y-%m}"
    following = f"{months.span_of(last.month)[1] + date.resolution:%Y-%m}"
    return following if following < this else None


def _counts(session: ReadSession, actor: Actor, rated: Rated, settings: Settings) -> dict[str, Any]:
    """Counters over the register, of what one may see."""
    mine, is_open = set(months.seen_shops(session, actor)), Shop.closed_at.is_(None)
    bands = Counter(row.band or "not_inspected" for shop, row in rated.rows.items() if shop in mine)
    today = now().astimezone(settings.zone).date()
    return {
        "shops": service.count_of(session, actor, is_open),
        "signed": service.count_of(session, actor, is_open, Shop.agreement_signed.is_not(None)),
        "demonstration": service.count_of(session, actor, is_open, Shop.demonstration.is_(True)),
        "cards": boards.count_cards(session, actor, today), "bands": bands,
    }  # fmt: skip


def _cards(session: ReadSession, ids: Sequence[str], settings: Settings) -> dict[str, Counter[str]]:
    """By shop, how many cards of each colour are in force."""
    today = now().astimezone(settings.zone).date()
    found: dict[str, Counter[str]] = {}
    rows = session.scalars(select(ShopCard).where(ShopCard.shop_id.in_(ids)))
    for card in cards.in_force(list(rows), today):
        found.setdefault(card.shop_id, Counter())[card.colour] += 1
    return found


def _streets(session: ReadSession, actor: Actor) -> dict[str, str]:
    """Streets of the register of places and of shops, by code, with their names."""
    mine = service.visible(actor), Shop.street.is_not(None)
    used = session.scalars(select(Shop.street).where(*mine).distinct())
    roads = session.execute(select(Place.code, Place.name).where(Place.kind == ROAD, registered(now())))
    names = dict(sorted((row.code, row.name) for row in roads))
    return {**{str(code): str(code) for code in sorted(filter(None, used))}, **names}


def _street(session: ReadSession, code: str | None) -> Place | None:
    found = select(Place).where(Place.kind == ROAD, Place.code == code, registered(now()))
    return session.scalar(found) if code else None


def _in_front(session: ReadSession, shop: Shop, month: str, settings: Settings) -> list[Any]:
    """Issues in front of a shop that were found in a month."""
    everybody = service.open_shops(session)
    fronts = Fronts([*everybody, *([shop] if shop.closed_at else [])], rules_in_force(session))
    span = moments_of(months.span_of(month), settings.zone)
    return list(found_in_front(session, fronts, *span).get(shop.id, []))


def _tags(session: ReadSession, found: Sequence[Any], language: Language) -> list[tuple[str, int]]:
    """The ten 乱 by name, as the groupings in force have them, and how many issues each has."""
    document = groupings_in_force(session)
    grouping = document.by_code.get(TEN)
    if grouping is None:
        return []
    counts = Counter(group_of(document, TEN, each.condition, each.class_name, each.code) for each in found)
    return [(each.zh if language == "zh" else each.en, counts[each.code]) for each in grouping.members]


def _issues(session: ReadSession, actor: Actor, ids: Sequence[str]) -> list[IssueShown]:
    rows = select(Issue).where(Issue.id.in_(ids), issues.visible(actor)).order_by(Issue.id.desc())
    return [IssueShown.of(row) for row in session.scalars(rows)]


def _history(session: ReadSession, shop: Shop, language: Language) -> list[RatingShown]:
    """Ratings of closed months, the latest first, with what their bands were called then."""
    rules = {row.month: ShopRules.model_validate(row.rules) for row in months.closed_months(session)}
    rows = select(ShopRating).where(ShopRating.shop_id == shop.id).order_by(ShopRating.month.desc())
    kept = [row for row in session.scalars(rows) if row.month in rules]
    return [RatingShown.of(shop, row, True, rules[row.month], language) for row in kept]


def _plain(rules: ShopRules) -> dict[str, Any]:
    """Rules as somebody would send them."""
    return rules.model_dump(mode="json", exclude_defaults=True)


def _group_names(session: ReadSession, language: Language) -> dict[str, dict[str, str]]:
    return {
        each.code: {one.code: one.zh if language == "zh" else one.en for one in each.members}
        for each in groupings_in_force(session).groupings
    }
