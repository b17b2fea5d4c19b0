"""Photos that come with acts: whose they are to show, and whether they were taken where the issue is."""

from collections.abc import Sequence

import numpy as np

from streetsight.inference.positions.local import LocalPlane
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import Actor
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue, IssueAct, IssuePhoto
from streetsight.service.privacy.service import frame_for
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import WriteSession


def attach(
    session: WriteSession,
    actor: Actor,
    issue: Issue,
    act: IssueAct,
    frame_ids: Sequence[str],
    settings: Settings,
) -> list[IssuePhoto]:
    """Photos of an act. One that was taken elsewhere is kept, with a warning.

    Raises:
        NoFrame, PhotoExpired, SensitivePlace: a frame that is not the actor's to show.
    """
    photos = []
    for frame_id in dict.fromkeys(frame_ids):
        frame = frame_for(session, actor, frame_id, settings)
        away = _distance_m(issue, frame)
        photos.append(
            IssuePhoto(
                issue_id=issue.id, act_id=act.id, frame_id=frame.id, lon=frame.lon, lat=frame.lat,
                position_source=(frame.position or {}).get("source"), taken_at=frame.taken_at,
                distance_m=away, warning=_warning(issue, frame, away, settings.photo_far_m),
            )
        )  # fmt: skip
    session.add_all(photos)
    session.flush()
    return photos


def say_warning(photo: IssuePhoto, language: Language) -> str | None:
    """What is odd about a photo, in words; None when nothing is."""
    if photo.warning == "far":
        return translate(
            "the photo was taken {distance} m away from the issue's place", language,
            distance=round(photo.distance_m or 0),
        )  # fmt: skip
    if photo.warning == "no_position":
        return translate("the photo does not say where it was taken", language)
    if photo.warning == "no_place":
        return translate("the issue has no position to compare the photo with", language)
    return None


def _distance_m(issue: Issue, frame: Frame) -> float | None:
    if issue.lon is None or issue.lat is None or frame.lon is None or frame.lat is None:
        return None
    plane = LocalPlane(issue.lon, issue.lat)
    return round(float(np.hypot(*plane.to_metres(np.array([frame.lon, frame.lat], np.float64)))), 1)


def _warning(issue: Issue, frame: Frame, away_m: float | None, far_m: float) -> str | None:
    if away_m is None:
        return "no_place" if issue.lon is None else "no_position"
    accuracy_m = (frame.position or {}).get("accuracy_m") or 0.0
    return "far" if away_m > far_m + accuracy_m else None
