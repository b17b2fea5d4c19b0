"""Frames that are here: find, list, show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, exists, or_, select

from streetsight.service.areas.service import path_of_area
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope, within
from streetsight.service.detections.schemas import ResultShown
from streetsight.service.detections.service import results_of
from streetsight.service.detections.tables import Detection
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.frames.schemas import FrameShown
from streetsight.service.frames.tables import Frame
from streetsight.service.photos.tables import PhotoBringer
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession

Bounds = tuple[float, float, float, float]
"""West, south, east, north; WGS-84 degrees."""


class NoFrame(NotFound):
    """No frame of this id, or none that who asks may see."""

    code = "no_frame"


class BadBounds(Invalid):
    """A bounding box that is none."""

    code = "bad_bbox"


@dataclass(frozen=True, slots=True)
class Filters:
    """Which frames are wanted; None takes all.

    Attributes:
        area: path or code of an area; what lies below it belongs to it.
        class_name, min_score: frames with a detection of this class, at least this sure.
        taken_from, taken_before: capture time, aware.
    """

    patrol_id: str | None = None
    state: str | None = None
    class_name: str | None = None
    min_score: float | None = None
    taken_from: datetime | None = None
    taken_before: datetime | None = None
    bounds: Bounds | None = None
    area: str | None = None
    device_id: str | None = None


def visible(actor: Actor) -> ColumnElement[bool]:
    """Condition that an actor may see a frame: a device its own, people those in their areas."""
    if actor.kind == "device":
        return Frame.device_id == actor.id
    return in_scope(actor, Frame.area_path)


def find_frame(session: ReadSession, actor: Actor, frame_id: str) -> Frame:
    """A frame that the actor may see, or has brought. Raises NoFrame."""
    brought = exists().where(PhotoBringer.frame_id == Frame.id, PhotoBringer.person_id == actor.id)
    frame = session.scalar(select(Frame).where(Frame.id == frame_id, or_(visible(actor), brought)))
    if frame is None:
        raise NoFrame("there is no frame {id}, or not among yours", id=frame_id)
    return frame


def list_frames(
    session: ReadSession, actor: Actor, filters: Filters, limit: int, cursor: str | None
) -> Page[Frame]:
    """Frames that the actor may see, newest first."""
    wanted = _filtered(select(Frame).where(visible(actor)), filters)
    if filters.area is not None:
        wanted = wanted.where(within((path_of_area(session, filters.area),), Frame.area_path))
    sliced = _somewhere(actor, filters)
    return page(session, wanted, Frame, limit, cursor, sliced=sliced, about=filters.taken_before)


def _somewhere(actor: Actor, wanted: Filters) -> bool:
    """Whether frames of some place or time are wanted: they need not be among the newest ones."""
    where = wanted.area, wanted.bounds, wanted.taken_from, wanted.taken_before, actor.areas
    return wanted.patrol_id is None and any(each is not None for each in where)


def shown(session: ReadSession, frames: Sequence[Frame]) -> list[FrameShown]:
    """Frames with their results, in two queries however many there are."""
    results = results_of(session, [frame.result_id for frame in frames if frame.result_id])
    return [FrameShown.of(frame, _result(frame, results)) for frame in frames]


def parse_bounds(text: str | None) -> Bounds | None:
    """`west,south,east,north`. Raises BadBounds."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = float("nan")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise BadBounds(
            "bbox={text} is no box; expected west,south,east,north in WGS-84 degrees, as 116.3,39.8,116.5,40",
            text=text[:100],
        )
    return west, south, east, north


def _result(frame: Frame, results: dict[str, ResultShown]) -> ResultShown | None:
    return results.get(frame.result_id) if frame.result_id else None


def _filtered(frames: Select[Frame], wanted: Filters) -> Select[Frame]:
    if wanted.patrol_id is not None:
        frames = frames.where(Frame.patrol_id == wanted.patrol_id)
    if wanted.device_id is not None:
        frames = frames.where(Frame.device_id == wanted.device_id)
    if wanted.state is not None:
        frames = frames.where(Frame.state == wanted.state)
    if wanted.taken_from is not None:
        frames = frames.where(Frame.taken_at >= wanted.taken_from)
    if wanted.taken_before is not None:
        frames = frames.where(Frame.taken_at < wanted.taken_before)
    if wanted.bounds is not None:
        west, south, east, north = wanted.bounds
        frames = frames.where(Frame.lon.between(west, east), Frame.lat.between(south, north))
    if wanted.class_name is not None or wanted.min_score is not None:
        # both, though the result would do: a rare class is found by its index, and its frames by theirs
        found = exists().where(Detection.result_id == Frame.result_id, Detection.frame_id == Frame.id)
        if wanted.class_name is not None:
            found = found.where(Detection.class_name == wanted.class_name)
        if wanted.min_score is not None:
            found = found.where(Detection.score >= wanted.min_score)
        frames = frames.where(found)
    return frames
