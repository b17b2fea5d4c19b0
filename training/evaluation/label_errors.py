"""Where the labels disagree with a release, the likeliest label errors first.

Four kinds, as ObjectLab tells them (Tkachenko, Thyagarajan, Mueller: ObjectLab, 2023), box by box: sure
detections that nobody labelled, labels that nothing sees though their class is usually seen, labels that are
seen as another class, and labels that are seen but lie badly. A source's own classes only: what it did not
label is no missing label. A release that learned from these very labels agrees with their errors:
ask one that did not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.models.boxes import Boxes, areas, iou
from streetsight.models.card import SIZES, Card
from streetsight.models.detections import Detections
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.training.evaluation.judging import MATCH_IOU, Judged

Kind = Literal["missing_label", "unseen_label", "class_swap", "loose_box"]

ERROR_RATE = 0.02  # of labels, before looking: what is unseen is mostly missed by the release
WORTH_A_LOOK = 0.1
MIN_SCORE = 0.2  # below, a release does not contradict anybody
NEAR_IOU, LOOSE_IOU = 0.3, 0.6  # nearer than the first is the same thing; below the second it lies badly


@dataclass(frozen=True, slots=True, eq=False)
class Suspect:
    """One label, or one lack of a label, that is likely wrong.

    Attributes:
        score: 0 to 1, how likely; comparable between kinds.
        name: labelled class; for a missing label the class that is seen.
        seen_as: class that is seen there; None where nothing is.
        photo: index of the photo.
        box_xyxy_px: (4,) float32, of the label; for a missing label of the detection.
        seen_xyxy_px: (4,) float32, of the detection; None where nothing is seen.
    """

    kind: Kind
    score: float
    name: str
    seen_as: str | None
    photo: int
    box_xyxy_px: Boxes
    seen_xyxy_px: Boxes | None
    seen_score: float


@dataclass(frozen=True, slots=True)
class Habit:
    """How a class usually fares on these photos.

    Attributes:
        signs: size of a label (see `models.card.SIZES`) -> the best score near each such label, ascending.
        tight: share of the seen ones whose label lies well, 0 to 1.
    """

    signs: Mapping[str, NDArray[np.float32]]
    tight: float

    def as_little(self, size: str, sign: float) -> float:
        """Share of labels of this size that show as little as this, 0 to 1; few labels prove no habit."""
        signs = self.signs[size]
        return float(np.searchsorted(signs, sign, side="right") / (len(signs) + 1))


def suspects(judged: Sequence[Judged], card: Card) -> list[Suspect]:
    """All suspects, likeliest label errors first."""
    photos = [_look(one, card) for one in judged]
    habits = {name: _habit(photos, name) for name in card.class_names}
    found = [each for index, photo in enumerate(photos) for each in _suspects_of_photo(index, photo, habits)]
    return sorted(found, key=lambda each: -each.score)


def explain(suspect: Suspect, language: Language) -> str:
    """Why it is suspected, for people."""
    name = default_taxonomy()[suspect.name].label(language)
    other = default_taxonomy()[suspect.seen_as].label(language) if suspect.seen_as else ""
    score = f"{suspect.seen_score:.2f}"
    match suspect.kind:
        case "missing_label":
            message = "{name} is seen here ({score}) and nobody labelled it"
            return translate(message, language, name=name, score=score)
        case "unseen_label":
            return translate("labelled {name}, but nothing is seen here", language, name=name)
        case "class_swap":
            message = "labelled {name}, but seen as {other} ({score})"
            return translate(message, language, name=name, other=other, score=score)
        case "loose_box":
            message = "{name} is seen ({score}), but the label lies elsewhere"
            return translate(message, language, name=name, score=score)


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    """One photo's labels and detections of the classes that its source labelled, and how they overlap.

    Attributes:
        names: (m,) labelled classes.
        classes: (n,) detected classes.
        overlap: (m, n) IoU.
        same: (m, n) bool, of one class.
        spoken_for: (n,) bool, a label of its own class is there.
    """

    names: NDArray[np.object_]
    labels_xyxy_px: Boxes
    shares: NDArray[np.float32]
    classes: NDArray[np.object_]
    seen: Detections
    overlap: NDArray[np.float32]
    same: NDArray[np.bool_]
    spoken_for: NDArray[np.bool_]


def _look(one: Judged, card: Card) -> _Photo:
    known = [name for name in one.truth_xyxy_px if name in card.class_names]
    classes = np.array(card.class_names, dtype=object)[one.seen.class_ids]
    judged_here = np.isin(classes.astype(str), list(one.record.labelled_classes))
    seen, classes = one.seen[judged_here], classes[judged_here]
    names = np.array([name for name in known for _ in one.labelled(name)], dtype=object)
    labels = np.concatenate([*(one.labelled(name) for name in known), np.zeros((0, 4), np.float32)])
    overlap, same = iou(labels, seen.boxes_xyxy_px), names[:, None] == classes[None, :]
    return _Photo(
        names, labels, areas(labels) / np.float32(one.size_wh[0] * one.size_wh[1]), classes, seen, overlap,
        same, ((overlap >= MATCH_IOU) & same).any(axis=0),
    )  # fmt: skip


def _suspects_of_photo(index: int, photo: _Photo, habits: Mapping[str, Habit]) -> Iterator[Suspect]:
    for row in range(len(photo.names)):
        kind, score, at = _doubt(photo, row, habits[photo.names[row]])
        if score >= WORTH_A_LOOK:
            yield Suspect(
                kind,
                score,
                name=str(photo.names[row]),
                seen_as=None if at is None else str(photo.classes[at]),
                photo=index,
                box_xyxy_px=photo.labels_xyxy_px[row],
                seen_xyxy_px=None if at is None else photo.seen.boxes_xyxy_px[at],
                seen_score=0.0 if at is None else float(photo.seen.scores[at]),
            )
    explained = ((photo.overlap >= NEAR_IOU) & photo.same).any(axis=0)
    explained |= (photo.overlap >= MATCH_IOU).any(axis=0)
    kept: list[int] = []
    for at in np.flatnonzero(~explained & (photo.seen.scores >= MIN_SCORE)).tolist():  # best score first
        box, score = photo.seen.boxes_xyxy_px[at], float(photo.seen.scores[at])
        if iou(box[None], photo.seen.boxes_xyxy_px[kept]).max(initial=0) < NEAR_IOU:
            kept.append(at)
            name = str(photo.classes[at])
            yield Suspect("missing_label", score, name, name, index, box, box, score)


def _doubt(photo: _Photo, row: int, habit: Habit) -> tuple[Kind, float, int | None]:
    """The strongest doubt about one label: kind, score, and the detection that raises it."""
    overlap, own, scores = photo.overlap[row], photo.same[row], photo.seen.scores
    agrees = float(scores[own & (overlap >= LOOSE_IOU)].max(initial=0))
    as_little = habit.as_little(_size(photo.shares[row]), _sign(photo, row))
    doubts: list[tuple[Kind, float, int | None]] = [
        ("unseen_label", ERROR_RATE / (ERROR_RATE + as_little), None)  # Bayes: wrong, or missed like others
    ]
    others = ~own & (overlap >= MATCH_IOU) & ~photo.spoken_for & (scores >= MIN_SCORE)
    near = own & (overlap >= NEAR_IOU) & (overlap < LOOSE_IOU) & (scores >= MIN_SCORE)
    for kind, mask, weight in (("class_swap", others, 1.0), ("loose_box", near, habit.tight)):
        if mask.any():
            at = int(np.flatnonzero(mask)[0])  # best score first
            doubts.append((kind, float(scores[at]) * (1 - agrees) * weight, at))  # type: ignore[arg-type]
    return max(doubts, key=lambda each: each[1])


def _sign(photo: _Photo, row: int) -> float:
    """The best score of the label's class near it: real things that are missed still show faintly."""
    return float(photo.seen.scores[photo.same[row] & (photo.overlap[row] >= NEAR_IOU)].max(initial=0))


def _habit(photos: Sequence[_Photo], name: str) -> Habit:
    signs: dict[str, list[float]] = {size: [] for size, *_ in SIZES}
    found, tight = 0, 0
    for photo in photos:
        sure = photo.same & (photo.seen.scores >= MIN_SCORE)
        best = np.where(sure, photo.overlap, 0).max(axis=1, initial=0)
        for row in np.flatnonzero(photo.names == name).tolist():
            signs[_size(photo.shares[row])].append(_sign(photo, row))
            found += bool(best[row] >= NEAR_IOU)
            tight += bool(best[row] >= LOOSE_IOU)
    ascending = {size: np.sort(np.array(values, np.float32)) for size, values in signs.items()}
    return Habit(ascending, tight / max(found, 1))


def _size(share: float) -> str:
    return next(name for name, low, high in SIZES if low <= share < high)
