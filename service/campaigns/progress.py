"""How far a campaign has come: places looked at, issues found and handled, ground that patrols have seen."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any, NamedTuple

import shapely
from pydantic import BaseModel
from shapely.geometry import shape
from sqlalchemy import func, select

from streetsight.inference.coverage.tiles import area_m2, length_m
from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.campaigns.ledger import PlaceNamed, status_of
from streetsight.service.campaigns.members import as_table, members_of
from streetsight.service.campaigns.phases import Window, counting_windows
from streetsight.service.campaigns.places import places_of
from streetsight.service.campaigns.tables import Campaign, CampaignCheck, CampaignIssue, CampaignPlace
from streetsight.service.candidates.exports import condition_label
from streetsight.service.coverage.service import ground_within
from streetsight.service.faults import Invalid
from streetsight.service.issues.queries import overdue
from streetsight.service.issues.service import visible
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession

MOST_MEASURED = 300
LINES = frozenset({"LineString", "MultiLineString"})


class TooManyPlaces(Invalid):
    """More places than one answer measures."""

    code = "too_many_places"


class IssueSums(BaseModel):
    """How many issues. overdue are some of found, which is the sum of all others.

    Attributes:
        handled: the unit has answered, and nobody has checked it yet; struck: 销号.
    """

    found: int = 0
    open: int = 0
    handled: int = 0
    struck: int = 0
    dropped: int = 0
    transferred: int = 0
    left_over: int = 0
    overdue: int = 0


class PlaceSums(BaseModel):
    """How many places. total = looked_at + not_looked_at; with_issues and in_order are those looked at."""

    total: int = 0
    looked_at: int = 0
    with_issues: int = 0
    in_order: int = 0
    not_looked_at: int = 0


class PlaceProgress(BaseModel):
    """Attributes: checks, last_check: looks on days that count; unit: who looks after the place."""

    place: PlaceNamed
    unit: str | None
    looked_at: bool
    checks: int
    last_check: datetime | None
    issues: IssueSums


class KeyedSums(BaseModel):
    """Issues of a unit, or of a condition. Attributes: key: None without one; label: in words."""

    key: str | None
    label: str
    issues: IssueSums


class ProgressShown(BaseModel):
    """Of what who asks may see, at this moment."""

    places: PlaceSums
    issues: IssueSums
    by_place: list[PlaceProgress]
    by_unit: list[KeyedSums]
    by_condition: list[KeyedSums]


class PlaceCoverage(BaseModel):
    """What patrols have seen of a place on days that count. Not seen is not clean.

    Attributes:
        ground_m2, seen_m2: of the place's ground; length_m, seen_length_m: of a road's line.
        share: of the length where there is one, else of the ground; None for a place without either.
        patrols: that came by.
    """

    place: PlaceNamed
    ground_m2: float
    seen_m2: float
    length_m: float | None
    seen_length_m: float | None
    share: float | None
    patrols: int


class CoverageShown(BaseModel):
    """Attributes: share_of_ground, share_of_length: of all places together."""

    windows: list[tuple[date, date]]
    share_of_ground: float | None
    share_of_length: float | None
    items: list[PlaceCoverage]


@dataclass(slots=True)
class _Looks:
    checks: int = 0
    last: datetime | None = None


@dataclass(slots=True)
class _Tally:
    """Issues as they are counted, by place, unit and condition."""

    all: IssueSums = field(default_factory=IssueSums)
    by_place: dict[str | None, IssueSums] = field(default_factory=lambda: defaultdict(IssueSums))
    by_unit: dict[str | None, IssueSums] = field(default_factory=lambda: defaultdict(IssueSums))
    by_condition: dict[str | None, IssueSums] = field(default_factory=lambda: defaultdict(IssueSums))

    def add(self, row: "_Alike", count: int) -> None:
        """So many issues that are alike."""
        sums = (self.all, self.by_place[row.place], self.by_unit[row.unit], self.by_condition[row.condition])
        status = status_of(row.state, row.ending, row.transferred)
        for each in sums:
            each.found += count
            each.overdue += count * row.overdue
            setattr(each, status, getattr(each, status) + count)


class _Alike(NamedTuple):
    """What issues are counted by."""

    state: str
    ending: str | None
    transferred: bool
    unit: str | None
    condition: str
    overdue: bool
    place: str | None


def progress(
    session: ReadSession, actor: Actor, campaign: Campaign, zone: tzinfo, language: Language
) -> ProgressShown:
    """Sums over the issues and places that the actor may see."""
    members = members_of(session, campaign, zone)
    tally, looks = _Tally(), _looks(session, campaign)
    table = as_table(session, members)
    said = (CampaignIssue.issue_id == Issue.id) & (CampaignIssue.campaign_id == campaign.id)
    late = func.coalesce(overdue(), False).label("overdue")
    place = table.c.value.label("place")
    of_line = (CampaignIssue.ending, CampaignIssue.transfer)
    columns = (Issue.state, Issue.unit, Issue.condition, late, place, *of_line)
    rows = select(*columns).join(table, table.c.key == Issue.id).outerjoin(CampaignIssue, said)
    found = session.execute(rows.where(visible(actor)))
    alike = Counter(
        _Alike(
            row.state,
            row.ending,
            row.transfer is not None,
            row.unit,
            row.condition,
            bool(row.overdue),
            row.place,
        )
        for row in found
    )
    for each, count in alike.items():
        tally.add(each, count)
    seen = {*looks, *members.values()}
    places = [row for row in places_of(session, campaign.id) if actor.sees(row.area_path)]
    by_place = [_of_place(row, tally.by_place, looks, seen) for row in places]
    return ProgressShown(
        places=_place_sums(by_place, {*members.values()}), issues=tally.all, by_place=by_place,
        by_unit=_keyed(tally.by_unit, lambda key: key or "-"),
        by_condition=_keyed(tally.by_condition, lambda key: condition_label(key or "", language)),
    )  # fmt: skip


def coverage(
    session: ReadSession, actor: Actor, campaign: Campaign, kind: str | None, place_id: str | None
) -> CoverageShown:
    """Ground and road length of places that patrols have seen on days that count.

    Raises:
        TooManyPlaces, TooMuchGround
    """
    places = [
        row
        for row in places_of(session, campaign.id)
        if actor.sees(row.area_path) and kind in (None, row.kind) and place_id in (None, row.id)
    ]
    if len(places) > MOST_MEASURED:
        raise TooManyPlaces(
            "{count} places are more than one answer measures ({most}); name a kind of place, or one place",
            count=len(places), most=MOST_MEASURED,
        )  # fmt: skip
    windows = counting_windows(campaign.phases)
    items = [_covered(session, row, windows) for row in places]
    lines = [each for each in items if each.length_m is not None]
    return CoverageShown(
        windows=windows, items=items,
        share_of_ground=_share(sum(each.seen_m2 for each in items), sum(each.ground_m2 for each in items)),
        share_of_length=_share(
            sum(each.seen_length_m or 0 for each in lines), sum(each.length_m or 0 for each in lines)
        ),
    )  # fmt: skip


def _covered(session: ReadSession, row: CampaignPlace, windows: list[Window]) -> PlaceCoverage:
    ground = shape(row.ground or row.geometry)
    seen = ground_within(session, ground, windows)
    whole, seen_m2 = area_m2(ground), min(seen.measure.seen_m2, area_m2(ground))
    length = seen_length = None
    if row.geometry["type"] in LINES:
        line = shape(row.geometry)
        length, seen_length = length_m(line), length_m(shapely.intersection(line, seen.seen))
    share = _share(seen_m2, whole) if length is None else _share(seen_length or 0.0, length)
    return PlaceCoverage(
        place=_named(row), ground_m2=round(whole, 1), seen_m2=round(seen_m2, 1),
        length_m=None if length is None else round(length, 1),
        seen_length_m=None if seen_length is None else round(seen_length, 1), share=share,
        patrols=seen.measure.patrols,
    )  # fmt: skip


def _share(part: float, whole: float) -> float | None:
    return round(min(1.0, part / whole), 4) if whole else None


def _looks(session: ReadSession, campaign: Campaign) -> dict[str, _Looks]:
    """Looks on days that count, by place."""
    found = (
        select(CampaignCheck.place_id, func.count().label("checks"), func.max(CampaignCheck.at).label("last"))
        .where(CampaignCheck.campaign_id == campaign.id, CampaignCheck.counts)
        .group_by(CampaignCheck.place_id)
    )
    return {row.place_id: _Looks(row.checks, row.last) for row in session.execute(found)}


def _of_place(
    row: CampaignPlace, sums: dict[str | None, IssueSums], looks: dict[str, _Looks], seen: set[str | None]
) -> PlaceProgress:
    look = looks.get(row.id, _Looks())
    return PlaceProgress(
        place=_named(row), unit=row.unit, looked_at=row.id in seen, checks=look.checks, last_check=look.last,
        issues=sums.get(row.id, IssueSums()),
    )  # fmt: skip


def _place_sums(places: list[PlaceProgress], with_issues: set[str | None]) -> PlaceSums:
    looked = sum(each.looked_at for each in places)
    found = sum(each.place.id in with_issues for each in places)
    return PlaceSums(
        total=len(places), looked_at=looked, with_issues=found, in_order=looked - found,
        not_looked_at=len(places) - looked,
    )  # fmt: skip


def _keyed(sums: dict[str | None, IssueSums], label: Any) -> list[KeyedSums]:
    """Most issues first; ties by key."""
    order: Iterable[str | None] = sorted(sums, key=lambda key: (-sums[key].found, key or ""))
    return [KeyedSums(key=key, label=label(key), issues=sums[key]) for key in order]


def _named(row: CampaignPlace) -> PlaceNamed:
    return PlaceNamed.model_validate(row, from_attributes=True)
