"""Patrol duties as data: who, how often, in which time, and what counts as an outing."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.service.dependencies import Text
from streetsight.service.documents.reading import Name, Strict
from streetsight.service.documents.service import kept, newest_id
from streetsight.service.issues.states import Recorded
from streetsight.service.quotas.tables import QuotaRulesVersion
from streetsight.service.store.sessions import ReadSession

EXAMPLES = Path(__file__).with_name("examples")

Code = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[Text, Field(min_length=1, max_length=100)]
Login = Annotated[Text, Field(min_length=1, max_length=100)]
Per = Literal["day", "week", "month"]


class Quota(Strict):
    """A duty.

    Attributes:
        chiefs: all 街长 of this level, as the register of places has them; or people, by their logins.
        per: weeks begin on Monday.
        days: working: only working days are due, by the city's calendar; all.
        most_a_day: outings of one day that count; None for all of them.
    """

    code: Code
    zh: Label
    en: Label
    chiefs: Literal[1, 2, 3] | None = None
    people: Annotated[list[Login], Field(max_length=1000)] = Field(default=[])
    count: Annotated[int, Field(ge=1, le=1000)]
    per: Per
    days: Literal["working", "all"] = "working"
    most_a_day: Annotated[int, Field(ge=1, le=100)] | None = 1

    @model_validator(mode="after")
    def _can_be_met(self) -> "Quota":
        if self.chiefs is not None and self.people:
            raise SpokenError("{code}: expected chiefs of a level, or people, not both", code=self.code)
        longest = {"day": 1, "week": 7, "month": 28}[self.per]
        if self.most_a_day is not None and self.count > longest * self.most_a_day:
            raise SpokenError(
                "{code}: {count} a {per} cannot be met; raise most_a_day",
                code=self.code,
                count=self.count,
                per=self.per,
            )
        return self

    def label(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class Counting(Strict):
    """What shows that somebody was outside.

    Attributes:
        acts: kinds of acts on issues; enter is an issue that they have entered.
        checks: looks at places of campaigns; patrols: of a device that is theirs; by_hand: outings entered.
        apart_minutes: what follows within so long is the same outing.
    """

    acts: Annotated[list[Recorded], Field(max_length=40)] = Field(default=["enter", "handle", "look_back"])
    checks: bool = True
    patrols: bool = True
    by_hand: bool = True
    apart_minutes: Annotated[int, Field(ge=0, le=1440)] = 60


class QuotaRules(Strict):
    """All duties of a city.

    Attributes:
        example: shipped as one; a city checks it before it goes by it.
        devices: name of a device -> login of who goes out with it.
        grace_hours: how long after the end of a period outings may still be entered before it is told.
    """

    name: Name
    source: Annotated[Text, Field(max_length=500)] | None = None
    example: bool = False
    counting: Counting = Counting()
    devices: Annotated[dict[Login, Login], Field(max_length=5000)] = Field(default={})
    grace_hours: Annotated[int, Field(ge=0, le=24 * 31)] = 12
    quotas: Annotated[list[Quota], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _once(self) -> "QuotaRules":
        codes = [quota.code for quota in self.quotas]
        if len(set(codes)) < len(codes):
            raise SpokenError("quotas: each code stands once")
        return self


def rules_in_force(session: ReadSession) -> QuotaRules | None:
    """The city's duties; None before the first."""
    version_id = newest_id(session, QuotaRulesVersion)
    if version_id is None:
        return None
    return kept(
        version_id,
        lambda: QuotaRules.model_validate(session.get_one(QuotaRulesVersion, version_id).document),
    )


def example_files() -> dict[str, Path]:
    """Shipped examples by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.toml"))}
