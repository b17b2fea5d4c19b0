"""Counters, and what boards at shops and streets say (店长公示牌, 街长公示牌), for a page or a printer."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, tzinfo

from sqlalchemy import func, select

from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import NotFound
from streetsight.service.places.service import in_force as registered
from streetsight.service.places.tables import Place
from streetsight.service.settings import Settings
from streetsight.service.shops.cards import cards_of, in_force
from streetsight.service.shops.months import last_closed, month_of, read_month
from streetsight.service.shops.rules import ShopRules, rules_in_force
from streetsight.service.shops.schemas import CardShown, RatingShown, ShopBoard, ShopCounts, StreetBoard
from streetsight.service.shops.service import count_of, find, visible
from streetsight.service.shops.tables import Shop, ShopCard, ShopRating
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

ROAD = "road"


class NoStreet(NotFound):
    """A code that no registered road has, or no shop that who asks may see."""

    code = "no_street"


def shop_board(
    session: ReadSession, actor: Actor, shop_id: str, settings: Settings, language: Language
) -> ShopBoard:
    """What hangs at a shop. Raises NoShop."""
    shop = find(session, actor, shop_id)
    road, today = _road(session, shop.street), now().astimezone(settings.zone).date()
    cards = [CardShown.of(card, today) for card in in_force(cards_of(session, shop.id), today)]
    return ShopBoard(
        shop=shop.name, code=shop.code, address=shop.address, manager=shop.manager, unit=shop.unit,
        street=road.name if road else shop.street, chiefs=_chiefs(road) or [*filter(None, [shop.chief])],
        agreement_number=shop.agreement_number, agreement_signed=shop.agreement_signed,
        demonstration=shop.demonstration, cards=cards, closed_month=_last_rating(session, shop, language),
        report_url=_report_url(settings),
    )  # fmt: skip


def street_board(session: ReadSession, actor: Actor, code: str, settings: Settings) -> StreetBoard:
    """What hangs at a street, and how its shops stand. Raises NoStreet."""
    road = _road(session, code)
    found = select(Shop).where(Shop.street == code, Shop.closed_at.is_(None), visible(actor))
    shops = list(session.scalars(found))
    if not shops and (road is None or not actor.sees(road.area_path)):
        raise NoStreet("there is no street {code} among yours", code=code)
    rated = _rated(session, shops)
    return StreetBoard(
        street=road.name if road else code, code=code, unit=road.unit if road else None, chiefs=_chiefs(road),
        policy=road.policy if road else None, shops=len(shops),
        agreements_signed=sum(shop.agreement_signed is not None for shop in shops),
        demonstration=sum(shop.demonstration for shop in shops), rated=rated,
        not_rated=len(shops) - sum(rated.values()), report_url=_report_url(settings),
    )  # fmt: skip


def counts(session: ReadSession, actor: Actor, month: str | None, zone: tzinfo) -> ShopCounts:
    """Counters of the shops that the actor may see.

    Args:
        month: None is this one. Without rules nothing is rated.
    """
    is_open, wanted = Shop.closed_at.is_(None), month or month_of(now(), zone)
    bands: Counter[str | None] = Counter()
    if rules_in_force(session) is not None:
        mine = set(session.scalars(select(Shop.id).where(visible(actor))))
        rows = read_month(session, wanted, zone).rows
        bands.update(row.band for shop_id, row in rows.items() if shop_id in mine)
    cards = count_cards(session, actor, now().astimezone(zone).date())
    return ShopCounts(
        shops=count_of(session, actor, is_open), month=wanted, not_inspected=bands.pop(None, 0),
        agreements_signed=count_of(session, actor, is_open, Shop.agreement_signed.is_not(None)),
        demonstration=count_of(session, actor, is_open, Shop.demonstration.is_(True)),
        yellow_cards=cards["yellow"], red_cards=cards["red"],
        rated={str(band): count for band, count in sorted(bands.items(), key=str)},
    )  # fmt: skip


def count_cards(session: ReadSession, actor: Actor, today: date) -> Counter[str]:
    """Cards in force by colour, of open shops that the actor may see."""
    found = select(ShopCard.colour, func.count()).join(Shop, Shop.id == ShopCard.shop_id)
    counts = (ShopCard.revoked_at.is_(None), ShopCard.spent_id.is_(None), ShopCard.expires >= today)
    wanted = found.where(*counts, Shop.closed_at.is_(None), visible(actor)).group_by(ShopCard.colour)
    return Counter(dict(session.execute(wanted).all()))


def _rated(session: ReadSession, shops: Sequence[Shop]) -> dict[str, int]:
    """How many have each band in the last month that is closed."""
    last = last_closed(session)
    if last is None:
        return {}
    mine = (ShopRating.month == last.month, ShopRating.shop_id.in_([shop.id for shop in shops]))
    bands = Counter(session.scalars(select(ShopRating.band).where(*mine, ShopRating.band.is_not(None))))
    return {str(band): count for band, count in sorted(bands.items(), key=str)}


def _last_rating(session: ReadSession, shop: Shop, language: Language) -> RatingShown | None:
    last = last_closed(session)
    if last is None:
        return None
    found = select(ShopRating).where(ShopRating.shop_id == shop.id, ShopRating.month == last.month)
    row = session.scalar(found)
    rules = ShopRules.model_validate(last.rules)
    return RatingShown.of(shop, row, True, rules, language) if row else None


def _road(session: ReadSession, code: str | None) -> Place | None:
    if code is None:
        return None
    return session.scalar(select(Place).where(Place.kind == ROAD, Place.code == code, registered(now())))


def _chiefs(road: Place | None) -> list[str]:
    return [*filter(None, (road.chief_1, road.chief_2, road.chief_3))] if road else []


def _report_url(settings: Settings) -> str | None:
    return f"{settings.public_url.rstrip('/')}/report" if settings.public_url else None
