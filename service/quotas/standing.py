"""Who is outside how often, and who is behind."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from sqlalchemy import func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.auth.scope import in_scope
from streetsight.service.calendar.working import WorkingCalendar
from streetsight.service.campaigns.phases import moments_of
from streetsight.service.campaigns.tables import CampaignCheck
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import IssueAct
from streetsight.service.patrols.tables import Patrol
from streetsight.service.people.tables import Person
from streetsight.service.places.service import in_force
from streetsight.service.places.tables import Place
from streetsight.service.quotas import tables
from streetsight.service.quotas.counting import Evidence, Outing, Period, due_days, needed_in, outings_of
from streetsight.service.quotas.rules import Quota, QuotaRules
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

State = Literal["met", "open", "behind", "missed"]
AHEAD = timedelta(days=1)
"""So far the clock of a device may be ahead of ours."""
OLDEST = timedelta(days=31)
"""How late an outing may come to be known."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How somebody stands in a period.

    Attributes:
        state: met; open: it still can be; behind: it cannot any more; missed: the period is over.
    """

    person: Person
    needed: int
    done: int
    outings: Sequence[Outing]
    state: State


def standings(
    session: ReadSession,
    rules: QuotaRules,
    quota: Quota,
    period: Period,
    calendar: WorkingCalendar,
    zone: tzinfo,
) -> list[Standing]:
    """All who have a duty, by name. Raises NoCalendar, CalendarLacksYear."""
    people = people_of(session, quota)
    found = evidence_of(session, rules, people, *moments_of((period.first, period.last), zone))
    return standing_in(rules, quota, period, people, found, calendar, zone)


def standing_in(
    rules: QuotaRules,
    quota: Quota,
    period: Period,
    people: Sequence[Person],
    found: Mapping[str, Sequence[Evidence]],
    calendar: WorkingCalendar,
    zone: tzinfo,
) -> list[Standing]:
    """The same from evidence by person, of that period or of more. Raises NoCalendar, CalendarLacksYear."""
    needed, today = needed_in(quota, period, calendar), now().astimezone(zone).date()
    ahead = due_days(quota, (day for day in period.days() if day >= today), calendar)
    begin, end = moments_of((period.first, period.last), zone)
    made = []
    for person in people:
        shown = [each for each in found.get(person.id, ()) if begin <= each.at < end]
        outings = outings_of(shown, rules.counting.apart_minutes, quota.most_a_day, zone)
        done = sum(outing.counts for outing in outings)
        gone = sum(each.counts and each.began.astimezone(zone).date() in ahead for each in outings)
        state = _state(needed - done, len(ahead), gone, quota.most_a_day, period.last < today)
        made.append(Standing(person, needed, done, outings, state))
    return made


def people_of(session: ReadSession, quota: Quota) -> list[Person]:
    """Those who have a duty and an account that is active, by name."""
    found = select(Person).where(Person.state == "active").order_by(Person.name, Person.id)
    if quota.chiefs is None:
        return list(session.scalars(found.where(Person.login.in_(quota.people))))
    chief = getattr(Place, f"chief_{quota.chiefs}_id")
    ids = select(chief).where(in_force(now()), chief.is_not(None))
    return list(session.scalars(found.where(Person.id.in_(ids))))


def without_account(session: ReadSession, actor: Actor, quota: Quota) -> list[str]:
    """Chiefs whom the register knows by name alone, and logins that nobody has: nothing counts for them.

    Chiefs of the places that the actor may see; logins that nobody has are of no area.
    """
    if quota.chiefs is None:
        known = set(session.scalars(select(Person.login).where(Person.login.in_(quota.people))))
        return [login for login in quota.people if login not in known]
    name, chief = getattr(Place, f"chief_{quota.chiefs}"), getattr(Place, f"chief_{quota.chiefs}_id")
    seen = in_force(now()), in_scope(actor, Place.area_path)
    found = select(name).where(*seen, name.is_not(None), chief.is_(None)).distinct()
    return list(session.scalars(found.order_by(name)))


def seen_by(actor: Actor, person: Person) -> bool:
    """Whether an actor may see how somebody stands: themselves; who manages, those of their own areas."""
    if person.id == actor.id:
        return True
    if not (may(actor, Permission.MANAGE_ISSUES) or may(actor, Permission.ANALYSE)):
        return False
    return actor.areas is None or bool(person.areas and all(map(actor.sees, person.areas)))


def evidence_of(
    session: ReadSession, rules: QuotaRules, people: Sequence[Person], begin: datetime, end: datetime
) -> dict[str, list[Evidence]]:
    """What shows that people were outside, from a moment until before another, by person."""
    ids, counting = [person.id for person in people], rules.counting
    found: dict[str, list[Evidence]] = defaultdict(list)
    acts = select(IssueAct).where(IssueAct.actor_id.in_(ids), IssueAct.kind.in_(counting.acts))
    for act in session.scalars(acts.where(IssueAct.created_at >= begin, IssueAct.created_at < end)):
        found[act.actor_id].append(Evidence(act.created_at, act.kind, f"issue/{act.issue_id}"))
    if counting.checks:
        looks = select(CampaignCheck).where(CampaignCheck.actor_id.in_(ids))
        for look in session.scalars(looks.where(CampaignCheck.at >= begin, CampaignCheck.at < end)):
            found[look.actor_id].append(Evidence(look.at, "check", f"campaign/{look.campaign_id}"))
    if counting.by_hand:
        entered = select(tables.Outing).where(tables.Outing.person_id.in_(ids))
        for row in session.scalars(entered.where(tables.Outing.at >= begin, tables.Outing.at < end)):
            found[row.person_id].append(Evidence(row.at, "by_hand", f"outing/{row.id}"))
    if counting.patrols:
        for person_id, patrol in _patrols(session, rules, people, begin, end):
            found[person_id].append(patrol)
    return found


def _patrols(
    session: ReadSession, rules: QuotaRules, people: Sequence[Person], begin: datetime, end: datetime
) -> list[tuple[str, Evidence]]:
    """Patrols with photos, of devices that belong to somebody, with whom, as of when they were driven.

    Of those alone that may be of that time is the first photo looked for, patrol by patrol.
    """
    logins = {person.login: person.id for person in people}
    owners = {device: logins[login] for device, login in rules.devices.items() if login in logins}
    first = select(func.min(Frame.taken_at)).where(Frame.patrol_id == Patrol.id).scalar_subquery()
    rows = select(Device.name, Patrol.id, Patrol.created_at, first).join(
        Device, Device.id == Patrol.device_id
    )
    then = (Patrol.last_frame_at >= begin - AHEAD, Patrol.created_at < end + OLDEST)
    return [
        (owners[name], Evidence(at, "patrol", f"patrol/{patrol_id}"))
        for name, patrol_id, heard, taken in session.execute(rows.where(Device.name.in_(owners), *then))
        if begin <= (at := _driven(taken, heard)) < end
    ]


def _driven(taken: datetime | None, heard: datetime) -> datetime:
    """When a patrol began: with its first photo, of which the server may hear days later.

    A photo without a time, or one that would be older than an outing by hand may be (a clock that stands at
    1970), does not tell: then it counts when the server heard of it.
    """
    return heard if taken is None or taken < heard - OLDEST else taken


def _state(missing: int, left: int, gone: int, most_a_day: int | None, over: bool) -> State:
    """left: days on which it can be done yet; gone: what already counts of them."""
    if missing <= 0:
        return "met"
    if over:
        return "missed"
    possible = missing if most_a_day is None and left else left * (most_a_day or 0) - gone
    return "behind" if missing > possible else "open"
