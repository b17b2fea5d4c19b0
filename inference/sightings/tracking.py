"""Which detections of consecutive frames are the same thing: BoT-SORT, one tracker per device and patrol.

Patrol frames lie metres apart, so that boxes of one thing hardly overlap from frame to frame. Where pose
and camera are known, the camera's motion is compensated exactly: boxes are brought to the ground and tracked
there, as squares around the place, where what stands in the street stands still. Where they are not known,
BoT-SORT works on the picture and estimates the camera's motion from optical flow.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.ground.locate import Look, rough_place
from streetsight.inference.ground.stance import stance_of
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame

Boxes = NDArray[np.float64]

LOST_FRAMES = 4  # a thing may hide behind a lorry for so many frames
SQUARE_M, SQUARE_GROWTH = 5.0, 0.15  # side of the square around a place, and half its growth per metre away
GROUND_OVERLAP, PICTURE_OVERLAP = 0.12, 0.15  # least intersection over union of the same thing
CLASS_STEP = 1e5  # classes are kept apart by this much in x, so that one tracker serves all of them
NEAR_M, FAR_SIGMA_M = 30.0, 5.0  # beyond it, followed only where the distance is known so well
UNKNOWN_HEADING_SIGMA_DEG = 15.0  # of a heading that does not say how good it is


class Tracker:
    """Gives each detection the number of its track. State belongs to one device and patrol."""

    def __init__(self) -> None:
        self._on_ground = _Association(GROUND_OVERLAP, camera_motion=False)
        self._in_picture = _Association(PICTURE_OVERLAP, camera_motion=True)
        self.plane: LocalPlane | None = None

    def update(self, frame: PatrolFrame, image_rgb_hwc: NDArray[np.uint8] | None = None) -> list[str | None]:
        """The next frame's tracks, one name per detection, in the detections' order.

        None is for what is too far away to be told from its neighbours: nearer frames will show it.

        Args:
            image_rgb_hwc: the frame at any scale; compensates the camera's motion where the pose is not
                known.
        """
        classes = frame.detections.class_ids
        if looks := self.looks(frame):
            rough = [
                rough_place(look, stance_of(frame.class_names[each]))
                for look, each in zip(looks, classes, strict=True)
            ]
            east, north, distance, sigma = np.array(rough).T
            half = SQUARE_M / 2 + SQUARE_GROWTH * distance
            boxes = np.column_stack([east - half, north - half, east + half, north + half])
            follow = np.flatnonzero((distance < NEAR_M) | (sigma < FAR_SIGMA_M))
            names: list[str | None] = [None] * len(looks)
            numbers = self._on_ground.update(boxes[follow], classes[follow], None)
            for index, number in zip(follow, numbers, strict=True):
                names[index] = f"g{number}"
            return names
        boxes = frame.detections.boxes_xyxy_px.astype(np.float64)
        return [f"p{each}" for each in self._in_picture.update(boxes, classes, image_rgb_hwc)]

    def looks(self, frame: PatrolFrame) -> list[Look]:
        """How a frame sees each of its detections, in the patrol's plane; none where that is unknown."""
        view, position = frame.view, frame.pose.position
        if view is None or position is None:
            return []
        east_north = self.to_metres(position.lon, position.lat)
        heading_sigma = frame.pose.heading_sigma_deg or UNKNOWN_HEADING_SIGMA_DEG
        return [
            Look(view, east_north, (box[0], box[1], box[2], box[3]), heading_sigma, frame.pitch_sigma_deg)
            for box in frame.detections.boxes_xyxy_px.tolist()
        ]

    def to_metres(self, lon: float, lat: float) -> tuple[float, float]:
        """East, north in the patrol's plane, which starts at its first position."""
        if self.plane is None:
            self.plane = LocalPlane(lon, lat)
        east, north = self.plane.to_metres(np.array([lon, lat])).tolist()
        return east, north


class _Association:
    """The library's tracker, told to associate by overlap alone and to number a track at once."""

    def __init__(self, least_overlap: float, camera_motion: bool) -> None:
        from trackers import BoTSORTTracker  # two seconds to import

        self._tracker = BoTSORTTracker(
            lost_track_buffer=LOST_FRAMES,
            track_activation_threshold=0.5,
            minimum_consecutive_frames=1,
            minimum_iou_threshold_first_assoc=least_overlap,
            high_conf_det_threshold=0.5,
            enable_cmc=camera_motion,
            cmc_downscale=1,
        )

    def update(
        self, boxes: Boxes, class_ids: NDArray[np.int64], image_rgb_hwc: NDArray[np.uint8] | None
    ) -> list[int]:
        import supervision

        shifted = boxes + (class_ids[:, None] * CLASS_STEP) * [1.0, 0.0, 1.0, 0.0]
        # The release's thresholds have already judged the scores: here every detection counts in full.
        given = supervision.Detections(
            shifted.reshape(-1, 4), confidence=np.ones(len(boxes)), data={"order": np.arange(len(boxes))}
        )
        self._tracker.frame_id = 0  # a track gets its number with its first frame, as it does on frame 1
        tracked: Any = self._tracker.update(given, image_rgb_hwc)
        numbers = [-1] * len(boxes)
        for order, number in zip(tracked.data.get("order", ()), tracked.tracker_id, strict=True):
            numbers[int(order)] = int(number)
        return numbers
