"""Issues that people enter by hand: a candidate of their own that is confirmed at once.

So it is merged, mapped and learned from like any other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from streetsight.inference.patrol.rows import code_row
from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.models.codes import OTHER, find_code
from streetsight.models.taxonomy import Code, default_taxonomy
from streetsight.service.areas.service import area_path_at, path_of_area
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.candidates.tables import Candidate, CandidateReport
from streetsight.service.candidates.values import event_of
from streetsight.service.decisions import service as decisions
from streetsight.service.decisions.schemas import Confirm
from streetsight.service.events.service import publish
from streetsight.service.faults import Forbidden, Invalid
from streetsight.service.files.blobs import digest_of
from streetsight.service.issues.acting import Done, add_act, earlier_act, facts, for_audit
from streetsight.service.issues.photos import attach
from streetsight.service.issues.schemas import CodeWanted, IssueEntered, PlaceSent
from streetsight.service.issues.tables import Issue
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


class UnknownCode(Invalid):
    """A code that stands in no table that we have."""

    code = "unknown_code"


class NotInYourAreas(Forbidden):
    """A place that is not among the areas of who enters it."""

    code = "outside_areas"


class NotThatCondition(Invalid):
    """A class that cannot be a case of the condition."""

    code = "unfit"


@dataclass(frozen=True, slots=True)
class _Place:
    lon: float | None
    lat: float | None
    area_path: str | None
    uncertainty_m: float | None


def enter(
    session: WriteSession, actor: Actor, entered: IssueEntered, key: str | None, settings: Settings
) -> Done:
    """File it.

    Raises:
        UnknownCode, UnknownArea, NotInYourAreas, NotThatCondition, KeyTaken, NoFrame: nothing was changed.
    """
    digest = digest_of(entered.model_dump_json(exclude_none=True).encode())
    if (earlier := earlier_act(session, actor, key, digest)) is not None:
        return Done(earlier, session.get_one(Issue, earlier.issue_id), new=False)
    candidate = _candidate(session, actor, entered)
    wish = decisions.Wish(candidate.id, Confirm(kind="confirm", unit=entered.unit), candidate.version)
    issue = decisions.decide(session, actor, wish, settings.zone).issue
    assert issue is not None
    issue.place, issue.description, issue.area_type = entered.place, entered.description, entered.area_type
    act = add_act(
        session, actor, issue, "enter", facts(issue), text=entered.description, key=key, digest=digest,
        details=entered.model_dump(
            mode="json", by_alias=True, exclude={"photos", "description"}, exclude_none=True
        ),
    )  # fmt: skip
    photos = attach(session, actor, issue, act, _frames(entered), settings)
    record(session, actor, "issue.enter", f"issue/{issue.id}", for_audit(act))
    return Done(act, issue, True, photos)


def code_entered(sent: CodeWanted) -> tuple[dict[str, Any], str]:
    """The code as issues carry it, and the condition that it proposes. Raises UnknownCode."""
    found = find_code(sent.scheme, sent.code, sent.kind)
    if found is None:
        raise UnknownCode(
            "{scheme} has no {code} that is known here; look for it at /v1/codes?search=",
            scheme=sent.scheme, code=sent.code,
        )  # fmt: skip
    return _row(found.code), found.condition


def wgs84(sent: PlaceSent) -> tuple[float, float]:
    """Longitude and latitude of what was sent in any datum."""
    lon, lat = to_wgs84(np.array([[sent.lon, sent.lat]]), sent.crs)[0].tolist()
    return lon, lat


def _row(code: Code) -> dict[str, Any]:
    row = code_row(code)
    assert row is not None
    return row


def _candidate(session: WriteSession, actor: Actor, entered: IssueEntered) -> Candidate:
    place, tagged = _place(session, actor, entered), entered.detection
    code, proposed = code_entered(entered.code)
    condition, class_name = entered.condition or proposed, tagged.class_name if tagged else None
    _require_fit(class_name, condition)
    frames, seen_at = _frames(entered), entered.found_at or now()
    unsure = place.uncertainty_m
    candidate = Candidate(
        source="inspector", condition=condition, class_name=class_name, code=code, state="open",
        severity=entered.severity, score=tagged.score if tagged else None, lon=place.lon, lat=place.lat,
        area_path=place.area_path, covariance_m2=[unsure**2, 0.0, unsure**2] if unsure else None,
        first_seen_at=seen_at, last_seen_at=seen_at, frames=len(frames),
        best_frame_id=tagged.frame_id if tagged else next(iter(frames), None),
        best_box=list(tagged.box_xyxy_px) if tagged else None,
        description="\n".join(filter(None, (entered.description, entered.place))) or None,
    )  # fmt: skip
    session.add(candidate)
    session.flush()
    said = event_of(candidate)
    publish(session, "candidate.created", f"candidate/{candidate.id}", said, candidate.area_path)
    session.add(
        CandidateReport(
            candidate_id=candidate.id, source="inspector", condition=condition, class_name=class_name,
            lon=place.lon, lat=place.lat, uncertainty_m=unsure, description=candidate.description,
            frame_ids=frames, reported_at=seen_at, reporter={"person_id": actor.id, "role": actor.role.value},
        )
    )  # fmt: skip
    session.flush()
    return candidate


def _place(session: ReadSession, actor: Actor, entered: IssueEntered) -> _Place:
    sent = entered.position
    if sent is None:
        assert entered.area is not None
        place = _Place(None, None, path_of_area(session, entered.area), None)
    else:
        lon, lat = wgs84(sent)
        place = _Place(lon, lat, area_path_at(session, lon, lat), sent.accuracy_m)
    if not actor.sees(place.area_path):
        raise NotInYourAreas(
            "the place lies in {area}, which is not among your areas; ask whoever looks after it",
            area=place.area_path or "no area",
        )
    return place


def _require_fit(class_name: str | None, condition: str) -> None:
    leads = default_taxonomy().leads_of(class_name) if class_name else ()
    if class_name and condition not in (*leads, OTHER):
        raise NotThatCondition(
            "class {name} is no {condition}; it can be {leads}: choose another code, or name the condition",
            name=class_name, condition=condition, leads=", ".join(leads) or "no issue",
        )  # fmt: skip


def _frames(entered: IssueEntered) -> list[str]:
    """Photos that came with it, the one of the detection first."""
    tagged = [entered.detection.frame_id] if entered.detection else []
    return list(dict.fromkeys([*tagged, *entered.photos]))
