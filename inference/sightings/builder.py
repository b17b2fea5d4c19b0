"""Frames in, sightings out: frame by frame, each sighting as soon as its thing is out of sight."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.ground.locate import Look, locate
from streetsight.inference.ground.motion import proven_speed
from streetsight.inference.ground.stance import stance_of
from streetsight.inference.places.sighting import Covariance, Glimpse, LocatedBy, Sighting
from streetsight.inference.positions.drift import drift_share
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.inference.sightings.tracking import LOST_FRAMES, Tracker

SIGHT_SIGMA_M = 10.0  # of a thing that is known to be in sight of the camera, per axis
UNKNOWN_ACCURACY_M = 15.0  # of a position that does not say how good it is


@dataclass(slots=True)
class _Track:
    class_name: str
    last_frame: int
    glimpses: list[Glimpse] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    cameras: list[tuple[float, float, float]] = field(default_factory=list)  # east, north, accuracy


class SightingBuilder:
    """Turns the frames of one patrol of one device into sightings.

    Frames must come in order of time. A frame that was there before changes nothing.
    """

    def __init__(self, patrol_id: str, device_id: str) -> None:
        self.patrol_id, self.device_id = patrol_id, device_id
        self._tracker = Tracker()
        self._tracks: dict[str, _Track] = {}
        self._seen: set[str] = set()

    def add(self, frame: PatrolFrame, image_rgb_hwc: NDArray[np.uint8] | None = None) -> list[Sighting]:
        """Take in the next frame; returns what has gone out of sight.

        Args:
            image_rgb_hwc: the frame at any scale, used where the pose is unknown; may be None.
        """
        if frame.id in self._seen:
            return []
        self._seen.add(frame.id)
        looks = self._tracker.looks(frame)
        for index, name in enumerate(self._tracker.update(frame, looks, image_rgb_hwc)):
            if name is not None:
                self._extend(name, frame, index, looks[index] if looks else None)
        over = [
            key for key, track in self._tracks.items() if len(self._seen) - track.last_frame > LOST_FRAMES
        ]
        return [self._finish(self._tracks.pop(key)) for key in over]

    def close(self) -> list[Sighting]:
        """What was still in sight when the patrol ended."""
        tracks, self._tracks = self._tracks, {}
        return [self._finish(track) for track in tracks.values()]

    def _extend(self, name: str, frame: PatrolFrame, index: int, look: Look | None) -> None:
        class_name = frame.class_names[int(frame.detections.class_ids[index])]
        track = self._tracks.setdefault(name, _Track(class_name, 0))
        track.last_frame = len(self._seen)
        x0, y0, x1, y1 = frame.detections.boxes_xyxy_px[index].tolist()
        score = float(frame.detections.scores[index])
        track.glimpses.append(
            Glimpse(
                frame.id, frame.pose.taken_at, score, (x0, y0, x1, y1), frame.size_wh, None, frame.scorable
            )
        )
        if look is not None:
            track.looks.append(look)
        if position := frame.pose.position:
            accuracy = position.accuracy_m or UNKNOWN_ACCURACY_M
            track.cameras.append((*self._tracker.to_metres(position.lon, position.lat), accuracy))

    def _finish(self, track: _Track) -> Sighting:
        east_north, own, located_by, width = self._locate(track)
        times = [each.taken_at for each in track.glimpses if each.taken_at]
        lon, lat, shared = None, None, 0.0
        distances: Sequence[float | None] = [None] * len(track.glimpses)
        if east_north is not None and self._tracker.plane:
            lon, lat = self._tracker.plane.to_lon_lat(np.array(east_north)).tolist()
            shared = max(each[2] for each in track.cameras) ** 2
        if east_north and located_by == "ground" and len(track.looks) == len(track.glimpses):
            distances = [round(math.dist(east_north, look.east_north_m), 2) for look in track.looks]
        glimpses = tuple(
            Glimpse(g.frame_id, g.taken_at, g.score, g.box_xyxy_px, g.size_wh, away, g.scorable)
            for g, away in zip(track.glimpses, distances, strict=True)
        )
        return Sighting(
            id=self._id(track),
            patrol_id=self.patrol_id,
            device_id=self.device_id,
            class_name=track.class_name,
            glimpses=glimpses,
            first_seen=min(times, default=None),
            last_seen=max(times, default=None),
            lon=lon,
            lat=lat,
            own_m2=own,
            shared_m2=(shared, 0.0, shared),
            located_by=located_by,
            width_m=width,
            speed_mps=self._speed(track),
        )

    def _locate(
        self, track: _Track
    ) -> tuple[tuple[float, float] | None, Covariance, LocatedBy, float | None]:
        if track.looks:
            fix = locate(self._drifting(track), stance_of(track.class_name))
            (ee, en), (_, nn) = fix.covariance_m2.tolist()
            east, north = fix.east_north_m.tolist()
            return (east, north), (ee, en, nn), "ground", fix.width_m
        if track.cameras:
            # Biggest is nearest: the camera's place on that frame, give or take how far one can see.
            sizes = [np.prod(np.subtract(g.box_xyxy_px[2:], g.box_xyxy_px[:2])) for g in track.glimpses]
            nearest = int(np.argmax(sizes)) if len(track.cameras) == len(sizes) else -1
            east, north, _ = track.cameras[nearest]
            return (east, north), (SIGHT_SIGMA_M**2, 0.0, SIGHT_SIGMA_M**2), "camera", None
        return None, (0.0, 0.0, 0.0), "nothing", None

    def _speed(self, track: _Track) -> float | None:
        times = [each.taken_at for each in track.glimpses]
        if len(track.looks) != len(times) or any(each is None for each in times):
            return None
        return proven_speed(
            track.looks, [each.timestamp() for each in times if each], stance_of(track.class_name)
        )

    def _drifting(self, track: _Track) -> list[Look]:
        """The looks, knowing how far the receiver's error may have wandered from that in their middle."""
        moments = np.array([each.taken_at.timestamp() if each.taken_at else 0.0 for each in track.glimpses])
        if len(track.looks) != len(moments):  # some frames had no pose
            return track.looks
        drifts = np.sqrt(drift_share(moments - np.median(moments)))
        return [
            replace(look, drift_m=drift * camera[2])
            for look, camera, drift in zip(track.looks, track.cameras, drifts.tolist(), strict=True)
        ]

    def _id(self, track: _Track) -> str:
        made_of = [self.patrol_id, track.class_name]
        for each in track.glimpses:
            made_of += [each.frame_id, *(f"{side:.1f}" for side in each.box_xyxy_px)]
        return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:20]
