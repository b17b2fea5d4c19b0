"""A frame as tracking, coverage and re-check need it: what was seen, from where."""

from dataclasses import dataclass, field

from streetsight.inference.ground.view import View
from streetsight.inference.positions.pose import Pose
from streetsight.inference.positions.profile import CameraProfile
from streetsight.models.detections import Detections


@dataclass(frozen=True, slots=True, eq=False)
class PatrolFrame:
    """One frame of a patrol.

    Attributes:
        id: sha256 of the photo, or of the clip, "#" and the frame's number.
        name: as the user knows it.
        pose: when, where and which way.
        size_wh: of the upright frame, pixels.
        detections: what the release saw; empty where the quality gate refused the frame.
        class_names: of the release, by the class ids of `detections`.
        camera: mounting and optics, or None when unknown.
        pitch_sigma_deg: one sigma of the camera's pitch on a driving vehicle.
        faults: why the frame is not scorable; empty when it is.
    """

    id: str
    name: str
    pose: Pose
    size_wh: tuple[int, int]
    detections: Detections
    class_names: tuple[str, ...]
    camera: CameraProfile | None = None
    pitch_sigma_deg: float = 0.7
    faults: tuple[str, ...] = field(default=())

    @property
    def scorable(self) -> bool:
        """Whether the quality gate let it pass."""
        return not self.faults

    @property
    def view(self) -> View | None:
        """The camera on the ground, or None where position, heading or camera are unknown."""
        position = self.pose.position
        if position is None or position.heading_deg is None or self.camera is None:
            return None
        return View(self.camera, self.size_wh, position.heading_deg)
