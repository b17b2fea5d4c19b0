"""Frames of passes that were assembled before, as re-checking takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from streetsight.inference.patrol.passing import surroundings
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.service.assembling.loading import CLASS_NAMES, detections, detections_of
from streetsight.service.detections.tables import Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.sightings.rows import pose_of
from streetsight.service.sightings.tables import FramePose
from streetsight.service.store.sessions import ReadSession

MOST_LATER = 12  # passes that are gone over again when an earlier one comes in

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A stretch of a patrol.

    Attributes:
        frames: those that can show what is asked about.
        began: None when no frame has a time; then it says nothing about what was before it.
    """

    id: str
    patrol_id: str
    frames: Sequence[PatrolFrame]
    began: datetime | None

    @property
    def bounds(self) -> Bounds | None:
        """West, south, east, north of what it may show."""
        return surroundings(self.frames)


def later_passes(
    session: ReadSession, bounds: Bounds, since: datetime, without: str, devices: Mapping[str, DeviceProfile]
) -> list[Pass]:
    """Passes of other patrols through a box that began later, in order of time.

    Args:
        without: the patrol that is left out.
        devices: profiles by the name of the device.
    """
    west, south, east, north = bounds
    inside = (
        FramePose.taken_at >= since, FramePose.patrol_id != without, FramePose.outcome == "accepted",
        FramePose.lon.between(west, east), FramePose.lat.between(south, north),
    )  # fmt: skip
    began = func.min(FramePose.taken_at)
    found = session.execute(
        select(FramePose.pass_id, FramePose.patrol_id, began)
        .where(*inside)
        .group_by(FramePose.pass_id, FramePose.patrol_id)
        .order_by(began, FramePose.pass_id)
        .limit(MOST_LATER)
    ).all()
    return [
        Pass(pass_id, patrol_id, _frames(session, pass_id, bounds, devices), moment)
        for pass_id, patrol_id, moment in found
        if pass_id is not None
    ]


def _frames(
    session: ReadSession, pass_id: str, bounds: Bounds, devices: Mapping[str, DeviceProfile]
) -> list[PatrolFrame]:
    west, south, east, north = bounds
    here = (
        FramePose.pass_id == pass_id, FramePose.outcome == "accepted",
        FramePose.lon.between(west, east), FramePose.lat.between(south, north),
    )  # fmt: skip
    rows = session.execute(
        select(FramePose, Frame.sha256, Frame.name, Device.name, Result)
        .join(Frame, Frame.id == FramePose.frame_id)
        .join(Device, Device.id == Frame.device_id)
        .join(Result, Result.id == Frame.result_id)
        .where(*here)
        .order_by(FramePose.taken_at, Frame.sha256)
    ).all()
    found = detections_of(session, select(Frame.result_id).join(FramePose).where(*here))
    frames = []
    for pose, sha256, name, device, result in rows:
        profile = devices.get(device, DeviceProfile())
        faults = tuple((result.quality or {}).get("faults", ()))
        frames.append(
            PatrolFrame(
                id=sha256, name=name or pose.frame_id, pose=pose_of(pose),
                size_wh=(result.width or 0, result.height or 0),
                detections=detections([] if faults else found[result.id]),
                class_names=CLASS_NAMES, camera=profile.camera,
                pitch_sigma_deg=profile.errors.pitch_deg, faults=faults,
            )
        )  # fmt: skip
    return frames
