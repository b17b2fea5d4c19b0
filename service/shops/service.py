"""The register of shops: write down, find, close; few see who is responsible, and each look is logged."""

from dataclasses import dataclass
from typing import Any

from shapely.geometry import mapping
from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.exc import IntegrityError

from streetsight.service.areas.outlines import POLYGONS, BadOutline, read_outline
from streetsight.service.areas.reading import MESSAGES as OF_AREAS
from streetsight.service.areas.service import area_path_at, path_of_area
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Forbidden, Invalid, NotFound
from streetsight.service.shops.schemas import ContactShown, ShopSent
from streetsight.service.shops.tables import Shop
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

TYPES = (*POLYGONS, "LineString", "Point")
PLAIN = (
    "code", "name", "address", "reach_m", "unit", "street", "chief", "manager", "agreement_number",
    "agreement_signed", "demonstration",
)  # fmt: skip
PERSONAL = frozenset({"manager", "telephone_sealed"})
"""Never in the audit log, which nobody can shorten."""


class NoShop(NotFound):
    """No shop of this id, or none that who asks may see."""

    code = "no_shop"


class ShopCodeTaken(Conflict):
    """A code that another shop has."""

    code = "shop_code_taken"


class BadFront(Invalid):
    """A frontage that cannot be used as it was drawn."""

    code = "bad_front"


class NotYourShop(Forbidden):
    """A shop that lies outside the areas of who writes it down."""

    code = "outside_areas"


class ShopGone(Conflict):
    """A shop that is closed and stays as it was."""

    code = "shop_closed"


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see a shop: in its areas; a handler those of its unit."""
    found = in_scope(actor, Shop.area_path)
    if actor.role is Role.HANDLER:
        return and_(found, Shop.unit == actor.unit) if actor.unit else false()
    return found


def find(session: ReadSession, actor: Actor, shop_id: str, lock: bool = False) -> Shop:
    """A shop that the actor may see. Raises NoShop."""
    wanted = select(Shop).where(Shop.id == shop_id, visible(actor))
    shop = session.scalar(wanted.with_for_update() if lock else wanted)
    if shop is None:
        raise NoShop("there is no shop {id}, or not in your areas", id=shop_id)
    return shop


def find_open(session: WriteSession, actor: Actor, shop_id: str) -> Shop:
    """A shop that is open, locked. Raises NoShop, ShopGone."""
    shop = find(session, actor, shop_id, lock=True)
    if shop.closed_at is not None:
        raise ShopGone("the shop {code} is closed, and stays as it was", code=shop.code)
    return shop


@dataclass(frozen=True, slots=True)
class Filters:
    """Which shops are wanted; None takes all.

    Attributes:
        area: path or code; search: a part of name, code or address; signed: with an agreement.
    """

    area: str | None = None
    street: str | None = None
    unit: str | None = None
    code: str | None = None
    signed: bool | None = None
    demonstration: bool | None = None
    closed: bool = False
    search: str | None = None

    def conditions(self, session: ReadSession) -> list[ColumnElement[bool]]:
        """As the database asks them. Raises UnknownArea."""
        equal = (
            (Shop.street, self.street), (Shop.unit, self.unit), (Shop.code, self.code),
            (Shop.demonstration, self.demonstration),
        )  # fmt: skip
        found = [column == value for column, value in equal if value is not None]
        found.append(Shop.closed_at.is_not(None) if self.closed else Shop.closed_at.is_(None))
        if self.signed is not None:
            signed = Shop.agreement_signed
            found.append(signed.is_not(None) if self.signed else signed.is_(None))
        if self.area is not None:
            found.append(within((path_of_area(session, self.area),), Shop.area_path))
        if self.search is not None:
            columns = (Shop.name, Shop.code, Shop.address)
            found.append(or_(*(each.icontains(self.search, autoescape=True) for each in columns)))
        return found


def list_shops(
    session: ReadSession, actor: Actor, conditions: list[ColumnElement[bool]], limit: int, cursor: str | None
) -> Page[Shop]:
    """Shops that the actor may see, newest first."""
    return page(session, select(Shop).where(visible(actor), *conditions), Shop, limit, cursor)


def add(session: WriteSession, actor: Actor, sent: ShopSent, sealer: Sealer) -> Shop:
    """Write a shop down. Raises ShopCodeTaken, BadFront, NotYourShop."""
    shop = Shop()
    fill(session, actor, shop, sent, sealer)
    try:
        with session.begin_nested():
            session.add(shop)
    except IntegrityError as error:
        raise ShopCodeTaken("there is a shop with the code {code} already", code=sent.code) from error
    record(session, actor, "shop.added", f"shop/{shop.id}", _facts(shop))
    return shop


def change(
    session: WriteSession, actor: Actor, shop_id: str, sent: ShopSent, version: int, sealer: Sealer
) -> Shop:
    """Write all of a shop anew. Raises NoShop, ShopGone, Stale, ShopCodeTaken, BadFront, NotYourShop."""
    shop = find_open(session, actor, shop_id)
    require_version(shop.version, version)
    before = _facts(shop)
    try:
        with session.begin_nested():
            fill(session, actor, shop, sent, sealer)
            shop.version += 1
    except IntegrityError as error:
        raise ShopCodeTaken("there is a shop with the code {code} already", code=sent.code) from error
    record(session, actor, "shop.changed", f"shop/{shop.id}", {"before": before, "after": _facts(shop)})
    return shop


def close(session: WriteSession, actor: Actor, shop_id: str, reason: str, version: int) -> Shop:
    """The shop is gone: who was responsible is erased, its history stays. Raises NoShop, ShopGone, Stale."""
    shop = find_open(session, actor, shop_id)
    require_version(shop.version, version)
    shop.closed_at, shop.version = now(), shop.version + 1
    shop.manager = shop.telephone_sealed = None
    session.flush()
    record(session, actor, "shop.closed", f"shop/{shop.id}", {"code": shop.code, "reason": reason})
    return shop


def read_contact(session: WriteSession, actor: Actor, shop_id: str, sealer: Sealer) -> ContactShown:
    """Who is responsible, and their telephone; the look is written down. Raises NoShop."""
    shop = find(session, actor, shop_id)
    telephone = sealer.open(shop.telephone_sealed) if shop.telephone_sealed else None
    record(session, actor, "shop.contact_read", f"shop/{shop.id}")
    return ContactShown(manager=shop.manager, telephone=telephone)


def fill(session: ReadSession, actor: Actor, shop: Shop, sent: ShopSent, sealer: Sealer) -> None:
    """Write what was sent into a row. Raises BadFront, NotYourShop."""
    drawn = sent.geometry or {"type": "Point", "coordinates": [sent.lon, sent.lat]}
    try:
        outline = read_outline(drawn, sent.crs, TYPES).geometry
    except BadOutline as error:
        raise BadFront(OF_AREAS[error.outcome], detail=error.detail[:200]) from error
    inside = outline.representative_point()
    area_path = area_path_at(session, inside.x, inside.y)
    if not actor.sees(area_path):
        raise NotYourShop(
            "shop {code} lies in {area}, which is not among your areas",
            code=sent.code, area=area_path or "no area",
        )  # fmt: skip
    for name in PLAIN:
        setattr(shop, name, getattr(sent, name))
    shop.geometry, shop.lon, shop.lat, shop.area_path = mapping(outline), inside.x, inside.y, area_path
    if sent.telephone or not sent.keep_telephone:
        shop.telephone_sealed = sealer.seal(sent.telephone) if sent.telephone else None


def open_shops(session: ReadSession) -> list[Shop]:
    """All that are not closed, by code."""
    return list(session.scalars(select(Shop).where(Shop.closed_at.is_(None)).order_by(Shop.code)))


def count_of(session: ReadSession, actor: Actor, *conditions: ColumnElement[bool]) -> int:
    """How many shops that the actor may see."""
    found = select(func.count()).select_from(Shop).where(visible(actor), *conditions)
    return session.scalar(found) or 0


def _facts(shop: Shop) -> dict[str, Any]:
    """What of a shop may stay for ever, as JSON."""
    plain = {name: getattr(shop, name) for name in PLAIN if name not in PERSONAL}
    signed = str(shop.agreement_signed) if shop.agreement_signed else None
    return {**plain, "agreement_signed": signed, "geometry": shop.geometry}
