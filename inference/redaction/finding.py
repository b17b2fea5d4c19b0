"""Finding what has to be covered on a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.redaction.mosaic import Region, cover, inside
from streetsight.inference.redaction.policy import CLASS_OF, PEOPLELESS, VEHICLES, Kind, Policy, redactable
from streetsight.inference.redaction.regions import band_regions, head_regions, plate_regions, view_around
from streetsight.inference.session import Detector
from streetsight.models.boxes import Boxes
from streetsight.models.detections import Detections, concatenate
from streetsight.models.taxonomy import default_taxonomy

ImageRgb = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Redacted:
    """A redacted picture.

    Attributes:
        image_rgb_hwc: (h, w, 3) uint8, the size of the original.
        regions: what was covered.
        kinds: what the release has classes for; of the rest nothing was looked for.
    """

    image_rgb_hwc: ImageRgb
    regions: tuple[Region, ...]
    kinds: frozenset[Kind]


def redact(image_rgb_hwc: ImageRgb, detector: Detector, policy: Policy = Policy()) -> Redacted:
    """Cover plates and heads.

    Args:
        image_rgb_hwc: (h, w, 3) uint8, upright, in full: small plates are found by looking closer.
    """
    found = detector.detect(image_rgb_hwc, min_score=policy.least_score)
    regions = tuple(_regions(image_rgb_hwc, found, detector, policy))
    return Redacted(cover(image_rgb_hwc, regions), regions, redactable(detector.card))


def veil(image_rgb_hwc: ImageRgb, detector: Detector, policy: Policy = Policy()) -> Redacted:
    """Cover the whole picture: coarsely, and less so the leads that should show no people; plates as always.

    For a release that has no class for people: what was found can be told, and nobody on the picture known.
    """
    found = detector.detect(image_rgb_hwc, min_score=policy.least_score)
    height, width = image_rgb_hwc.shape[:2]
    whole, longest = (0, 0, width, height), max(width, height)
    thick = cover(image_rgb_hwc, [Region(whole, longest / policy.veil_cells)])
    thin = cover(image_rgb_hwc, [Region(whole, longest / policy.lead_cells)])
    for box in _leads(found, detector).tolist():
        left, top, right, bottom = inside(box, image_rgb_hwc.shape)
        thick[top:bottom, left:right] = thin[top:bottom, left:right]
    regions = tuple(_regions(image_rgb_hwc, found, detector, policy))
    everything = Region(whole, longest / policy.veil_cells)
    return Redacted(cover(thick, regions), (everything, *regions), redactable(detector.card))


def _regions(image: ImageRgb, found: Detections, detector: Detector, policy: Policy) -> list[Region]:
    plates = concatenate(
        [_of(found, detector, {CLASS_OF["plates"]}), _second_looks(image, found, detector, policy)]
    )
    plates = plates[plates.scores >= policy.min_score]
    people = _of(found, detector, {CLASS_OF["people"]})
    people = people[people.scores >= policy.person_min_score]
    vehicles = _of(found, detector, VEHICLES)
    near = vehicles.boxes_xyxy_px[vehicles.scores >= policy.band_min_score]
    sure = plates.boxes_xyxy_px[plates.scores >= policy.band_plate_score]
    return [
        *band_regions(near, sure, policy),
        *plate_regions(plates.boxes_xyxy_px, policy),
        *head_regions(people.boxes_xyxy_px, policy),
    ]


def _second_looks(image: ImageRgb, found: Detections, detector: Detector, policy: Policy) -> Detections:
    """Plates that show when a vehicle is looked at alone, in pixels of the whole picture."""
    if "plates" not in redactable(detector.card):
        return Detections.empty()
    vehicles = _of(found, detector, VEHICLES)
    vehicles = vehicles[vehicles.scores >= policy.second_look_min_score]
    sizes = np.prod(vehicles.boxes_xyxy_px[:, 2:] - vehicles.boxes_xyxy_px[:, :2], axis=1)
    parts = []
    for box in vehicles.boxes_xyxy_px[np.argsort(-sizes, kind="stable")[: policy.second_looks]]:
        view = view_around(box, (image.shape[1], image.shape[0]), policy.second_look_margin)
        if view is None:
            continue
        left, top, right, bottom = view
        closer = detector.detect(image[top:bottom, left:right], min_score=policy.min_score)
        plates = _of(closer, detector, {CLASS_OF["plates"]})
        shift = np.array([left, top, left, top], np.float32)
        parts.append(Detections(plates.boxes_xyxy_px + shift, plates.scores, plates.class_ids))
    return concatenate(parts)


def _leads(found: Detections, detector: Detector) -> Boxes:
    """Boxes of conditions that show no people, as sure as the card's thresholds demand."""
    taxonomy, classes = default_taxonomy(), detector.card.classes
    wanted = {each.name for each in classes if taxonomy[each.name].condition in PEOPLELESS}
    thresholds = np.array([each.threshold for each in classes], np.float32)
    return _of(found[found.scores >= thresholds[found.class_ids]], detector, wanted).boxes_xyxy_px


def _of(found: Detections, detector: Detector, names: frozenset[str] | set[str]) -> Detections:
    ids = [each.id for each in detector.card.classes if each.name in names]
    return found[np.isin(found.class_ids, ids)]
