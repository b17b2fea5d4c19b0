"""A sighting: one real thing seen in one patrol, with where it stands and how sure that is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Covariance = tuple[float, float, float]  # east-east, east-north, north-north, square metres
LocatedBy = Literal["ground", "camera", "nothing"]


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A thing on one frame.

    Attributes:
        frame_id: sha256 of the photo (of video: of the clip, "#" and the frame's number).
        taken_at: aware, or None.
        score: of the detection.
        box_xyxy_px: in the upright frame.
        size_wh: of the upright frame, pixels.
        distance_m: from the lens along the ground, or None when unknown.
        scorable: False on a frame that the quality gate refused.
    """

    frame_id: str
    taken_at: datetime | None
    score: float
    box_xyxy_px: tuple[float, float, float, float]
    size_wh: tuple[int, int]
    distance_m: float | None
    scorable: bool = True


@dataclass(frozen=True, slots=True)
class Sighting:
    """Detections of one thing over the frames of one patrol.

    Attributes:
        id: by what it was made of, so that the same frames give the same id.
        patrol_id, device_id: whose frames these are.
        class_name: taxonomy class.
        glimpses: in order of time, at most one per frame.
        first_seen, last_seen: aware; None for frames without a time.
        lon, lat: where it stands, WGS-84; None when no frame has a position.
        own_m2: covariance of what differs from sighting to sighting (pixels, pitch, heading).
        shared_m2: covariance of what all sightings of this patrol hereabouts have in common (the
            receiver's error); a shift between patrols takes it out.
        located_by: "ground" from boxes and camera, "camera" at the camera for want of heading or profile,
            "nothing" without any position.
        width_m: width of the thing, where the ground tells.
        speed_mps: at least so fast did it move over the ground (99.7 %), metres per second; 0 where it may
            have stood, None where its frames do not tell.
    """

    id: str
    patrol_id: str
    device_id: str
    class_name: str
    glimpses: tuple[Glimpse, ...]
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    own_m2: Covariance = (0.0, 0.0, 0.0)
    shared_m2: Covariance = (0.0, 0.0, 0.0)
    located_by: LocatedBy = "nothing"
    width_m: float | None = None
    speed_mps: float | None = None

    @property
    def score(self) -> float:
        """The best of its detections."""
        return max(each.score for each in self.glimpses)


@dataclass(frozen=True, slots=True)
class Place:
    """One thing in the street, seen by one patrol or by many.

    Attributes:
        id: of its first sighting, so that the same sightings in any order give the same place.
        sightings: in order of time, then id.
        lon, lat: WGS-84; None when no sighting has a position.
        covariance_m2: of the position.
    """

    id: str
    class_name: str
    sightings: tuple[Sighting, ...]
    lon: float | None
    lat: float | None
    covariance_m2: Covariance
