"""HTTP: shops and what is in front of them (门前三包)."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security

from streetsight.inference.positions.profile import Crs
from streetsight.service.areas.geojson import Document, parse_collection
from streetsight.service.auth.access import Analyst, allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.campaigns.phases import moments_of
from streetsight.service.candidates.routes import Given
from streetsight.service.dependencies import Cursor, Id, Limit, Server, Text
from streetsight.service.documents import service as documents
from streetsight.service.documents.routes import Reason, add_document_routes
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.documents.service import version_of
from streetsight.service.errors import language_of
from streetsight.service.etags import IfMatch, etag
from streetsight.service.issues import service as issues
from streetsight.service.issues.schemas import IssueShown
from streetsight.service.issues.tables import Issue
from streetsight.service.shops import boards, cards, importing, months, points, service
from streetsight.service.shops.front import Fronts, found_in_front
from streetsight.service.shops.importing import How
from streetsight.service.shops.reading import File, read_csv, read_features
from streetsight.service.shops.rules import ShopRules, example_files, rules_in_force
from streetsight.service.shops.schemas import (
    CardSent,
    CardsGiven,
    CardShown,
    ContactShown,
    ImportReceipt,
    Month,
    MonthShown,
    PointSent,
    PointShown,
    RatingPage,
    RatingSet,
    RatingShown,
    RulesInForce,
    ShopBoard,
    ShopCode,
    ShopCounts,
    ShopPage,
    ShopSent,
    ShopShown,
    StreetBoard,
)
from streetsight.service.shops.service import Filters
from streetsight.service.shops.tables import Shop, ShopRulesVersion
from streetsight.service.store.sealing import open_sealer
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/shops", tags=["shops"])

P = Permission
Reader = Annotated[Actor, Security(allowed(P.READ_STREET_ENTRIES))]
Keeper = Annotated[Actor, Security(allowed(P.MANAGE_SHOPS))]
Contacts = Annotated[Actor, Security(allowed(P.SEE_CONTACTS))]
Word = Annotated[Text | None, Query(max_length=200), Given]
OneMonth = Annotated[Month, Path(description="As 2026-11.")]
FILE = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string", "format": "binary"}},
            "application/geo+json": {"schema": {"type": "object", "description": "A FeatureCollection"}},
        },
    }
}


def shops_wanted(
    area: Annotated[Text | None, Query(max_length=200, description="Path or code of an area."), Given] = None,
    street: Word = None,
    unit: Word = None,
    code: Annotated[ShopCode | None, Query(), Given] = None,
    signed: Annotated[bool | None, Query(description="With an agreement (责任书)."), Given] = None,
    demonstration: Annotated[bool | None, Given] = None,
    closed: bool = False,
    search: Annotated[
        Text | None, Query(max_length=100, description="A part of name, code or address."), Given
    ] = None,
) -> Filters:
    """Dependency: which shops are wanted; an empty filter takes all."""
    return Filters(area, street, unit, code, signed, demonstration, closed, search)


ShopsWanted = Annotated[Filters, Depends(shops_wanted)]


@router.get("")
def list_shops(
    server: Server, actor: Reader, wanted: ShopsWanted, limit: Limit = 50, cursor: Cursor = None
) -> ShopPage:
    """Shops in one's areas, newest first."""
    with server.database.read() as session:
        shops = service.list_shops(session, actor, wanted.conditions(session), limit, cursor)
    return ShopPage(items=[ShopShown.of(each, actor) for each in shops.items], next_cursor=shops.next_cursor)


@router.post("", status_code=201)
def add_shop(server: Server, actor: Keeper, sent: ShopSent, response: Response) -> ShopShown:
    """Write a shop down."""
    sealer = open_sealer(server.settings)
    shop = server.writer.run(partial(service.add, actor=actor, sent=sent, sealer=sealer))
    response.headers["Location"] = f"/v1/shops/{shop.id}"
    return _answer(shop, actor, response)


async def file_sent(request: Request, _actor: Keeper, crs: Crs | None = None) -> File:
    """Dependency: shops in the body, CSV or GeoJSON; read after the caller's rights are known."""
    content = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return _read(content, "json" in kind or content.lstrip()[:1] == b"{", crs)


@router.post("/import", openapi_extra=FILE)
def import_file(
    server: Server,
    actor: Keeper,
    request: Request,
    file: Annotated[File, Depends(file_sent)],
    reason: Reason,
    partial_: Annotated[bool, Query(alias="partial", description="Take the good lines alone.")] = False,
    check: Annotated[bool, Query(description="Only say what would come of it.")] = False,
) -> ImportReceipt:
    """Take shops in from CSV or GeoJSON: by their code they are added or changed; others stay as they are."""
    sealer, language = open_sealer(server.settings), language_of(request)
    how = How(reason, partial_, check)
    return server.writer.run(
        partial(importing.import_shops, actor=actor, file=file, how=how, sealer=sealer, language=language)
    )


@router.get("/counts")
def count_shops(server: Server, actor: Reader, month: Annotated[Month | None, Query()] = None) -> ShopCounts:
    """Agreements signed, shops rated in a month (this one), cards in force, in what one may see."""
    with server.database.read() as session:
        return boards.counts(session, actor, month, server.settings.zone)


@router.get("/rules")
def read_rules(server: Server, _actor: Reader, response: Response) -> RulesInForce:
    """The rules in force. The ETag is their version; 0 while there are none."""
    with server.database.read() as session:
        version, document = version_of(session, ShopRulesVersion), rules_in_force(session)
    response.headers["ETag"] = etag(version.number if version else 0)
    return RulesInForce(version=VersionShown.of(version) if version else None, document=document)


@router.put("/rules")
def replace_rules(
    server: Server, actor: Analyst, document: ShopRules, reason: Reason, wanted: IfMatch, response: Response
) -> VersionShown:
    """Put other rules in force. Months that are closed and cards that were given stay as they are."""
    version = server.writer.run(
        partial(
            documents.bring_in, actor=actor, table=ShopRulesVersion, noun="shop_rules", document=document,
            reason=reason, wanted=wanted,
        )
    )  # fmt: skip
    response.headers["ETag"] = etag(version.number)
    return VersionShown.of(version)


add_document_routes(router, "/rules", ShopRules, ShopRulesVersion, example_files)


@router.get("/months")
def list_months(server: Server, _actor: Reader) -> list[MonthShown]:
    """Months that are closed, the latest first."""
    with server.database.read() as session:
        return [MonthShown.of(row) for row in months.closed_months(session)]


@router.get("/months/{month}")
def read_month(
    server: Server, actor: Reader, request: Request, month: OneMonth, limit: Limit = 50, cursor: Cursor = None
) -> RatingPage:
    """Ratings of a month in one's areas, newest shop first: as fixed, or as they stand now."""
    language = language_of(request)
    with server.database.read() as session:
        found = months.read_month(session, month, server.settings.zone)
        mine = set(months.seen_shops(session, actor))
        ids = sorted((each for each in found.rows if each in mine and each < (cursor or "~")), reverse=True)
        items = [_rating(found, shop_id, language) for shop_id in ids[:limit]]
    return RatingPage(items=items, next_cursor=ids[limit - 1] if len(ids) > limit else None)


@router.post("/months/{month}/closing", status_code=201)
def close_month(server: Server, actor: Keeper, month: OneMonth) -> MonthShown:
    """Fix the ratings of a month that is over, of the whole city, with the points that they bring."""
    zone = server.settings.zone
    with server.database.read() as session:  # worked out before: nobody waits for that
        found = months.read_month(session, month, zone)
    closed = server.writer.run(partial(months.close_month, actor=actor, month=found, zone=zone))
    return MonthShown.of(closed)


@router.get("/streets/{code}/board")
def read_street_board(
    server: Server, actor: Reader, code: Annotated[Text, Path(min_length=1, max_length=40)]
) -> StreetBoard:
    """What a 街长公示牌 says: chiefs, and how the shops of the street stand."""
    with server.database.read() as session:
        return boards.street_board(session, actor, code, server.settings)


@router.get("/{shop_id}")
def read_shop(server: Server, actor: Reader, shop_id: Id, response: Response) -> ShopShown:
    """One shop. The ETag is its version."""
    with server.database.read() as session:
        return _answer(service.find(session, actor, shop_id), actor, response)


@router.put("/{shop_id}")
def change_shop(
    server: Server, actor: Keeper, shop_id: Id, sent: ShopSent, version: IfMatch, response: Response
) -> ShopShown:
    """Write all of a shop anew."""
    sealer = open_sealer(server.settings)
    shop = server.writer.run(
        partial(service.change, actor=actor, shop_id=shop_id, sent=sent, version=version, sealer=sealer)
    )
    return _answer(shop, actor, response)


@router.delete("/{shop_id}")
def close_shop(
    server: Server, actor: Keeper, shop_id: Id, reason: Reason, version: IfMatch, response: Response
) -> ShopShown:
    """The shop is gone: who was responsible is erased, ratings, cards and points stay."""
    shop = server.writer.run(
        partial(service.close, actor=actor, shop_id=shop_id, reason=reason, version=version)
    )
    return _answer(shop, actor, response)


@router.post("/{shop_id}/contact")
def read_contact(server: Server, actor: Contacts, shop_id: Id) -> ContactShown:
    """The responsible person (店长) and their telephone. Each look is in the audit log."""
    sealer = open_sealer(server.settings)
    return server.writer.run(partial(service.read_contact, actor=actor, shop_id=shop_id, sealer=sealer))


@router.get("/{shop_id}/issues")
def list_issues(
    server: Server, actor: Reader, shop_id: Id, month: Annotated[Month | None, Query()] = None
) -> list[IssueShown]:
    """Issues in front of a shop that were found in a month (this one), as its rating counts them."""
    zone = server.settings.zone
    span = months.span_of(month or months.month_of(now(), zone))
    with server.database.read() as session:
        shop = service.find(session, actor, shop_id)
        everybody = service.open_shops(session)
        fronts = Fronts([*everybody, *([shop] if shop.closed_at else [])], rules_in_force(session))
        found = found_in_front(session, fronts, *moments_of(span, zone)).get(shop.id, [])
        ids = [each.issue_id for each in found]
        rows = session.query(Issue).where(Issue.id.in_(ids), issues.visible(actor)).order_by(Issue.id)
        return [IssueShown.of(row) for row in rows]


@router.put("/{shop_id}/ratings/{month}")
def set_rating(
    server: Server, actor: Keeper, request: Request, shop_id: Id, month: OneMonth, asked: RatingSet
) -> RatingShown:
    """A person's word instead of the rule's, while the month is open; without a band the rule's again."""
    zone = server.settings.zone
    server.writer.run(
        partial(months.set_rating, actor=actor, shop_id=shop_id, month=month, asked=asked, zone=zone)
    )
    with server.database.read() as session:
        return _rating(months.read_month(session, month, zone), shop_id, language_of(request))


@router.get("/{shop_id}/cards")
def list_cards(server: Server, actor: Reader, shop_id: Id) -> list[CardShown]:
    """All cards of a shop, the newest first."""
    today = now().astimezone(server.settings.zone).date()
    with server.database.read() as session:
        shop = service.find(session, actor, shop_id)
        return [CardShown.of(card, today) for card in cards.cards_of(session, shop.id)]


@router.post("/{shop_id}/cards", status_code=201)
def give_card(server: Server, actor: Keeper, shop_id: Id, asked: CardSent) -> CardsGiven:
    """Give a yellow or red card for an issue."""
    zone = server.settings.zone
    given = server.writer.run(partial(cards.give, actor=actor, shop_id=shop_id, asked=asked, zone=zone))
    today = now().astimezone(zone).date()
    with server.database.read() as session:
        balance = points.balance_of(session, shop_id)
    return CardsGiven(cards=[CardShown.of(card, today) for card in given], balance=balance)


@router.post("/{shop_id}/cards/{card_id}/revocation")
def revoke_card(server: Server, actor: Keeper, shop_id: Id, card_id: Id, reason: Reason) -> CardShown:
    """Take a card back, with exactly the points that it took."""
    unit = partial(cards.revoke, actor=actor, shop_id=shop_id, card_id=card_id, reason=reason)
    return CardShown.of(server.writer.run(unit), now().astimezone(server.settings.zone).date())


@router.get("/{shop_id}/points")
def list_points(server: Server, actor: Reader, shop_id: Id) -> list[PointShown]:
    """All lines of a shop's points, the newest first."""
    with server.database.read() as session:
        shop = service.find(session, actor, shop_id)
        return [PointShown.of(row) for row in points.points_of(session, shop.id)]


@router.post("/{shop_id}/points", status_code=201)
def spend_points(server: Server, actor: Keeper, shop_id: Id, asked: PointSent) -> PointShown:
    """Exchange points (积分兑换), or correct them."""
    return PointShown.of(server.writer.run(partial(points.spend, actor=actor, shop_id=shop_id, asked=asked)))


@router.get("/{shop_id}/board")
def read_shop_board(server: Server, actor: Contacts, request: Request, shop_id: Id) -> ShopBoard:
    """What a 店长公示牌 says, with the name of the responsible person."""
    with server.database.read() as session:
        return boards.shop_board(session, actor, shop_id, server.settings, language_of(request))


def _read(content: bytes, is_json: bool, crs: Crs | None) -> File:
    if not is_json:
        return read_csv(content, crs)
    document: Document = parse_collection(content)
    return read_features(document, crs)


def _rating(month: months.Month, shop_id: str, language: str) -> RatingShown:
    closed = month.closed is not None
    return RatingShown.of(month.shops[shop_id], month.rows[shop_id], closed, month.rules, language)  # type: ignore[arg-type]


def _answer(shop: Shop, actor: Actor, response: Response) -> ShopShown:
    response.headers["ETag"] = etag(shop.version)
    return ShopShown.of(shop, actor)
