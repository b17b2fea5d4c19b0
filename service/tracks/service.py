"""Tracks of patrols: keep, find."""

from pathlib import Path

from streetsight.inference.positions.profile import Crs
from streetsight.inference.positions.receivers import TrackError, parse_track
from streetsight.inference.positions.tracks import Track
from streetsight.service.assembling.arming import AT_ONCE, KIND
from streetsight.service.faults import Invalid
from streetsight.service.jobs.queue import arm
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.tracks.tables import PatrolTrack


class BadTrack(Invalid):
    """A file that is no track."""

    code = "bad_track"


def check_track(name: str, content: bytes) -> Track:
    """The track in a file. Raises BadTrack."""
    try:
        return parse_track(Path(name), content)
    except TrackError as error:
        raise BadTrack(error.message, **error.values) from error


def put_track(session: WriteSession, patrol_id: str, name: str, content: bytes) -> None:
    """Keep a patrol's track in place of the one before; the patrol is assembled again with it."""
    stored = session.get(PatrolTrack, patrol_id)
    if stored is None:
        session.add(PatrolTrack(patrol_id=patrol_id, name=name, content=content))
    else:
        stored.name, stored.content, stored.received_at = name, content, now()
    session.flush()
    arm(session, KIND, patrol_id, AT_ONCE)


def track_of(session: ReadSession, patrol_id: str, crs: Crs) -> tuple[Path, Track] | None:
    """A patrol's track with the name of its file; None without one.

    Args:
        crs: coordinate system that the device's profile declares for its tracks.
    """
    found = session.get(PatrolTrack, patrol_id)
    return (Path(found.name), parse_track(Path(found.name), found.content, crs)) if found else None
