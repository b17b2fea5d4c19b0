"""Import shops: those that are there are changed, others added; nothing at all while a line is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import select

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.models.validation import Faults, field_of, say_fault
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.faults import Invalid
from streetsight.service.shops.reading import COLUMNS, File, Row
from streetsight.service.shops.schemas import ImportReceipt, LineOutcome, ShopSent
from streetsight.service.shops.service import PLAIN, ShopGone, fill
from streetsight.service.shops.tables import Shop
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import WriteSession

NAMED = 10


class BadLine(Invalid):
    """A line that is no shop."""

    code = "bad_line"


class ShopsRefused(Invalid):
    """A file with wrong lines; the message names up to ten."""

    code = "shops_refused"
    outcomes: tuple[LineOutcome, ...] = ()

    def say(self, language: Language) -> str:
        named = [f"{each.line}: {each.code or '-'}: {each.reason}" for each in self.outcomes[:NAMED]]
        return "; ".join([super().say(language), *named])


class _Columns(Faults):
    """What is wrong with a line, by the titles that its columns usually have."""

    def lines(self, language: Language) -> list[str]:
        return [f"{_title(field_of(each) or self.root, language)}: {say_fault(each, language)}"
                for each in self.rows]  # fmt: skip


def _title(field: str, language: Language) -> str:
    return COLUMNS.get(field, field).split()[0] if language == "zh" else field


@dataclass(frozen=True, slots=True)
class How:
    """How a file is taken in.

    Attributes:
        partial: take the good lines although others are wrong.
        check: only say what would come of it.
    """

    reason: str
    partial: bool = False
    check: bool = False


def import_shops(
    session: WriteSession, actor: Actor, file: File, how: How, sealer: Sealer, language: Language
) -> ImportReceipt:
    """Take the shops of a file in.

    Args:
        language: of the reasons.

    Raises:
        ShopsRefused: naming the wrong lines; nothing was changed.
    """
    trial = session.begin_nested()
    known = {shop.code: shop for shop in session.scalars(select(Shop))}
    met: set[str] = set()
    outcomes = [_one(session, actor, row, known, met, sealer, language) for row in file.rows]
    wrong = tuple(each for each in outcomes if each.outcome == "refused")
    if how.check:
        trial.rollback()
        return _receipt(outcomes, file, written=False)
    if wrong and not how.partial:
        refused = ShopsRefused(
            "no shop was changed; lines that cannot be used: {count}. Mend them, or send partial=true to "
            "take the others",
            count=len(wrong),
        )
        refused.outcomes = wrong
        raise refused
    session.flush()
    trial.commit()
    receipt = _receipt(outcomes, file, written=len(wrong) < len(outcomes))
    details = {
        **receipt.model_dump(include={"added", "changed", "unchanged", "refused"}),
        "reason": how.reason,
    }
    record(session, actor, "shops.imported", "shops/file", details)
    return receipt


def _one(
    session: WriteSession, actor: Actor, row: Row, known: dict[str, Shop], met: set[str], sealer: Sealer,
    language: Language,
) -> LineOutcome:  # fmt: skip
    code = str(row.values.get("code") or "") or None
    try:
        outcome = _take(session, actor, row, known, met, sealer)
    except SpokenError as error:
        return LineOutcome(line=row.line, code=code, outcome="refused", reason=error.say(language))
    return LineOutcome(line=row.line, code=code, outcome=outcome)


def _take(
    session: WriteSession, actor: Actor, row: Row, known: dict[str, Shop], met: set[str], sealer: Sealer
) -> Literal["added", "changed", "unchanged"]:
    if row.fault:
        raise BadLine("the line cannot be read: {reason}", reason=row.fault)
    shop = known.get(str(row.values.get("code")))
    sent = _sent({**(_as_sent(shop, sealer) if shop else {}), **_placed(row.values)})
    if sent.code in met:
        raise BadLine("the code {code} stands on another line as well", code=sent.code)
    if shop is None:
        shop = Shop()
        fill(session, actor, shop, sent, sealer)
        session.add(shop)
        known[sent.code] = shop
        met.add(sent.code)
        return "added"
    if shop.closed_at is not None:
        raise ShopGone("the shop {code} is closed, and stays as it was", code=shop.code)
    if not actor.sees(shop.area_path):
        raise BadLine("the shop {code} is not in your areas", code=shop.code)
    met.add(sent.code)
    if sent == _sent(_as_sent(shop, sealer)):
        return "unchanged"
    fill(session, actor, shop, sent, sealer)
    shop.version += 1
    return "changed"


def _placed(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says; a point of its own takes the place of a geometry, and the other way round."""
    said = dict(values)
    if "lon" in said or "lat" in said:
        try:
            at = [float(said.pop("lon")), float(said.pop("lat"))]
        except (KeyError, ValueError):
            raise BadLine(
                "{lon}, {lat} is no longitude and latitude in degrees",
                lon=values.get("lon", "-"), lat=values.get("lat", "-"),
            ) from None  # fmt: skip
        said.setdefault("geometry", {"type": "Point", "coordinates": at})
    return said


def _as_sent(shop: Shop, sealer: Sealer) -> dict[str, Any]:
    """A shop as somebody would send it."""
    telephone = sealer.open(shop.telephone_sealed) if shop.telephone_sealed else None
    plain = {name: getattr(shop, name) for name in PLAIN}
    return {**plain, "geometry": shop.geometry, "crs": "wgs84", "telephone": telephone}


def _sent(values: Mapping[str, Any]) -> ShopSent:
    try:
        return ShopSent.model_validate(values)
    except ValidationError as error:
        raise BadLine("{reason}", reason=_Columns.of(error, "code", 1)) from error


def _receipt(outcomes: list[LineOutcome], file: File, written: bool) -> ImportReceipt:
    counts = {
        name: sum(each.outcome == name for each in outcomes)
        for name in ("added", "changed", "unchanged", "refused")
    }
    return ImportReceipt(written=written, **counts, ignored=file.ignored, outcomes=outcomes)
