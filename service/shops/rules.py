"""The city's rules for shops: how far in front, how a month is rated, what cards and points do."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, model_validator

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Text
from streetsight.service.documents.reading import Name, Strict
from streetsight.service.documents.service import kept, newest_id, version_of
from streetsight.service.faults import Conflict
from streetsight.service.issues.subsets import SubsetSent
from streetsight.service.shops.tables import ShopRulesVersion
from streetsight.service.store.sessions import ReadSession

EXAMPLES = Path(__file__).with_name("examples")
REACH_M = 5.0
"""In front of a shop, while no rules say how far."""

Code = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[Text, Field(min_length=1, max_length=60)]
Points = Annotated[FiniteFloat, Field(ge=0, le=1000)]


class NoRules(Conflict):
    """A rating or a card, and no rules were brought in."""

    code = "no_shop_rules"


class Deduction(Strict):
    """Points for each issue of a subset. The first one that fits counts."""

    issues: SubsetSent
    points: Points
    note: Annotated[Text, Field(max_length=200)] | None = None


class Band(Strict):
    """A grade. Attributes: at_least: score from which on it is given; award: points when a month closes."""

    code: Code
    zh: Label
    en: Label
    at_least: Annotated[FiniteFloat, Field(ge=0)]
    award: Annotated[int, Field(ge=-1000, le=1000)] = 0

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Rating(Strict):
    """How a month is rated: full marks less what is taken off, never below nothing.

    Attributes:
        other: points for each issue that no deduction fits.
        unhandled: points more for each that is not struck (销号) at the end of the month.
        bands: the best one first; the last one from 0.
    """

    full: Annotated[FiniteFloat, Field(gt=0, le=1000)] = 100.0
    deductions: Annotated[list[Deduction], Field(max_length=200)] = Field(default=[])
    other: Points = 0.0
    unhandled: Points = 0.0
    bands: Annotated[list[Band], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _reachable(self) -> "Rating":
        for one, two in pairwise(self.bands):
            if one.at_least <= two.at_least:
                raise SpokenError(
                    "bands: {code} is never given: {code_2} begins at {at_least}",
                    code=two.code,
                    code_2=one.code,
                    at_least=one.at_least,
                )
        if self.bands[0].at_least > self.full:
            raise SpokenError(
                "bands: {code} is never given: full marks are {full}", code=self.bands[0].code, full=self.full
            )
        if self.bands[-1].at_least != 0:
            raise SpokenError("bands: {code}: the last one begins at 0", code=self.bands[-1].code)
        if len({band.code for band in self.bands}) < len(self.bands):
            raise SpokenError("bands: each code stands once")
        return self

    def band_of(self, score: float) -> Band:
        """The band of a score."""
        return next(band for band in self.bands if score >= band.at_least)


class Cards(Strict):
    """红黄牌. Attributes: ..._days: for how long a card counts; yellows_make_red: None for never."""

    yellow_days: Annotated[int, Field(ge=1, le=3650)]
    red_days: Annotated[int, Field(ge=1, le=3650)]
    yellows_make_red: Annotated[int, Field(ge=2, le=100)] | None = None
    yellow_points: Annotated[int, Field(ge=-1000, le=0)] = 0
    red_points: Annotated[int, Field(ge=-1000, le=0)] = 0


class Exchange(Strict):
    """What points are exchanged for, and how many."""

    code: Code
    zh: Label
    en: Label
    points: Annotated[int, Field(ge=1, le=100_000)]


class PointRules(Strict):
    """积分兑换. Attributes: start: what a shop has at first; exchanges never go below 0."""

    start: Annotated[int, Field(ge=0, le=100_000)] = 0
    exchanges: Annotated[list[Exchange], Field(max_length=100)] = Field(default=[])


class ShopRules(Strict):
    """All of it.

    Attributes:
        example: shipped as one; a city checks it before it goes by it.
        shared: whose an issue is in front of several shops: of the nearest, or of all.
        cards, points: None where a city has none.
    """

    name: Name
    source: Annotated[Text, Field(max_length=500)] | None = None
    example: bool = False
    reach_m: Annotated[FiniteFloat, Field(gt=0, le=100)] = REACH_M
    shared: Literal["nearest", "all"] = "nearest"
    rating: Rating
    cards: Cards | None = None
    points: PointRules | None = None


def rules_in_force(session: ReadSession) -> ShopRules | None:
    """The city's rules; None before the first."""
    version_id = newest_id(session, ShopRulesVersion)
    if version_id is None:
        return None
    return kept(
        version_id,
        lambda: ShopRules.model_validate(session.get_one(ShopRulesVersion, version_id).document),
    )


def require_rules(session: ReadSession) -> tuple[ShopRules, int]:
    """The rules in force and their number. Raises NoRules."""
    rules, version = rules_in_force(session), version_of(session, ShopRulesVersion)
    if rules is None or version is None:
        raise NoRules(
            "there are no rules for shops; look at GET /v1/shops/rules/examples/example and bring yours in "
            "with PUT /v1/shops/rules"
        )
    return rules, version.number


def example_files() -> dict[str, Path]:
    """Shipped examples by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.toml"))}
