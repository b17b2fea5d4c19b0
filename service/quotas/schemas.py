"""What is sent and shown of patrol duties."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from streetsight.models.taxonomy import Language
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.issues.schemas import Photos, PlaceSent, Words
from streetsight.service.moments import Moment
from streetsight.service.quotas import tables
from streetsight.service.quotas.counting import Outing, Period
from streetsight.service.quotas.rules import Per, Quota, QuotaRules
from streetsight.service.quotas.standing import Standing, State


class OutingSent(BaseModel):
    """An outing of one's own, entered by hand: where and when.

    Attributes:
        at: now if not given; it must have come.
        photos: ids of frames, from `POST /v1/photos`.
    """

    position: PlaceSent
    text: Words
    at: Moment | None = None
    photos: Photos = []


class OutingEntered(BaseModel):
    """An outing that was entered by hand; WGS-84 degrees."""

    id: str
    at: datetime
    lon: float
    lat: float
    area_path: str | None
    text: str
    photos: list[str]

    @classmethod
    def of(cls, row: tables.Outing) -> "OutingEntered":
        return cls(
            id=row.id, at=row.at, lon=row.lon, lat=row.lat, area_path=row.area_path, text=row.text,
            photos=row.frame_ids,
        )  # fmt: skip


class EvidenceShown(BaseModel):
    """Attributes: kind: enter, handle, ..., check, patrol or by_hand; subject: what it was about."""

    at: datetime
    kind: str
    subject: str


class OutingShown(BaseModel):
    """Attributes: counts: False beyond what counts of one day."""

    began: datetime
    ended: datetime
    counts: bool
    evidence: list[EvidenceShown]

    @classmethod
    def of(cls, outing: Outing) -> "OutingShown":
        evidence = [
            EvidenceShown(at=each.at, kind=each.kind, subject=each.subject) for each in outing.evidence
        ]
        return cls(began=outing.began, ended=outing.ended, counts=outing.counts, evidence=evidence)


class StandingShown(BaseModel):
    """How somebody stands.

    Attributes:
        state: met; open: it still can be; behind: it cannot any more; missed: the period is over.
    """

    person_id: str
    name: str
    unit: str | None
    needed: int
    done: int
    state: State
    outings: list[OutingShown]

    @classmethod
    def of(cls, standing: Standing) -> "StandingShown":
        person = standing.person
        return cls(
            person_id=person.id, name=person.name, unit=person.unit, needed=standing.needed,
            done=standing.done, state=standing.state, outings=[*map(OutingShown.of, standing.outings)],
        )  # fmt: skip


class QuotaShown(BaseModel):
    """A duty in a period.

    Attributes:
        people: of whom who asks may see.
        without_account: chiefs whom the register knows by name alone, and logins that nobody has: they have
            the duty, and nothing counts for them. None for who sees themselves alone.
    """

    code: str
    label: str
    per: Per
    first: date
    last: date
    people: list[StandingShown]
    without_account: list[str] | None

    @classmethod
    def of(
        cls,
        quota: Quota,
        period: Period,
        people: list[Standing],
        without: list[str] | None,
        language: Language,
    ) -> "QuotaShown":
        return cls(
            code=quota.code, label=quota.label(language), per=quota.per, first=period.first, last=period.last,
            people=[*map(StandingShown.of, people)], without_account=without,
        )  # fmt: skip


class PeriodStanding(BaseModel):
    """How somebody stands in one period of a month."""

    first: date
    last: date
    needed: int
    done: int
    state: State


class PersonMonth(BaseModel):
    """Somebody's month.

    Attributes:
        needed: in all its periods; done: of these, never more than a period needs.
        missed: periods that are over, or in which it cannot be met any more.
    """

    person_id: str
    name: str
    unit: str | None
    needed: int
    done: int
    missed: int
    periods: list[PeriodStanding]
    outings: list[OutingShown]


class QuotaMonth(BaseModel):
    """A duty in the periods that begin in a month; `without_account` as in `QuotaShown`."""

    code: str
    label: str
    per: Per
    people: list[PersonMonth]
    without_account: list[str] | None


class MissShown(BaseModel):
    """Somebody who was not outside as often as they had to, in a period that is over."""

    id: str
    quota: str
    first: date
    last: date
    person_id: str
    name: str
    needed: int
    done: int
    told_at: datetime


class MissPage(BaseModel):
    """Misses, the latest first; `next_cursor` leads on, None at the end."""

    items: list[MissShown]
    next_cursor: str | None


class QuotaRulesInForce(BaseModel):
    """The duties; nothing while none were brought in."""

    version: VersionShown | None
    document: QuotaRules | None


QuotaCode = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$")]
