"""Who may see which photo: the frame must be theirs to see, its photo there, and not of a sensitive place."""

from sqlalchemy import select

from streetsight.inference.rules.settings import load_rules
from streetsight.inference.sightings.builder import UNKNOWN_ACCURACY_M
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.departures.service import Leaving, note
from streetsight.service.faults import Forbidden, Gone, Invalid
from streetsight.service.frames.service import NoFrame, visible
from streetsight.service.frames.tables import Frame
from streetsight.service.issues import service as issues
from streetsight.service.issues.tables import Issue
from streetsight.service.photos.tables import PhotoBringer
from streetsight.service.privacy.tables import PhotoAccess
from streetsight.service.retention.evidence import leads_of
from streetsight.service.settings import Settings
from streetsight.service.sightings.tables import FramePose
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.zones.service import zones_in_force


class SensitivePlace(Forbidden):
    """The photo was taken where nothing may be shown."""

    code = "sensitive_zone"


class PhotoExpired(Gone):
    """Retention has taken the photo; what was found on it stays."""

    code = "photo_expired"


class NoReason(Invalid):
    """An original is looked at for a reason."""

    code = "reason_needed"


def frame_for(session: ReadSession, actor: Actor, frame_id: str, settings: Settings) -> Frame:
    """A frame whose photo may be shown to this actor, redacted or not.

    Raises:
        NoFrame, PhotoExpired, SensitivePlace: why not.
    """
    frame = _seen_by(session, actor, frame_id)
    if frame.photo_expired_at is not None:
        raise PhotoExpired(
            "the photo of this frame was deleted by retention on {day} ({reason}); what was found on it is "
            "still here",
            day=frame.photo_expired_at.astimezone(settings.zone).date().isoformat(),
            reason=frame.photo_expired_reason,
        )  # fmt: skip
    if actor.kind != "device" and is_sensitive(session, frame, settings):
        raise SensitivePlace(
            "the photo was taken inside a sensitive zone; photos from there are shown to nobody"
        )
    return frame


def is_sensitive(session: ReadSession, frame: Frame, settings: Settings) -> bool:
    """Whether the camera stood in a masking zone, as far as its position is known; as patrols judge it."""
    pose = session.get(FramePose, frame.id)
    if pose is not None and pose.outcome == "masked":
        return True
    rules = load_rules(settings.rules_file)
    zones = zones_in_force(session, rules.zone_kinds)
    said = frame.position or {}
    places = [(frame.lon, frame.lat, said.get("accuracy_m"))]
    if pose is not None:
        places.append((pose.lon, pose.lat, pose.accuracy_m))
    return any(
        zones.masking(lon, lat, _spread(accuracy_m)) >= rules.certainty.mask
        for lon, lat, accuracy_m in places
        if lon is not None and lat is not None
    )


def look_at_original(
    session: WriteSession, actor: Actor, frame_id: str, reason: str | None, settings: Settings
) -> Frame:
    """The frame, once the look is written down; also in the audit log, which nobody can shorten unseen.

    Raises:
        NoFrame, PhotoExpired, SensitivePlace, NoReason: why there is nothing to look at.
    """
    frame = frame_for(session, actor, frame_id, settings)
    if settings.original_needs_reason and not reason:
        raise NoReason("originals are shown for a reason; say it, as in ?reason=appeal 2026-118")
    look = PhotoAccess(
        frame_id=frame.id, actor_id=actor.id, actor_name=actor.name, role=actor.role, reason=reason
    )
    session.add(look)
    session.flush()
    note(session, actor, Leaving("original", f"frame/{frame.id}", 1, reason))
    record(session, actor, "photo.original_seen", f"frame/{frame.id}", {"look": look.id, "reason": reason})
    return frame


def list_looks(
    session: ReadSession,
    limit: int,
    cursor: str | None,
    frame_id: str | None = None,
    actor_id: str | None = None,
) -> Page[PhotoAccess]:
    """Looks at originals, newest first."""
    found = select(PhotoAccess)
    if frame_id is not None:
        found = found.where(PhotoAccess.frame_id == frame_id)
    if actor_id is not None:
        found = found.where(PhotoAccess.actor_id == actor_id)
    return page(session, found, PhotoAccess, limit, cursor)


def _seen_by(session: ReadSession, actor: Actor, frame_id: str) -> Frame:
    """By where it was taken; or because what it shows is the actor's to see: a task of a handler's unit, a
    photo that came without a position with a report from the actor's area; or because they brought it."""
    frame = session.get(Frame, frame_id)
    if frame is not None and (actor.kind == "device" or may(actor, Permission.READ)):
        seen = session.scalar(select(Frame.id).where(Frame.id == frame_id, visible(actor)))
        if seen is not None:
            return frame
    if frame is not None and session.get(PhotoBringer, (frame_id, actor.id)) is not None:
        return frame
    if frame is not None and actor.kind == "person" and _shows_something_of(session, actor, frame):
        return frame
    raise NoFrame("there is no frame {id}, or not among yours", id=frame_id)


def _shows_something_of(session: ReadSession, actor: Actor, frame: Frame) -> bool:
    leads = leads_of(session, [frame])[frame.id]
    if may(actor, Permission.READ):
        return frame.area_path is None and any(actor.sees(lead.area_path) for lead in leads)
    ids = [lead.candidate_id for lead in leads if lead.candidate_id]
    own = select(Issue.id).where(Issue.candidate_id.in_(ids), issues.visible(actor)).limit(1)
    return bool(ids) and session.scalar(own) is not None


def _spread(accuracy_m: float | None) -> tuple[float, float, float]:
    variance = (accuracy_m or UNKNOWN_ACCURACY_M) ** 2
    return variance, 0.0, variance
