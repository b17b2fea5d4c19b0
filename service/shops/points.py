"""Points of a shop (积分): lines that are only ever added, each with the balance after it."""

from sqlalchemy import func, select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Conflict, Invalid
from streetsight.service.shops.rules import ShopRules, require_rules, rules_in_force
from streetsight.service.shops.schemas import PointSent
from streetsight.service.shops.service import find_open
from streetsight.service.shops.tables import ShopPoint
from streetsight.service.store.sessions import ReadSession, WriteSession


class NoPoints(Conflict):
    """Points, and the rules have none."""

    code = "no_points"


class NotEnoughPoints(Conflict):
    """An exchange for more points than there are."""

    code = "not_enough_points"


class UnknownExchange(Invalid):
    """Something that points are not exchanged for."""

    code = "unknown_exchange"


def points_of(session: ReadSession, shop_id: str) -> list[ShopPoint]:
    """All lines, the newest first."""
    found = select(ShopPoint).where(ShopPoint.shop_id == shop_id)
    return list(session.scalars(found.order_by(ShopPoint.ordinal.desc())))


def balance_of(session: ReadSession, shop_id: str) -> int:
    """What a shop has; before its first line what the rules give it at first."""
    last = _last(session, shop_id)
    if last is not None:
        return last.balance
    rules = rules_in_force(session)
    return rules.points.start if rules and rules.points else 0


def spend(session: WriteSession, actor: Actor, shop_id: str, asked: PointSent) -> ShopPoint:
    """Exchange points, or correct them.

    Raises:
        NoShop, ShopGone, NoRules, NoPoints, UnknownExchange, NotEnoughPoints
    """
    shop = find_open(session, actor, shop_id)
    rules, _ = require_rules(session)
    if rules.points is None:
        raise NoPoints("the rules for shops have no points; bring in some that have")
    kind, amount = "correction", asked.amount or 0
    if asked.exchange is not None:
        kind, amount = "exchange", -_price(rules, asked.exchange)
        have = balance_of(session, shop.id)
        if have + amount < 0:
            raise NotEnoughPoints(
                "{what} takes {points} points, and {shop} has {have}",
                what=asked.exchange, points=-amount, shop=shop.name, have=have,
            )  # fmt: skip
    row = add_points(
        session, shop.id, amount, kind, rules, actor.name, text=asked.text, exchanged=asked.exchange
    )
    said = {"amount": amount, "balance": row.balance, **asked.model_dump(exclude_none=True)}
    record(session, actor, f"shop.{kind}", f"shop/{shop.id}", said)
    return row


def add_points(
    session: WriteSession,
    shop_id: str,
    amount: int,
    kind: str,
    rules: ShopRules,
    made_by: str,
    *,
    card_id: str | None = None,
    month: str | None = None,
    exchanged: str | None = None,
    text: str | None = None,
) -> ShopPoint:
    """One more line; before the first one, what a shop has at first. Who calls has locked the shop's row."""
    last = _last(session, shop_id)
    start = rules.points.start if rules.points else 0
    if last is None and start:
        last = ShopPoint(shop_id=shop_id, ordinal=1, amount=start, balance=start, kind="start", made_by="-")
        session.add(last)
    ordinal, balance = (last.ordinal + 1, last.balance) if last else (1, 0)
    row = ShopPoint(
        shop_id=shop_id, ordinal=ordinal, amount=amount, balance=balance + amount, kind=kind, card_id=card_id,
        month=month, exchanged=exchanged, text=text, made_by=made_by,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _price(rules: ShopRules, code: str) -> int:
    known = {each.code: each.points for each in rules.points.exchanges} if rules.points else {}
    if code not in known:
        raise UnknownExchange(
            "points are not exchanged for {code}; choose one of {codes}",
            code=code,
            codes=", ".join(known) or "-",
        )
    return known[code]


def _last(session: ReadSession, shop_id: str) -> ShopPoint | None:
    newest = select(func.max(ShopPoint.ordinal)).where(ShopPoint.shop_id == shop_id).scalar_subquery()
    return session.scalar(select(ShopPoint).where(ShopPoint.shop_id == shop_id, ShopPoint.ordinal == newest))
