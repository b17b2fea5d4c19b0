"""Ratings of a month: worked out while it is open, set by a person with a reason, fixed when it is closed."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import delete, select

from streetsight.service.areas.service import require_whole_city
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.campaigns.phases import moments_of
from streetsight.service.faults import Conflict, Invalid
from streetsight.service.scoring import spans
from streetsight.service.shops.front import Fronts, found_in_front, seen_fronts
from streetsight.service.shops.points import add_points
from streetsight.service.shops.rating import Rated, matchers, rate
from streetsight.service.shops.rules import ShopRules, require_rules
from streetsight.service.shops.schemas import RatingSet
from streetsight.service.shops.service import find_open, open_shops, visible
from streetsight.service.shops.tables import Shop, ShopMonth, ShopRating
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now

Span = tuple[date, date]
"""First and last day of a month."""


class MonthClosed(Conflict):
    """A month that is closed, and stays as it is."""

    code = "month_closed"


class MonthNotOver(Conflict):
    """A month that goes on, or has not begun."""

    code = "month_not_over"


class UnknownBand(Invalid):
    """A band that the rules do not have."""

    code = "unknown_band"


@dataclass(frozen=True, slots=True, eq=False)
class Month:
    """A month of ratings, closed or as it stands now.

    Attributes:
        rules: those that it was closed by, or those in force.
        rows: by shop; of an open month not of the database, but for those that a person has set.
    """

    name: str
    closed: ShopMonth | None
    rules: ShopRules
    rules_number: int
    shops: Mapping[str, Shop]
    rows: Mapping[str, ShopRating]


def span_of(month: str) -> Span:
    """First and last day of a month as 2026-11. Raises BadPeriod."""
    span = spans.span_of(month)
    return span.starts, span.ends - timedelta(days=1)


def month_of(moment: datetime, zone: tzinfo) -> str:
    """The month that a moment lies in, on the city's clock."""
    return f"{moment.astimezone(zone):%Y-%m}"


def read_month(session: ReadSession, month: str, zone: tzinfo) -> Month:
    """All ratings of a month. Raises NoRules."""
    closed = closed_month(session, month)
    said = {row.shop_id: row for row in _rows_of(session, month)}
    if closed is not None:
        shops = session.scalars(select(Shop).where(Shop.id.in_(select(ShopRating.shop_id))))
        by_id = {shop.id: shop for shop in shops if shop.id in said}
        return Month(month, closed, ShopRules.model_validate(closed.rules), closed.rules_number, by_id, said)
    rules, number = require_rules(session)
    shops_now = [shop for shop in open_shops(session) if month_of(shop.created_at, zone) <= month]
    rows = _worked_out(session, month, rules, shops_now, zone)
    return Month(
        month, None, rules, number, {shop.id: shop for shop in shops_now}, {**rows, **_kept(said, rows)}
    )


def closed_month(session: ReadSession, month: str) -> ShopMonth | None:
    """None while it is open."""
    return session.scalar(select(ShopMonth).where(ShopMonth.month == month))


def closed_months(session: ReadSession) -> list[ShopMonth]:
    """All months that are closed, the latest first."""
    return list(session.scalars(select(ShopMonth).order_by(ShopMonth.month.desc())))


def seen_shops(session: ReadSession, actor: Actor) -> Sequence[str]:
    """Ids of the shops that the actor may see."""
    return session.scalars(select(Shop.id).where(visible(actor))).all()


def last_closed(session: ReadSession) -> ShopMonth | None:
    """The latest month that is closed."""
    return session.scalars(select(ShopMonth).order_by(ShopMonth.month.desc()).limit(1)).first()


def set_rating(
    session: WriteSession, actor: Actor, shop_id: str, month: str, asked: RatingSet, zone: tzinfo
) -> None:
    """A person's word instead of the rule's, while the month is open; without a band, the rule's again.

    Raises:
        NoShop, ShopGone, NoRules, MonthClosed, MonthNotOver, UnknownBand
    """
    shop = find_open(session, actor, shop_id)
    rules, _ = require_rules(session)
    _require_open(session, month)
    if month > month_of(now(), zone):
        raise MonthNotOver("{month} has not begun", month=month)
    bands = [band.code for band in rules.rating.bands]
    if asked.band is not None and asked.band not in bands:
        raise UnknownBand(
            "there is no band {band}; choose one of {bands}", band=asked.band, bands=", ".join(bands)
        )
    mine = (ShopRating.shop_id == shop.id, ShopRating.month == month)
    session.execute(delete(ShopRating).where(*mine))
    if asked.band is not None:
        session.add(
            ShopRating(
                shop_id=shop.id, month=month, score=asked.score, band=asked.band, decided="person",
                set_by=actor.name, reason=asked.reason, facts=[],
            )
        )  # fmt: skip
    session.flush()
    record(session, actor, "shop.rated", f"shop/{shop.id}", {"month": month, **asked.model_dump()})


def close_month(session: WriteSession, actor: Actor, month: Month, zone: tzinfo) -> ShopMonth:
    """Fix the ratings of a month that is over, with the points that they bring.

    Args:
        month: as it was worked out just before; what people have set meanwhile is taken instead.

    Raises:
        WholeCityOnly, MonthClosed, MonthNotOver
    """
    require_whole_city(actor)
    # Who closes it too waits here, and who sets a rating; points are added to the shops.
    take_turn(session, f"shops {month.name}")
    session.scalars(select(Shop.id).order_by(Shop.id).with_for_update()).all()
    _require_open(session, month.name)
    if moments_of(span_of(month.name), zone)[1] > now():
        raise MonthNotOver(
            "{month} is not over; it can be closed from the first day after it", month=month.name
        )
    said = {row.shop_id: row for row in _rows_of(session, month.name)}
    if any(row.decided == "person" and shop_id not in said for shop_id, row in month.rows.items()):
        month = read_month(session, month.name, zone)  # somebody took their word back: the rule's again
    rows = {shop_id: said.get(shop_id) or _copy(row) for shop_id, row in month.rows.items()}
    session.add_all(rows.values())
    for shop_id, row in sorted(rows.items()):
        row.facts = row.facts or list(month.rows[shop_id].facts)
        _award(session, month, shop_id, row)
    closed = ShopMonth(
        month=month.name, closed_by=actor.name, rules_number=month.rules_number,
        rules=month.rules.model_dump(mode="json"), sums=sums_of(rows.values()), sha256=digest(rows.values()),
    )  # fmt: skip
    session.add(closed)
    session.flush()
    said_of = {"month": month.name, "sums": closed.sums, "sha256": closed.sha256}
    record(session, actor, "shop_month.closed", f"shop_month/{closed.id}", said_of)
    return closed


def sums_of(rows: Any) -> dict[str, int]:
    """Shops by band; `not_inspected` without one."""
    return dict(sorted(Counter(row.band or "not_inspected" for row in rows).items()))


def digest(rows: Any) -> str:
    """SHA-256 of ratings: canonical JSON, by shop."""
    names = ("shop_id", "month", "score", "band", "decided", "set_by", "reason", "facts")
    facts = sorted(([getattr(row, name) for name in names] for row in rows), key=lambda each: str(each[0]))
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _worked_out(
    session: ReadSession, month: str, rules: ShopRules, shops: Sequence[Shop], zone: tzinfo
) -> dict[str, ShopRating]:
    span = span_of(month)
    begin, end = moments_of(span, zone)
    fronts = Fronts(shops, rules)
    found, seen = found_in_front(session, fronts, begin, end), seen_fronts(session, fronts, *span)
    deductions = matchers(session, rules.rating)
    return {
        shop.id: _row(
            shop.id, month, rate(rules.rating, deductions, found.get(shop.id, ()), shop.id in seen, end)
        )
        for shop in shops
    }  # fmt: skip


def _row(shop_id: str, month: str, rated: Rated) -> ShopRating:
    return ShopRating(
        shop_id=shop_id, month=month, score=rated.score, band=rated.band.code if rated.band else None,
        decided="rule", facts=list(rated.facts),
    )  # fmt: skip


def _kept(said: Mapping[str, ShopRating], rows: Mapping[str, ShopRating]) -> dict[str, ShopRating]:
    """What people have set, of shops that are rated, with what the rule would have taken off."""
    return {
        shop_id: ShopRating(
            shop_id=shop_id, month=row.month, score=row.score, band=row.band, decided="person",
            set_by=row.set_by, reason=row.reason, facts=rows[shop_id].facts,
        )
        for shop_id, row in said.items()
        if shop_id in rows
    }  # fmt: skip


def _copy(row: ShopRating) -> ShopRating:
    names = ("shop_id", "month", "score", "band", "decided", "set_by", "reason", "facts")
    return ShopRating(**{name: getattr(row, name) for name in names})


def _award(session: WriteSession, month: Month, shop_id: str, row: ShopRating) -> None:
    award = next((band.award for band in month.rules.rating.bands if band.code == row.band), 0)
    if award and month.rules.points is not None:
        add_points(session, shop_id, award, "rating", month.rules, "-", month=month.name, text=row.band)


def _rows_of(session: ReadSession, month: str) -> Sequence[ShopRating]:
    return session.scalars(select(ShopRating).where(ShopRating.month == month)).all()


def _require_open(session: ReadSession, month: str) -> None:
    closed = closed_month(session, month)
    if closed is not None:
        raise MonthClosed(
            "{month} was closed by {name}, and stays as it is", month=month, name=closed.closed_by
        )
