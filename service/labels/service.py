"""Which labels are wanted; who took the originals along."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_

from streetsight.service.areas.service import path_of_area
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import within
from streetsight.service.candidates.queries import visible
from streetsight.service.candidates.tables import Candidate
from streetsight.service.departures.service import Leaving, note
from streetsight.service.exports import TooManyRows
from streetsight.service.faults import Invalid
from streetsight.service.files.blobs import Blobs
from streetsight.service.labels.marks import marks_of
from streetsight.service.labels.photos import Labels, labels_of
from streetsight.service.privacy.tables import PhotoAccess
from streetsight.service.store.sessions import ReadSession, WriteSession

MOST_PHOTOS = 20_000  # some 50 MB of labels


class NoLabels(Invalid):
    """An archive of nothing."""

    code = "no_labels"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which decided candidates are wanted; None takes all. decided_from, decided_before: aware."""

    area: str | None = None
    condition: str | None = None
    decided_from: datetime | None = None
    decided_before: datetime | None = None
    every_frame: bool = False


def gather(session: ReadSession, actor: Actor, wanted: Filters) -> Labels:
    """Labels from decisions. Raises TooManyRows."""
    labels = labels_of(session, marks_of(session, _conditions(session, actor, wanted)), wanted.every_frame)
    if len(labels.photos) > MOST_PHOTOS:
        raise TooManyRows(
            "{count} photos would be in this file, at most {most} are; ask for fewer, by area or by time",
            count=len(labels.photos), most=MOST_PHOTOS,
        )  # fmt: skip
    return labels


def still_here(labels: Labels, blobs: Blobs) -> Labels:
    """Those whose photos were not deleted since. Raises NoLabels."""
    found = replace(labels, photos=[each for each in labels.photos if blobs.exists(each.photo.sha256)])
    if not found.photos:
        raise NoLabels(
            "nothing that was decided gives a label here: on {count} photos something is still undecided; "
            "decide these, or ask for more, by area or by time",
            count=labels.undecided,
        )
    return found


def note_labels(session: WriteSession, actor: Actor, labels: Labels, wanted: str, with_photos: bool) -> None:
    """Write down that somebody takes these labels out of the system, before the first byte goes."""
    what = "labels.zip" if with_photos else "labels.json"
    note(session, actor, Leaving("labels", what, len(labels.photos), wanted))
    if with_photos:
        note_originals(session, actor, labels)


def note_originals(session: WriteSession, actor: Actor, labels: Labels) -> None:
    """Write down that somebody takes these originals, before the first byte goes out."""
    session.add_all(
        PhotoAccess(
            frame_id=each.frame_id, actor_id=actor.id, actor_name=actor.name, role=actor.role.value,
            reason="labels export",
        )
        for each in labels.photos
    )  # fmt: skip
    session.flush()
    record(session, actor, "labels.exported", "labels/originals", {"photos": len(labels.photos)})


def _conditions(session: ReadSession, actor: Actor, wanted: Filters) -> ColumnElement[bool]:
    found = [visible(actor)]
    if wanted.area is not None:
        found.append(within((path_of_area(session, wanted.area),), Candidate.area_path))
    if wanted.condition is not None:
        found.append(Candidate.condition == wanted.condition)
    if wanted.decided_from is not None:
        found.append(Candidate.decided_at >= wanted.decided_from)
    if wanted.decided_before is not None:
        found.append(Candidate.decided_at < wanted.decided_before)
    return and_(*found)
