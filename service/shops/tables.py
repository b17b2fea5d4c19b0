"""Tables of shops, their months, cards and points, and of the city's rules for them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.documents.tables import Version
from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class Shop(Row):
    """A shop with the ground in front of it that it keeps in order.

    Attributes:
        code: the city's own number for it.
        geometry: the frontage: GeoJSON Point, LineString or Polygon, WGS-84; reach_m: how far in front of it;
            None for what the rules say.
        lon, lat, area_path: a point of it, and the area that this lies in.
        street: code of the registered road; chief: its 街长, by name, where the register is not asked.
        manager: 店长: personal, for roles that may see contacts; telephone_sealed: encrypted.
        agreement_number, agreement_signed: 责任书; None while it is not signed.
        demonstration: 文明示范店.
        closed_at: it is gone: its manager and telephone are erased, its history stays.
        version: counts changes; the ETag.
    """

    __tablename__ = "shops"
    __table_args__ = (
        Index(None, "area_path", "id"), Index(None, "street", "id"), Index(None, "lat", "lon"),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(500))
    geometry: Mapped[dict[str, Any]] = mapped_column(Json)
    reach_m: Mapped[float | None]
    lon: Mapped[float]
    lat: Mapped[float]
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    unit: Mapped[str | None] = mapped_column(String(100))
    street: Mapped[str | None] = mapped_column(String(40))
    chief: Mapped[str | None] = mapped_column(String(100))
    manager: Mapped[str | None] = mapped_column(String(100))
    telephone_sealed: Mapped[str | None] = mapped_column(Text)
    agreement_number: Mapped[str | None] = mapped_column(String(100))
    agreement_signed: Mapped[date | None] = mapped_column(Date)
    demonstration: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class ShopMonth(Row):
    """A month of ratings that is closed, and stays as it is.

    Attributes:
        month: as 2026-11.
        rules_number, rules: version of the rules that it was closed by, and what they said.
        sums: shops by band; sha256: of all ratings of the month, canonical JSON.
    """

    __tablename__ = "shop_months"

    month: Mapped[str] = mapped_column(String(7), unique=True)
    closed_by: Mapped[str] = mapped_column(String(200))
    rules_number: Mapped[int]
    rules: Mapped[dict[str, Any]] = mapped_column(Json)
    sums: Mapped[dict[str, Any]] = mapped_column(Json)
    sha256: Mapped[str] = mapped_column(String(64))


class ShopRating(Row):
    """What a shop was rated for a month: by a person while it is open; of all shops once it is closed.

    Attributes:
        score, band: None when nobody has looked there: not inspected is not good.
        decided: rule, or person; then set_by and reason say who and why.
        facts: what was taken off for which issue, one object each.
    """

    __tablename__ = "shop_ratings"
    __table_args__ = (UniqueConstraint("shop_id", "month"), Index(None, "month", "id"))

    shop_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("shops.id"))
    month: Mapped[str] = mapped_column(String(7))
    score: Mapped[float | None]
    band: Mapped[str | None] = mapped_column(String(40))
    decided: Mapped[str] = mapped_column(String(10))
    set_by: Mapped[str | None] = mapped_column(String(200))
    reason: Mapped[str | None] = mapped_column(Text)
    facts: Mapped[list[dict[str, Any]]] = mapped_column(Json)


class ShopCard(Row):
    """A yellow or red card (红黄牌).

    Attributes:
        issue_id: what it was given for; None for a red one that yellow ones have made.
        expires: the last day on which it counts.
        spent_id: the red card that this yellow one has become a part of.
        revoked_at, revoked_by, revoked_reason: it was taken back, with its points.
    """

    __tablename__ = "shop_cards"
    __table_args__ = (Index(None, "shop_id", "id"), Index(None, "expires"))

    shop_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("shops.id"))
    colour: Mapped[str] = mapped_column(String(10))
    issue_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("issues.id"))
    reason: Mapped[str] = mapped_column(Text)
    given_by_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    given_by: Mapped[str] = mapped_column(String(200))
    expires: Mapped[date] = mapped_column(Date)
    rules_number: Mapped[int]
    spent_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("shop_cards.id"))
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(String(200))
    revoked_reason: Mapped[str | None] = mapped_column(Text)


class ShopPoint(Row):
    """A line of a shop's points (积分). Never changed or deleted, which the database sees to.

    Attributes:
        ordinal: from 1, without gaps; balance: after this line.
        kind: start, rating, card, revoked, exchange or correction.
        exchanged: code of what it was exchanged for.
    """

    __tablename__ = "shop_points"
    __table_args__ = (UniqueConstraint("shop_id", "ordinal"),)

    shop_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("shops.id"))
    ordinal: Mapped[int]
    amount: Mapped[int]
    balance: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    card_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("shop_cards.id"))
    month: Mapped[str | None] = mapped_column(String(7))
    exchanged: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[str | None] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(200))


class ShopRulesVersion(Version):
    """The city's rules for shops; see `rules.ShopRules`."""

    __tablename__ = "shop_rules_versions"
