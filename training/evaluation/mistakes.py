"""The worst mistakes at the deployed thresholds: the surest false alarms and the largest missed labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from streetsight.models.boxes import Boxes, iou
from streetsight.models.card import Card
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.training.evaluation.judging import MATCH_IOU, Judged
from streetsight.training.evaluation.metrics import Seen

NEAR_IOU = 0.1  # less is another thing
PER_CLASS = 4

Cause = Literal["other_class", "twice", "loose", "nothing_there", "unsure", "unseen"]


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """One false alarm or one missed label.

    Attributes:
        photo: index of the photo.
        box_xyxy_px: (4,) float32, of the detection, or of the label that was missed.
        score: of the false alarm; of the best detection of its class near a missed label, if any.
        cause: what stands against it.
        other: class of what is there instead, for `other_class`.
        overlap: IoU with the nearest box that explains it.
    """

    kind: Literal["false_alarm", "missed"]
    name: str
    photo: int
    box_xyxy_px: Boxes
    score: float | None
    cause: Cause
    other: str | None = None
    overlap: float = 0.0


def worst_mistakes(
    judged: Sequence[Judged], seen: Mapping[str, Seen], card: Card, per_class: int = PER_CLASS
) -> tuple[Mistake, ...]:
    """Of each class the surest false alarms and the largest missed labels."""
    rows = []
    for name in (each for each in card.class_names if each in seen):
        deployed = seen[name].deployed
        for index in np.flatnonzero(~deployed.hits[:, 0])[:per_class]:
            photo, box = int(deployed.photos[index]), deployed.boxes_xyxy_px[index]
            rows.append(_false_alarm(judged[photo], photo, name, box, float(deployed.scores[index])))
        missed = deployed.missed()
        for index in missed[np.argsort(-deployed.label_shares[missed], kind="stable")][:per_class]:
            photo, box = int(deployed.label_photos[index]), deployed.label_boxes_xyxy_px[index]
            rows.append(_missed(judged[photo], photo, name, box, card))
    return tuple(rows)


def explain(mistake: Mistake, language: Language) -> str:
    """Why it counts as a mistake, for people."""
    other = default_taxonomy()[mistake.other].label(language) if mistake.other else ""
    match mistake.cause:
        case "other_class" if mistake.kind == "false_alarm":
            return translate("labelled as {other} there", language, other=other)
        case "other_class":
            return translate("seen as {other}", language, other=other)
        case "twice":
            return translate("seen twice: another box takes the label", language)
        case "loose":
            return translate(
                "box lies badly: overlaps only {share} %", language, share=round(100 * mistake.overlap)
            )
        case "unsure":
            return translate("seen, but below the threshold", language)
        case "unseen":
            return translate("nothing seen there", language)
        case "nothing_there":
            return translate("nothing labelled there", language)


def _false_alarm(one: Judged, photo: int, name: str, box: Boxes, score: float) -> Mistake:
    own = _best(box, one.labelled(name))
    others = {each: _best(box, boxes) for each, boxes in one.truth_xyxy_px.items() if each != name}
    other = max(others, key=lambda each: others[each], default=None)
    if own >= MATCH_IOU:
        return Mistake("false_alarm", name, photo, box, score, "twice", overlap=own)
    if other and others[other] >= MATCH_IOU:
        return Mistake("false_alarm", name, photo, box, score, "other_class", other, others[other])
    if own >= NEAR_IOU:
        return Mistake("false_alarm", name, photo, box, score, "loose", overlap=own)
    return Mistake("false_alarm", name, photo, box, score, "nothing_there")


def _missed(one: Judged, photo: int, name: str, box: Boxes, card: Card) -> Mistake:
    overlap = iou(box[None], one.seen.boxes_xyxy_px)[0]
    classes = np.array(card.class_names)[one.seen.class_ids]
    shown = one.seen.scores >= np.array([each.threshold for each in card.classes])[one.seen.class_ids]
    own, near = classes == name, overlap >= MATCH_IOU
    best = float(one.seen.scores[own & near].max(initial=0)) or None
    if (~own & near & shown).any():
        other = int(np.flatnonzero(~own & near & shown)[0])  # best score first
        return Mistake("missed", name, photo, box, best, "other_class", str(classes[other]))
    if (own & shown & (overlap >= NEAR_IOU)).any():
        nearest = float(overlap[own & shown].max())
        return Mistake("missed", name, photo, box, best, "loose", overlap=nearest)
    return Mistake("missed", name, photo, box, best, "unsure" if best else "unseen")


def _best(box: Boxes, boxes: Boxes) -> float:
    return float(iou(box[None], boxes).max(initial=0))
