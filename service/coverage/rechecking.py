"""What passes say about places that were seen before them; candidates that are gone, and that are back."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, or_, select

from streetsight.inference.coverage.recall import Recall
from streetsight.inference.coverage.recheck import Recheck, recheck
from streetsight.inference.patrol.passing import began_at, left_by_the_last, state_of
from streetsight.inference.places.merging import Places
from streetsight.inference.places.sighting import Place
from streetsight.inference.rules.context import Context
from streetsight.service.assembling.loading import Material
from streetsight.service.assembling.merging import Merged
from streetsight.service.assembling.tracking import Tracked
from streetsight.service.candidates.claims import MOST_IDS, batched, follows, of_ids
from streetsight.service.candidates.tables import Candidate, CandidateRecheck, CandidateSighting
from streetsight.service.candidates.updating import Update, set_columns
from streetsight.service.coverage.passes import Bounds, Pass, later_passes
from streetsight.service.sightings.tables import Sighting
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

ASKED = ("open", "gone", "confirmed")

Answers = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Rechecked:
    """What the passes of an assembly, and those after them, say.

    Attributes:
        answers: place -> rows of `CandidateRecheck` without the candidate, in order of time.
        places: those that were asked about, by id.
        candidates: place -> candidates that stood for it before the assembly.
    """

    answers: Answers
    places: dict[str, Place]
    candidates: dict[str, set[str]]
    pass_ids: frozenset[str]


def recheck_around(
    session: ReadSession, material: Material, tracked: Tracked, merged: Merged, context: Context,
    recall: Recall,
) -> Rechecked:  # fmt: skip
    """Ask the passes of a patrol, and later ones along its way, about what was there before them."""
    own = [
        Pass(each.id, material.patrol_id, each.accepted, began_at(each.accepted)) for each in tracked.passes
    ]
    passes = _in_order(session, own, material.patrol_id, context)
    candidates: dict[str, set[str]] = defaultdict(set)
    places = {each.place.id: each.place for each in merged.verdicts if each.leads}
    for each in passes:
        if each.bounds and each in own:
            _find_places(session, each.bounds, merged.places, places, candidates)
    known = _known_answers(session, places.values())
    pass_ids = frozenset(each.id for each in passes)
    answers: Answers = {key: [] for key in places}
    for each in passes:
        _ask(each, places, merged.places, recall, known, answers)
    return Rechecked(answers, places, candidates, pass_ids)


def write_rechecks(session: WriteSession, material: Material, rechecked: Rechecked, update: Update) -> None:
    """Keep the answers with their candidates; those that follow their places are gone or open by them."""
    old = or_(
        CandidateRecheck.patrol_id == material.patrol_id,
        CandidateRecheck.pass_id.in_(rechecked.pass_ids),
    )
    of_place: dict[str, set[str]] = defaultdict(set)
    for (place_id, _), candidate in update.of_place.items():
        of_place[place_id].add(candidate.id)
    for place_id, ids in rechecked.candidates.items():
        of_place[place_id] |= {update.claims.end_of(each) if each in update.claims.candidates else each
                               for each in ids}  # fmt: skip
    concerned = {each for place_id in rechecked.places for each in of_place[place_id]}
    for some in batched(sorted(concerned), MOST_IDS):
        session.execute(delete(CandidateRecheck).where(CandidateRecheck.candidate_id.in_(some), old))
    session.execute(delete(CandidateRecheck).where(CandidateRecheck.patrol_id == material.patrol_id))
    rows = {
        (candidate_id, answer["pass_id"]): {
            "id": new_id(), "created_at": now(), "candidate_id": candidate_id, **answer,
        }
        for place_id, answers in rechecked.answers.items()
        for candidate_id in of_place[place_id]
        for answer in answers
    }  # fmt: skip
    for rows_of_some in batched(list(rows.values()), MOST_IDS):
        session.execute(insert(CandidateRecheck), list(rows_of_some))
    _settle_all(session, rechecked, of_place, update)


def _in_order(session: ReadSession, own: list[Pass], patrol_id: str, context: Context) -> list[Pass]:
    """The patrol's own passes and later ones through the same streets, by their beginning."""
    timed = [each for each in own if each.began is not None]
    boxes = [each.bounds for each in timed]
    known = [box for box in boxes if box]
    if not known:
        return timed
    west, south, east, north = zip(*known, strict=True)
    around = min(west), min(south), max(east), max(north)
    since = min(each.began for each in timed if each.began)
    later = later_passes(session, around, since, patrol_id, context.devices)
    return sorted([*timed, *later], key=lambda each: (each.began is None, each.began, each.id))


def _find_places(
    session: ReadSession, bounds: Bounds, places: Places, found: dict[str, Place],
    candidates: dict[str, set[str]],
) -> None:  # fmt: skip
    """Add the places of candidates in a box."""
    west, south, east, north = bounds
    rows = session.execute(
        select(Candidate.id, Candidate.lon, Candidate.lat, Sighting.place_id)
        .join(CandidateSighting, CandidateSighting.candidate_id == Candidate.id)
        .join(Sighting, Sighting.id == CandidateSighting.sighting_id)
        .where(
            Candidate.state.in_(ASKED), Sighting.retired_at.is_(None),
            Candidate.lon.between(west, east), Candidate.lat.between(south, north),
        )
        .distinct()
    ).all()  # fmt: skip
    for candidate_id, lon, lat, place_id in rows:
        near = {each.id: each for each in places.near(lon or 0.0, lat or 0.0)}
        if place_id in near:
            found.setdefault(place_id, near[place_id])
            candidates[place_id].add(candidate_id)


def _known_answers(session: ReadSession, places: Iterable[Place]) -> Answers:
    """What was said of these places before, by whichever candidate stands for them."""
    place_of = {sighting.id: place.id for place in places for sighting in place.sightings}
    links = of_ids(session, CandidateSighting, CandidateSighting.sighting_id, place_of)
    standing: dict[str, set[str]] = defaultdict(set)
    for link in links:
        standing[link.candidate_id].add(place_of[link.sighting_id])
    answers: Answers = defaultdict(list)
    for row in of_ids(session, CandidateRecheck, CandidateRecheck.candidate_id, standing):
        for place_id in standing[row.candidate_id]:
            answers[place_id].append(_as_row(row))
    return answers


def _ask(
    one: Pass, asked: dict[str, Place], places: Places, recall: Recall, known: Answers, answers: Answers
) -> None:
    """One pass about all places along its way that were seen before it."""
    began, bounds = one.began, one.bounds
    if began is None or bounds is None:
        return
    west, south, east, north = bounds
    opened = [
        each
        for each in asked.values()
        if each.lon is not None and each.lat is not None
        and west <= each.lon <= east and south <= each.lat <= north
        and any(one.last_seen and one.last_seen < began for one in each.sightings)
    ]  # fmt: skip
    before = {
        each.id: sorted(
            [*(row for row in known[each.id] if row["pass_id"] != one.id), *map(_told, answers[each.id])],
            key=lambda row: (row["at"], row["pass_id"]),
        )
        for each in opened
    }
    left = {each.id: left_by_the_last(each, began, before[each.id]) for each in opened}
    present = {key: value for key, value in left.items() if value is not None}
    for answer in recheck(opened, places, one.id, one.frames, recall, present):
        answers[answer.place_id].append(_columns(answer, one))


def _columns(answer: Recheck, one: Pass) -> dict[str, Any]:
    return {
        "patrol_id": one.patrol_id, "pass_id": one.id, "at": one.began, "outcome": answer.outcome,
        "gone": answer.gone, "matched": answer.matched, "covered": answer.covered, "missed": answer.missed,
        "present_before": answer.present_before, "sighting_id": answer.sighting_id,
        "frames": [each.frame_id for each in answer.used],
    }  # fmt: skip


def _told(columns: dict[str, Any]) -> dict[str, Any]:
    """As `inference.patrol.passing` reads answers."""
    return {**columns, "at": columns["at"].isoformat()}


def _as_row(row: CandidateRecheck) -> dict[str, Any]:
    return {"pass_id": row.pass_id, "at": row.at.isoformat(), "outcome": row.outcome, "gone": row.gone}


def _settle_all(
    session: WriteSession, rechecked: Rechecked, of_place: Mapping[str, set[str]], update: Update
) -> None:
    """Candidates that follow their places are gone, or open, by what was said last."""
    ids = {each for place_id in rechecked.places for each in of_place[place_id]}
    missing = ids - update.claims.candidates.keys()
    for candidate in of_ids(session, Candidate, Candidate.id, missing):
        update.claims.candidates[candidate.id] = candidate
    said: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in of_ids(session, CandidateRecheck, CandidateRecheck.candidate_id, ids):
        said[row.candidate_id].append(_as_row(row))
    for place_id, place in rechecked.places.items():
        for candidate_id in sorted(of_place[place_id]):
            candidate = update.claims.candidates[candidate_id]
            if not follows(candidate) or candidate.gone_because == "withdrawn":
                continue
            answers = sorted(said[candidate_id], key=lambda row: (row["at"], row["pass_id"]))
            gone = state_of(place, answers) == "gone"
            columns = {"state": "gone" if gone else "open", "gone_because": "recheck" if gone else None}
            set_columns(update, candidate, columns)
