"""What is sent and shown of shops."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from streetsight.inference.positions.profile import Crs
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.campaigns.schemas import IssueName, Reason
from streetsight.service.dependencies import Text
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.issues.schemas import UnitName, Words
from streetsight.service.shops.rules import Code, ShopRules
from streetsight.service.shops.tables import Shop, ShopCard, ShopMonth, ShopPoint, ShopRating

ShopCode = Annotated[Text, Field(min_length=1, max_length=60)]
Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Colour = Literal["yellow", "red"]
Line = Annotated[Text, Field(min_length=1, max_length=200)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShopSent(_Sent):
    """A shop of the register.

    Attributes:
        geometry: its front: GeoJSON Point, LineString or Polygon, in `crs`; or lon and lat.
        reach_m: how far in front of it; None for what the rules say.
        street: code of the registered road; chief: 街长 by name.
        manager, telephone: 店长: personal; shown to roles that may see contacts.
        keep_telephone: without a telephone, the one that is there stays.
        agreement_number, agreement_signed: 责任书.
        demonstration: 文明示范店.
    """

    code: ShopCode
    name: Line
    address: Annotated[Text, Field(max_length=500)] | None = None
    geometry: dict[str, Any] | None = None
    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)] | None = None
    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)] | None = None
    crs: Crs = "wgs84"
    reach_m: Annotated[FiniteFloat, Field(gt=0, le=100)] | None = None
    unit: UnitName | None = None
    street: Annotated[Text, Field(min_length=1, max_length=40)] | None = None
    chief: UnitName | None = None
    manager: UnitName | None = None
    telephone: Annotated[str, Field(pattern=r"^[0-9+() -]{5,30}$")] | None = None
    keep_telephone: bool = False
    agreement_number: UnitName | None = None
    agreement_signed: date | None = None
    demonstration: bool = False

    @model_validator(mode="after")
    def _is_somewhere(self) -> "ShopSent":
        if (self.lon is None) != (self.lat is None):
            raise SpokenError("expected lon and lat, or neither")
        if (self.geometry is None) == (self.lon is None):
            raise SpokenError("expected geometry, or lon and lat: where the front of the shop is")
        return self


class ShopShown(BaseModel):
    """A shop. Attributes: manager: None also for roles that may not see contacts; see `has_telephone`."""

    id: str
    code: str
    name: str
    address: str | None
    geometry: dict[str, Any]
    lon: float
    lat: float
    reach_m: float | None
    area_path: str | None
    unit: str | None
    street: str | None
    chief: str | None
    manager: str | None
    has_telephone: bool
    agreement_number: str | None
    agreement_signed: date | None
    demonstration: bool
    closed_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Shop, actor: Actor) -> "ShopShown":
        plain = {name: getattr(row, name) for name in cls.model_fields if name != "has_telephone"}
        if not may(actor, Permission.SEE_CONTACTS):
            plain["manager"] = None
        return cls.model_validate({**plain, "has_telephone": row.telephone_sealed is not None})


class ShopPage(BaseModel):
    """Shops, newest first; `next_cursor` leads on, None at the end."""

    items: list[ShopShown]
    next_cursor: str | None


class ContactShown(BaseModel):
    """The responsible person (店长) of a shop. Each look is in the audit log."""

    manager: str | None
    telephone: str | None


class LineOutcome(BaseModel):
    """What became of one line of a file, or one feature. Attributes: reason: why it was refused."""

    line: int
    code: str | None
    outcome: Literal["added", "changed", "unchanged", "refused"]
    reason: str | None = None


class ImportReceipt(BaseModel):
    """Attributes: written: whether anything was; ignored: columns that mean nothing here."""

    written: bool
    added: int
    changed: int
    unchanged: int
    refused: int
    ignored: list[str]
    outcomes: list[LineOutcome]


class Deducted(BaseModel):
    """What was taken off for an issue. Attributes: note: of the deduction; unhandled: some of the points."""

    issue_id: str
    number: str
    points: float
    note: str | None
    unhandled: float


class RatingShown(BaseModel):
    """A shop's rating of a month.

    Attributes:
        inspected: a patrol has seen its front, or something was found there; without that there is no score.
        decided: rule, or person with set_by and reason.
        closed: the month is, and stays.
    """

    shop_id: str
    code: str
    name: str
    month: str
    closed: bool
    inspected: bool
    score: float | None
    band: str | None
    label: str | None
    decided: Literal["rule", "person"]
    set_by: str | None
    reason: str | None
    facts: list[Deducted]

    @classmethod
    def of(
        cls, shop: Shop, row: ShopRating, closed: bool, rules: ShopRules, language: Language
    ) -> "RatingShown":
        bands = {band.code: band.label(language) for band in rules.rating.bands}
        return cls(
            shop_id=shop.id, code=shop.code, name=shop.name, month=row.month, closed=closed,
            inspected=row.band is not None, score=row.score, band=row.band,
            label=bands.get(row.band or "", row.band), decided=row.decided,  # type: ignore[arg-type]
            set_by=row.set_by, reason=row.reason, facts=[Deducted(**each) for each in row.facts],
        )  # fmt: skip


class RatingPage(BaseModel):
    """Ratings by shop, newest shop first; `next_cursor` leads on, None at the end."""

    items: list[RatingShown]
    next_cursor: str | None


class RatingSet(_Sent):
    """A person's word on a month that is open. Attributes: band: None takes back what a person said."""

    band: Code | None
    score: Annotated[FiniteFloat, Field(ge=0, le=1000)] | None = None
    reason: Reason


class MonthShown(BaseModel):
    """A closed month. Attributes: sums: shops by band; sha256: of all its ratings."""

    month: str
    closed_at: datetime
    closed_by: str
    rules_number: int
    sums: dict[str, int]
    sha256: str

    @classmethod
    def of(cls, row: ShopMonth) -> "MonthShown":
        plain = {name: getattr(row, name) for name in cls.model_fields if name != "closed_at"}
        return cls.model_validate({**plain, "closed_at": row.created_at})


class CardSent(_Sent):
    """Attributes: issue: id or number of what it is given for."""

    colour: Colour
    issue: IssueName
    reason: Reason


class CardShown(BaseModel):
    """A card. Attributes: in_force: not expired, revoked, or spent on a red one."""

    id: str
    shop_id: str
    colour: Colour
    issue_id: str | None
    reason: str
    given_by: str
    given_at: datetime
    expires: date
    in_force: bool
    spent_id: str | None
    revoked_at: datetime | None
    revoked_by: str | None
    revoked_reason: str | None

    @classmethod
    def of(cls, row: ShopCard, today: date) -> "CardShown":
        computed = {"given_at", "in_force"}
        plain = {name: getattr(row, name) for name in cls.model_fields if name not in computed}
        counts = row.revoked_at is None and row.spent_id is None and row.expires >= today
        return cls.model_validate({**plain, "given_at": row.created_at, "in_force": counts})


class CardsGiven(BaseModel):
    """The card, a red one that it has made of several, and the points that are left."""

    cards: list[CardShown]
    balance: int


class PointSent(_Sent):
    """An exchange (积分兑换), or a correction by a person.

    Attributes:
        exchange: code of the rules; amount: of a correction. One of the two.
    """

    exchange: Code | None = None
    amount: Annotated[int, Field(ge=-100_000, le=100_000)] | None = None
    text: Words

    @model_validator(mode="after")
    def _one(self) -> "PointSent":
        if (self.exchange is None) == (self.amount is None) or self.amount == 0:
            raise SpokenError("expected exchange, or an amount that is not 0")
        return self


class PointShown(BaseModel):
    """A line of the points ledger."""

    ordinal: int
    at: datetime
    amount: int
    balance: int
    kind: str
    card_id: str | None
    month: str | None
    exchanged: str | None
    text: str | None
    made_by: str

    @classmethod
    def of(cls, row: ShopPoint) -> "PointShown":
        plain = {name: getattr(row, name) for name in cls.model_fields if name != "at"}
        return cls.model_validate({**plain, "at": row.created_at})


class RulesInForce(BaseModel):
    """The rules; nothing while none were brought in."""

    version: VersionShown | None
    document: ShopRules | None


class ShopCounts(BaseModel):
    """Counters of shops that are open, in what one may see.

    Attributes:
        rated: by band of a month; not_inspected: of the same month.
    """

    shops: int
    agreements_signed: int
    demonstration: int
    yellow_cards: int
    red_cards: int
    month: str
    rated: dict[str, int]
    not_inspected: int


class ShopBoard(BaseModel):
    """What a 店长公示牌 says: for a page or a printer.

    Attributes:
        chiefs: 街长 of the street, 一级 first, as the register of places has them.
        closed_month: the last closed rating, None before the first.
        report_url: where citizens report; None while the server has no public address.
    """

    shop: str
    code: str
    address: str | None
    manager: str | None
    unit: str | None
    street: str | None
    chiefs: list[str]
    agreement_number: str | None
    agreement_signed: date | None
    demonstration: bool
    cards: list[CardShown]
    closed_month: RatingShown | None
    report_url: str | None


class StreetBoard(BaseModel):
    """What a 街长公示牌 says. Attributes: shops: of the street, by code, with their last closed rating."""

    street: str
    code: str
    unit: str | None
    chiefs: list[str]
    policy: str | None
    shops: int
    agreements_signed: int
    demonstration: int
    rated: dict[str, int]
    not_rated: int
    report_url: str | None
