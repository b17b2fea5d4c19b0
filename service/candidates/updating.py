"""How candidates follow their places, and where they stop to; docs/candidates.md says it for people.

1. A lead has one candidate. An *undecided* candidate follows its place: position, counts, score, evidence.
2. A *decided* one (confirmed, rejected) never changes. What is seen of its place later is attached as late.
   It is neither reopened nor made twice.
3. When places become one, the candidate with most of its sightings goes on, the older one of equals; the
   others are merged into it. When a place falls apart, the part with most of them keeps the candidate.
4. What is no lead any more is withdrawn (`gone`), and opens again when it becomes one.
5. What a person has pinned goes before all of this: pinned sightings stay where they are, and other sightings
   of their place go with most of them.
6. After the place of an issue has ended (`endings.py`), what is seen there is a new lead.

All of it is a function of the sightings and of what people decided, not of the order of their coming.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete, select

from streetsight.inference.places.fusion import fuse
from streetsight.inference.rules.candidate import Candidate as Lead
from streetsight.inference.rules.context import Context
from streetsight.service.areas.service import area_path_at
from streetsight.service.assembling.merging import Merged, Verdict, judge
from streetsight.service.candidates.claims import Claims, follows, is_decided, of_ids
from streetsight.service.candidates.reports import absorb_reports, confirmed_by_word
from streetsight.service.candidates.tables import Candidate, CandidateSighting
from streetsight.service.candidates.values import columns_of, event_of, is_news
from streetsight.service.events.service import publish
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now


@dataclass(slots=True, eq=False)
class Update:
    """Candidates after one assembly.

    Attributes:
        reports_within_m: what was reported so near to a new lead is about the same thing.
        members: candidate -> sightings that it rests on now, of those that follow their places.
        late: candidate -> sightings that are attached as late.
        of_place: place and condition -> candidate.
        created: new ones.
    """

    session: WriteSession
    merged: Merged
    context: Context
    reports_within_m: float
    claims: Claims
    members: dict[str, set[str]] = field(default_factory=dict)
    late: dict[str, set[str]] = field(default_factory=dict)
    of_place: dict[tuple[str, str], Candidate] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)


def update_candidates(
    session: WriteSession, merged: Merged, context: Context, reports_within_m: float
) -> Update:
    """Bring candidates in line with the places that changed. The new sightings are stored already."""
    concerned = {each.id for verdict in merged.verdicts for each in verdict.place.sightings}
    claims = Claims.of(session, concerned | merged.dropped, merged.earlier)
    update = Update(session, merged, context, reports_within_m, claims)
    free = [rest for verdict in merged.verdicts if (rest := _without_pinned(update, verdict)) is not None]
    undecided = [each for each in free if not _attach_to_decided(update, each)]
    _follow(update, undecided)
    _withdraw_the_rest(update)
    _write_links(update)
    return update


def _without_pinned(update: Update, verdict: Verdict) -> Verdict | None:
    """The verdict when no person has pinned anything of its place; else its sightings go with those."""
    owners = update.claims.on(verdict.place, pinned=True)
    if not owners:
        return verdict
    owner = update.claims.candidates[min(owners, key=lambda each: (-owners[each], each))]
    _absorb(update, verdict, owner)
    free = [each.id for each in verdict.place.sightings if not update.claims.is_pinned(each.id)]
    if is_decided(owner):
        update.late.setdefault(owner.id, set()).update(free)
        return None
    for each in owners:  # pinned sightings that were tracked anew belong to it as well
        update.members.setdefault(each, _linked(update, each))
    update.members[owner.id].update(free)
    for each in owners:
        _follow_pinned(update, update.claims.candidates[each])
    return None


def _follow_pinned(update: Update, candidate: Candidate) -> None:
    """A candidate that a person has put together, by the sightings that it has now."""
    new = {each.id: each for each in update.merged.sightings}
    ids = update.members[candidate.id]
    for own, earlier in update.merged.earlier.items():
        if any(link.candidate_id == candidate.id and link.pinned
               for each in earlier for link in update.claims.links.get(each, ())):  # fmt: skip
            ids.add(own)
    ids -= update.merged.dropped
    sightings = [*(new[each] for each in ids if each in new)]
    sightings += update.merged.store.named(sorted(ids - new.keys()))
    if not sightings:
        return
    leads = judge(fuse(sightings), update.context).leads
    lead = next((each for each in leads if each.condition == candidate.condition), None)
    if lead is not None:
        _fit(
            update,
            candidate,
            replace(lead, place=replace(lead.place, id=candidate.place_id or lead.place.id)),
        )


def _linked(update: Update, candidate_id: str) -> set[str]:
    """Sightings that a candidate has now."""
    found = select(CandidateSighting.sighting_id).where(CandidateSighting.candidate_id == candidate_id)
    return set(update.session.scalars(found))


def _attach_to_decided(update: Update, verdict: Verdict) -> bool:
    """Whether a person has decided what this place is; its sightings are attached to that."""
    claims = update.claims.on(verdict.place)
    conditions = {each.condition for each in verdict.leads}
    decided = [
        each
        for key in claims
        if is_decided(each := update.claims.candidates[key])
        # A person may have corrected the condition; it is still the same thing.
        and (len(conditions) < 2 or each.condition in conditions)
    ]
    if not decided:
        return False
    owner = min(decided, key=lambda each: (each.state != "confirmed", -claims[each.id], each.id))
    update.late.setdefault(owner.id, set()).update(each.id for each in verdict.place.sightings)
    _absorb(update, verdict, owner)
    return True


def _absorb(update: Update, verdict: Verdict, owner: Candidate) -> None:
    """Merge what else follows this place into the candidate that a person has given it to."""
    for key in update.claims.on(verdict.place):
        candidate = update.claims.candidates[key]
        if candidate is not owner and follows(candidate) and not candidate.pinned:
            _merge_into(update, candidate, owner)
    for lead in verdict.leads:
        update.of_place[lead.place.id, lead.condition] = owner


def _follow(update: Update, verdicts: Iterable[Verdict]) -> None:
    """Give every lead its candidate: one that knows it, or a new one."""
    leads = {(lead.place.id, lead.condition): lead for each in verdicts for lead in each.leads}
    rest = dict(leads)
    claims = []
    for key, lead in leads.items():
        for candidate_id, count in update.claims.on(lead.place).items():
            candidate = update.claims.candidates[candidate_id]
            if follows(candidate) and not candidate.pinned and candidate.condition == lead.condition:
                claims.append((-count, candidate_id, key))
    taken: dict[str, tuple[str, str]] = {}
    late: list[tuple[str, tuple[str, str]]] = []
    for _, candidate_id, key in sorted(claims):
        if candidate_id in taken:
            continue
        if key not in rest:
            late.append((candidate_id, key))
            continue
        taken[candidate_id] = key
        _take(update, update.claims.candidates[candidate_id], rest.pop(key))
    for _, lead in sorted(rest.items()):
        if not _is_known_by_word(update, lead):
            _take(update, _new(update, lead), lead)
    for candidate_id, key in late:
        if candidate_id not in taken:
            taken[candidate_id] = key
            _merge_into(update, update.claims.candidates[candidate_id], update.of_place[key])


def _is_known_by_word(update: Update, lead: Lead) -> bool:
    """Whether people have confirmed this without any patrol; its sightings are attached to that."""
    place = lead.place
    owner = confirmed_by_word(update.session, lead.condition, place.lon, place.lat, update.reports_within_m)
    if owner is None:
        return False
    update.claims.candidates.setdefault(owner.id, owner)
    update.late.setdefault(owner.id, set()).update(each.id for each in place.sightings)
    update.of_place[place.id, lead.condition] = owner
    return True


def _take(update: Update, candidate: Candidate, lead: Lead) -> None:
    update.of_place[lead.place.id, lead.condition] = candidate
    update.members[candidate.id] = {each.id for each in lead.place.sightings}
    _fit(update, candidate, lead)


def _new(update: Update, lead: Lead) -> Candidate:
    candidate = Candidate(id=new_id(), source="patrol", condition=lead.condition, state="open", version=0)
    update.created.add(candidate.id)
    update.claims.candidates[candidate.id] = candidate
    return candidate


def _fit(update: Update, candidate: Candidate, lead: Lead) -> None:
    """Write what follows from the lead into its candidate."""
    store, place = update.merged.store, lead.place
    area_path = area_path_at(update.session, place.lon, place.lat)
    columns = columns_of(lead, store.frame_of, store.release_of, area_path)
    if candidate.gone_because != "recheck":  # re-checks decide that afterwards
        columns |= {"state": "open", "gone_because": None}
    set_columns(update, candidate, columns)
    if candidate.id in update.created:
        update.session.add(candidate)
        update.session.flush()
        absorb_reports(update.session, candidate, update.reports_within_m)


def set_columns(update: Update, candidate: Candidate, columns: Mapping[str, Any]) -> None:
    """Write columns; remembers whether a reader can see a difference."""
    if is_news(candidate, columns):
        update.changed.add(candidate.id)
    for name, value in columns.items():
        if getattr(candidate, name) != value:
            setattr(candidate, name, value)


def _merge_into(update: Update, candidate: Candidate, other: Candidate) -> None:
    update.members[candidate.id] = set()
    set_columns(update, candidate, {"state": "merged", "merged_into_id": other.id, "gone_because": None})


def _withdraw_the_rest(update: Update) -> None:
    """Candidates that followed a place which is no lead now, or is no more."""
    settled = update.members.keys()
    no_leads: dict[str, set[str]] = {}
    for verdict in update.merged.verdicts:
        for key in update.claims.on(verdict.place):
            no_leads.setdefault(key, set()).update(each.id for each in verdict.place.sightings)
    for candidate in update.claims.candidates.values():
        if candidate.id in settled or not follows(candidate) or candidate.pinned:
            continue
        update.members[candidate.id] = no_leads.get(candidate.id, set())
        set_columns(update, candidate, {"state": "gone", "gone_because": "withdrawn"})


def _write_links(update: Update) -> None:
    """Links as they are now; those of decided candidates only grow."""
    ids = update.members.keys() | update.late.keys()
    links: dict[str, dict[str, CandidateSighting]] = {each: {} for each in ids}
    for link in of_ids(update.session, CandidateSighting, CandidateSighting.candidate_id, ids):
        links[link.candidate_id][link.sighting_id] = link
    stored = _stored(update)
    for candidate_id, wanted in update.members.items():
        old = {
            own
            for own, link in links[candidate_id].items()
            if not link.pinned or own in update.merged.dropped
        }
        _delete(update.session, candidate_id, old - wanted)
        _insert(update, candidate_id, (wanted & stored) - links[candidate_id].keys(), late=False)
    for candidate_id, wanted in update.late.items():
        _insert(update, candidate_id, (wanted & stored) - links[candidate_id].keys(), late=True)
    update.session.flush()


def _stored(update: Update) -> set[str]:
    """Sightings that there are: what is masked is not."""
    new = {each.id for each in update.merged.sightings}
    return (update.merged.store.place_of.keys() - update.merged.dropped) | new


def _insert(update: Update, candidate_id: str, sighting_ids: Iterable[str], late: bool) -> None:
    for each in sorted(sighting_ids):
        pinned = any(
            link.pinned and link.candidate_id == candidate_id
            for own in update.merged.earlier.get(each, ())
            for link in update.claims.links.get(own, ())
        )
        update.session.add(
            CandidateSighting(candidate_id=candidate_id, sighting_id=each, late=late, pinned=pinned)
        )


def _delete(session: WriteSession, candidate_id: str, sighting_ids: Iterable[str]) -> None:
    for each in sighting_ids:
        of_it = CandidateSighting.candidate_id == candidate_id, CandidateSighting.sighting_id == each
        session.execute(delete(CandidateSighting).where(*of_it))


def tell(update: Update) -> None:
    """Let versions grow and publish what a reader can see; once everything is settled."""
    for candidate_id in sorted(update.changed | update.created):
        candidate = update.claims.candidates[candidate_id]
        candidate.version += 1
        candidate.updated_at = now()
        kind = "candidate.updated"
        if candidate_id in update.created:
            kind = "candidate.created"
        elif candidate.state == "gone":
            kind = "candidate.gone"
        publish(update.session, kind, f"candidate/{candidate_id}", event_of(candidate), candidate.area_path)
    update.session.flush()
