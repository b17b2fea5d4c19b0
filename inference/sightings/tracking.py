"""Which detections of consecutive frames are the same thing: BoT-SORT, one tracker per device and patrol.

Patrol frames lie metres apart, so that boxes of one thing hardly overlap from frame to frame. Where pose
and camera are known, the camera's motion is compensated exactly: boxes are brought to the ground and tracked
there, as squares around the place, where what stands in the street stands still. Where they are not known,
BoT-SORT works on the picture and estimates the camera's motion from optical flow.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.ground.locate import Look, rough_place
from streetsight.inference.ground.stance import stance_of
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.sightings.frame import PatrolFrame
from streetsight.models.boxes import areas, intersections
from streetsight.models.detections import Detections

Boxes = NDArray[np.float64]

LOST_FRAMES = 4  # a thing may hide behind a lorry for so many frames
SQUARE_M, SQUARE_GROWTH = 5.0, 0.15  # side of the square around a place, and half its growth per metre away
GROUND_OVERLAP, PICTURE_OVERLAP = 0.12, 0.15  # least intersection over union of the same thing
DOUBLE_SHARE = 0.6  # of the smaller box
CORNERS, CORNERS_APART_PX = 200, 8  # followed by optical flow; a thousand close ones cost more, tell less
CLASS_STEP = 1e5  # classes are kept apart by this much in x, so that one tracker serves all of them
NEAR_M, FAR_SIGMA_M = 30.0, 5.0  # beyond it, followed only where the distance is known so well
UNKNOWN_HEADING_SIGMA_DEG = 15.0  # of a heading that does not say how good it is


class Tracker:
    """Gives each detection the number of its track. State belongs to one device and patrol."""

    def __init__(self) -> None:
        self._on_ground = _Association(GROUND_OVERLAP)
        self._in_picture: dict[int, _Association] = {}  # by class: the camera's motion would mix them
        self._picture_scale = 1.0
        self._motion = _Motion()
        self.plane: LocalPlane | None = None

    def update(
        self, frame: PatrolFrame, looks: Sequence[Look], image_rgb_hwc: NDArray[np.uint8] | None = None
    ) -> list[str | None]:
        """The next frame's tracks, one name per detection, in the detections' order.

        None is for a second box of one thing, and for what is too far away to be told from its neighbours:
        nearer frames will show it.

        Args:
            looks: the frame's `looks`, one per detection, or none.
            image_rgb_hwc: the frame at any scale; compensates the camera's motion where the pose is not
                known.
        """
        single = np.flatnonzero(~doubles(frame.detections))
        names: list[str | None] = [None] * len(frame.detections)
        told_apart = replace(frame, detections=frame.detections[single])
        seen = [looks[index] for index in single.tolist()] if looks else []
        for index, name in zip(single, self._update(told_apart, seen, image_rgb_hwc), strict=True):
            names[index] = name
        return names

    def _update(
        self, frame: PatrolFrame, looks: Sequence[Look], image_rgb_hwc: NDArray[np.uint8] | None
    ) -> list[str | None]:
        classes = frame.detections.class_ids
        if looks:
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
        return self._update_in_picture(frame, image_rgb_hwc)

    def _update_in_picture(
        self, frame: PatrolFrame, image_rgb_hwc: NDArray[np.uint8] | None
    ) -> list[str | None]:
        """Motion is estimated in the pixels of the image, so boxes are brought to its scale."""
        classes = frame.detections.class_ids
        if image_rgb_hwc is not None:
            self._picture_scale = image_rgb_hwc.shape[1] / frame.size_wh[0]
            self._motion.see(image_rgb_hwc)
        boxes = frame.detections.boxes_xyxy_px.astype(np.float64) * self._picture_scale
        names: list[str | None] = [None] * len(boxes)
        for each in {*self._in_picture, *classes.tolist()}:
            if each not in self._in_picture:
                self._in_picture[each] = _Association(PICTURE_OVERLAP, self._motion)
            own = np.flatnonzero(classes == each)
            numbers = self._in_picture[each].update(boxes[own], np.zeros_like(own), image_rgb_hwc)
            for index, number in zip(own, numbers, strict=True):
                names[index] = f"p{each}-{number}"
        return names

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


def doubles(detections: Detections) -> NDArray[np.bool_]:
    """(n,) whether a box lies for the most part in a surer one of its class, or around it.

    Suppression in the detector goes by intersection over union and leaves a part beside its whole. Two
    boxes of one thing would become two things, because one frame shows both.
    """
    boxes, classes = detections.boxes_xyxy_px, detections.class_ids
    smaller = np.minimum(areas(boxes)[:, None], areas(boxes)[None, :])
    inside = intersections(boxes, boxes) > DOUBLE_SHARE * smaller
    double = np.zeros(len(boxes), bool)
    for index in np.argsort(-detections.scores, kind="stable"):
        double[index] = (
            inside[index] & (classes == classes[index]) & _surer(detections, index) & ~double
        ).any()
    return double


def _surer(detections: Detections, index: np.intp) -> NDArray[np.bool_]:
    """(n,) which detections go before this one: by score, then by order."""
    score, order = detections.scores, np.arange(len(detections))
    surer: NDArray[np.bool_] = (score > score[index]) | ((score == score[index]) & (order < index))
    return surer


class _Association:
    """The library's tracker, told to associate by overlap alone and to number a track at once."""

    def __init__(self, least_overlap: float, motion: Any = None) -> None:
        """`motion`: a `_Motion`, which has what the tracker calls of its own estimator; None is without."""
        from trackers import BoTSORTTracker  # a second to import

        self._tracker = BoTSORTTracker(
            lost_track_buffer=LOST_FRAMES,
            track_activation_threshold=0.5,
            minimum_consecutive_frames=1,
            minimum_iou_threshold_first_assoc=least_overlap,
            high_conf_det_threshold=0.5,
            enable_cmc=False,
        )
        if motion is not None:
            self._tracker.enable_cmc, self._tracker.cmc = True, motion

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


class _Motion:
    """The camera's motion from picture to picture, estimated once for the trackers of all classes."""

    def __init__(self) -> None:
        from trackers import CMC, CMCConfig

        self._flow = CMC(CMCConfig(downscale=1, sof_max_corners=CORNERS, sof_min_distance=CORNERS_APART_PX))
        self._affine: Any = None

    def see(self, image_rgb_hwc: NDArray[np.uint8]) -> None:
        """The next picture."""
        self._affine = self._flow.estimate(image_rgb_hwc)

    def estimate(self, _image: Any, _boxes: Any) -> Any:
        """(2, 3) from the picture before to this one: what the library's trackers ask for."""
        return self._affine
