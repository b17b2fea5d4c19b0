"""Yellow and red cards (红黄牌): given by a person for an issue, and what they do to points."""

from collections.abc import Sequence
from datetime import date, timedelta, tzinfo

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Conflict, NotFound
from streetsight.service.issues import service as issues
from streetsight.service.shops.points import add_points, points_of
from streetsight.service.shops.rules import Cards, ShopRules, require_rules, rules_in_force
from streetsight.service.shops.schemas import CardSent
from streetsight.service.shops.service import find, find_open
from streetsight.service.shops.tables import Shop, ShopCard
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class NoCards(Conflict):
    """Cards, and the rules have none."""

    code = "no_cards"


class NoCard(NotFound):
    """No card of this id."""

    code = "no_card"


class CardSettled(Conflict):
    """A card that cannot be taken back."""

    code = "card_settled"


def cards_of(session: ReadSession, shop_id: str) -> list[ShopCard]:
    """All cards of a shop, the newest first."""
    found = select(ShopCard).where(ShopCard.shop_id == shop_id)
    return list(session.scalars(found.order_by(ShopCard.id.desc())))


def give(session: WriteSession, actor: Actor, shop_id: str, asked: CardSent, zone: tzinfo) -> list[ShopCard]:
    """Give a card; as many yellow ones as the rules say are a red one, which comes with the last.

    Raises:
        NoShop, ShopGone, NoIssue, ManyIssues, NoRules, NoCards
    """
    shop = find_open(session, actor, shop_id)
    issue = issues.find(session, actor, asked.issue, near=shop.area_path)
    rules, number = require_rules(session)
    if rules.cards is None:
        raise NoCards("the rules for shops have no cards; bring in some that have")
    today = now().astimezone(zone).date()
    card = _written(session, actor, shop, rules.cards, number, asked.colour, asked.reason, today)
    card.issue_id = issue.id
    given = [card, *_red_of_yellows(session, actor, shop, rules.cards, number, today)]
    session.flush()
    for each in given:
        _take_points(session, each, rules, actor)
    said = {
        "cards": [[each.id, each.colour] for each in given],
        "issue": issue.number,
        "reason": asked.reason,
    }
    record(session, actor, "shop.card_given", f"shop/{shop.id}", said)
    return given


def revoke(session: WriteSession, actor: Actor, shop_id: str, card_id: str, reason: str) -> ShopCard:
    """Take a card back, with its points; of a red one that yellow ones made, those count again.

    Raises:
        NoShop, NoCard, CardSettled
    """
    shop = find(session, actor, shop_id, lock=True)
    card = session.get(ShopCard, card_id)
    if card is None or card.shop_id != shop.id:
        raise NoCard("the shop has no card {id}", id=card_id)
    if card.revoked_at is not None or card.spent_id is not None:
        raise CardSettled("the card was revoked, or is a part of a red one; revoke that one first")
    card.revoked_at, card.revoked_by, card.revoked_reason = now(), actor.name, reason
    for yellow in session.scalars(select(ShopCard).where(ShopCard.spent_id == card.id)):
        yellow.spent_id = None
    _give_points_back(session, card, actor)
    session.flush()
    record(session, actor, "shop.card_revoked", f"shop/{shop.id}", {"card": card.id, "reason": reason})
    return card


def in_force(cards: Sequence[ShopCard], today: date) -> list[ShopCard]:
    """Those that count on a day."""
    return [
        card for card in cards if card.revoked_at is None and card.spent_id is None and card.expires >= today
    ]


def _red_of_yellows(
    session: WriteSession, actor: Actor, shop: Shop, rules: Cards, number: int, today: date
) -> list[ShopCard]:
    yellows = [card for card in in_force(cards_of(session, shop.id), today) if card.colour == "yellow"]
    if rules.yellows_make_red is None or len(yellows) < rules.yellows_make_red:
        return []
    red = _written(session, actor, shop, rules, number, "red", f"{len(yellows)} x yellow", today)
    session.flush()
    for card in yellows:
        card.spent_id = red.id
    return [red]


def _written(
    session: WriteSession,
    actor: Actor,
    shop: Shop,
    rules: Cards,
    number: int,
    colour: str,
    reason: str,
    today: date,
) -> ShopCard:
    days = rules.red_days if colour == "red" else rules.yellow_days
    card = ShopCard(
        shop_id=shop.id, colour=colour, reason=reason, given_by_id=actor.id, given_by=actor.name,
        expires=today + timedelta(days=days), rules_number=number,
    )  # fmt: skip
    session.add(card)
    session.flush()
    return card


def _take_points(session: WriteSession, card: ShopCard, rules: ShopRules, actor: Actor) -> None:
    assert rules.cards is not None
    amount = rules.cards.red_points if card.colour == "red" else rules.cards.yellow_points
    if amount and rules.points is not None:
        add_points(
            session, card.shop_id, amount, "card", rules, actor.name, card_id=card.id, text=card.colour
        )


def _give_points_back(session: WriteSession, card: ShopCard, actor: Actor) -> None:
    """Exactly what it took, whatever the rules say by now."""
    taken = sum(line.amount for line in points_of(session, card.shop_id) if line.card_id == card.id)
    rules = rules_in_force(session)
    if taken and rules is not None:
        add_points(session, card.shop_id, -taken, "revoked", rules, actor.name, card_id=card.id)
