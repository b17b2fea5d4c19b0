"""Detections of one category over many photos, matched with its labels once; every figure reads from this.

A category is a class, or a condition with its classes pooled. It is judged on a photo only as far as
the photo's source labelled it: of a condition's classes, those that the source labelled count, as labels and
as detections; the others are left out on that photo. Where classes are pooled, boxes of two classes on
one thing (IoU of `MATCH_IOU` or more) are one detection, the better scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from faster_coco_eval.core import mask
from numpy.typing import NDArray

from streetsight.models.boxes import Boxes, areas, iou, xyxy_to_xywh
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.evaluation.judging import MATCH_IOU, Judged

IOUS = np.linspace(0.5, 0.95, 10)  # COCO's thresholds


@dataclass(frozen=True, slots=True)
class Category:
    """What is judged as one: a class, or the classes of a condition.

    Attributes:
        class_ids: taxonomy name of each class -> its id in the release.
    """

    name: str
    class_ids: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """n detections, best score first, and m labels of one category over p photos.

    Attributes:
        scores: (n,) float32.
        photos: (n,) int64, index of the photo.
        boxes_xyxy_px: (n, 4) float32.
        shares: (n,) float32, share of the picture's area.
        hits: (n, 10) bool: takes a label at IoU .50, .55, ... .95 (COCO's greedy matching).
        taken: (n,) int64, index of the label taken at IoU .50, or -1.
        label_photos: (m,) int64, index of the photo.
        label_boxes_xyxy_px: (m, 4) float32.
        label_shares: (m,) float32, share of the picture's area.
        judged: (p,) bool, photos on which the category is judged.
        groups: (p,) int64, index of the photo's group.
    """

    name: str
    scores: NDArray[np.float32]
    photos: NDArray[np.int64]
    boxes_xyxy_px: Boxes
    shares: NDArray[np.float32]
    hits: NDArray[np.bool_]
    taken: NDArray[np.int64]
    label_photos: NDArray[np.int64]
    label_boxes_xyxy_px: Boxes
    label_shares: NDArray[np.float32]
    judged: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def labels_per_photo(self) -> NDArray[np.int64]:
        """(p,) int64."""
        return np.bincount(self.label_photos, minlength=len(self.judged))

    def missed(self) -> NDArray[np.int64]:
        """Indices of the labels that no detection takes at IoU .50."""
        return np.setdiff1d(np.arange(len(self.label_photos)), self.taken)

    def on_photos(self, photos: NDArray[np.bool_]) -> "Scored":
        """The same, judged only on some photos; (p,) bool."""
        return replace(
            self._with(photos[self.photos], photos[self.label_photos]), judged=self.judged & photos
        )

    def of_size(self, low: float, high: float) -> "Scored":
        """Only labels whose share of the picture is in [low, high), and what can be held against them.

        A detection belongs to the size of the label it takes; one that takes none, to its own.
        """
        label_fits = (self.label_shares >= low) & (self.label_shares < high)
        size = np.where(self.taken >= 0, self.label_shares[self.taken], self.shares) if len(label_fits) else (
            self.shares
        )  # fmt: skip
        return self._with((size >= low) & (size < high), label_fits)

    def _with(self, kept: NDArray[np.bool_], labels_kept: NDArray[np.bool_]) -> "Scored":
        new_index = np.append(np.where(labels_kept, np.cumsum(labels_kept) - 1, -1), -1)
        return replace(
            self,
            scores=self.scores[kept],
            photos=self.photos[kept],
            boxes_xyxy_px=self.boxes_xyxy_px[kept],
            shares=self.shares[kept],
            hits=self.hits[kept],
            taken=new_index[self.taken[kept]],
            label_photos=self.label_photos[labels_kept],
            label_boxes_xyxy_px=self.label_boxes_xyxy_px[labels_kept],
            label_shares=self.label_shares[labels_kept],
        )


def class_categories(card: Card) -> tuple[Category, ...]:
    """Every class of a release, in the card's order."""
    return tuple(Category(each.name, {each.name: each.id}) for each in card.classes)


def condition_categories(card: Card) -> tuple[Category, ...]:
    """Every condition that a release's classes are leads for, in the taxonomy's order."""
    taxonomy = default_taxonomy()
    pooled = {
        condition: {each.name: each.id for each in card.classes if taxonomy[each.name].condition == condition}
        for condition in taxonomy.conditions
    }
    return tuple(Category(name, class_ids) for name, class_ids in pooled.items() if class_ids)


def condition_classes(card: Card) -> tuple[str, ...]:
    """Names of the classes that are leads for a condition, in the card's order."""
    taxonomy = default_taxonomy()
    return tuple(name for name in card.class_names if taxonomy[name].condition)


def group_index(judged: Sequence[Judged]) -> NDArray[np.int64]:
    """(p,) int64, index of each photo's group."""
    order = {name: index for index, name in enumerate(sorted({one.record.group for one in judged}))}
    return np.array([order[one.record.group] for one in judged], np.int64)


def score(judged: Sequence[Judged], category: Category, floors: Mapping[str, float] | None = None) -> Scored:
    """Match a category's detections with its labels on all photos where it is judged.

    Args:
        judged: the photos; their order is the photo index of the answer.
        category: what to look at.
        floors: class name -> lowest score that counts (deployed thresholds); all count when not given.
    """
    parts = [_score_one(one, category, floors or {}) for one in judged]
    photos = _repeat([len(part.seen) for part in parts])
    label_photos = _repeat([len(part.labels_xyxy_px) for part in parts])
    starts = np.cumsum([0, *(len(part.labels_xyxy_px) for part in parts)])
    scores = np.concatenate([part.seen.scores for part in parts]) if parts else np.zeros(0, np.float32)
    best_first = np.argsort(-scores, kind="stable")  # COCO's order of equal scores: by photo
    taken = _stack([np.where(p.taken >= 0, p.taken + s, -1) for p, s in zip(parts, starts, strict=False)])
    sizes = np.array([one.size_wh[0] * one.size_wh[1] for one in judged], np.float32)
    boxes = np.concatenate([part.seen.boxes_xyxy_px for part in parts] or [np.zeros((0, 4), np.float32)])
    labels = np.concatenate([part.labels_xyxy_px for part in parts] or [np.zeros((0, 4), np.float32)])
    hits = np.concatenate([part.hits for part in parts] or [np.zeros((0, len(IOUS)), bool)])
    return Scored(
        name=category.name,
        scores=scores[best_first],
        photos=photos[best_first],
        boxes_xyxy_px=boxes[best_first],
        shares=(areas(boxes) / sizes[photos])[best_first],
        hits=hits[best_first],
        taken=taken[best_first],
        label_photos=label_photos,
        label_boxes_xyxy_px=labels,
        label_shares=areas(labels) / sizes[label_photos],
        judged=np.array(
            [bool(set(category.class_ids) & one.record.labelled_classes) for one in judged], bool
        ),
        groups=group_index(judged),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One photo: what is seen, what is labelled, who takes what."""

    seen: Detections
    labels_xyxy_px: Boxes
    hits: NDArray[np.bool_]
    taken: NDArray[np.int64]


_NOTHING = _Part(
    Detections.empty(), np.zeros((0, 4), np.float32), np.zeros((0, len(IOUS)), bool), np.zeros(0, np.int64)
)


def _score_one(one: Judged, category: Category, floors: Mapping[str, float]) -> _Part:
    names = [name for name in category.class_ids if name in one.record.labelled_classes]
    if not names:
        return _NOTHING
    labels = np.concatenate([one.labelled(name) for name in names])
    wanted = np.zeros(len(one.seen), bool)
    for name in names:
        wanted |= (one.seen.class_ids == category.class_ids[name]) & (one.seen.scores >= floors.get(name, 0))
    seen = one.seen[wanted]
    seen = seen[np.argsort(-seen.scores, kind="stable")]
    if len(names) > 1:
        seen = seen[_one_per_thing(seen)]
    hits, taken = match(seen.boxes_xyxy_px, labels)
    return _Part(seen, labels, hits, taken)


def match(seen_xyxy_px: Boxes, labels_xyxy_px: Boxes) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """COCO's greedy matching on one photo: best score first, each takes the free label it covers best.

    Args:
        seen_xyxy_px: (n, 4) float32, best score first.
        labels_xyxy_px: (m, 4) float32.

    Returns:
        (n, 10) bool, takes a label at each of `IOUS`; (n,) int64, the label taken at IoU .50, or -1.
    """
    hits, taken = np.zeros((len(seen_xyxy_px), len(IOUS)), bool), np.full(len(seen_xyxy_px), -1, np.int64)
    if not len(seen_xyxy_px) or not len(labels_xyxy_px):
        return hits, taken
    overlap = np.asarray(  # the judge's own, in double precision
        mask.iou(
            xyxy_to_xywh(seen_xyxy_px).astype(np.float64),
            xyxy_to_xywh(labels_xyxy_px).astype(np.float64),
            [0] * len(labels_xyxy_px),
        )
    )
    last = overlap.shape[1] - 1
    candidates = np.flatnonzero(overlap.max(axis=1) >= IOUS[0])
    for column, least in enumerate(IOUS):
        free = np.ones(len(labels_xyxy_px), bool)
        for row in candidates:
            fits = np.where(free, overlap[row], -1)
            best = last - int(fits[::-1].argmax())  # of equal ones COCO takes the last
            if fits[best] >= least:
                free[best], hits[row, column] = False, True
                if column == 0:
                    taken[row] = best
    return hits, taken


def _one_per_thing(seen: Detections) -> NDArray[np.int64]:
    """Indices without the worse of two boxes of different classes on one thing; best score first."""
    same = iou(seen.boxes_xyxy_px, seen.boxes_xyxy_px) >= MATCH_IOU
    same &= seen.class_ids[:, None] != seen.class_ids[None, :]
    kept: list[int] = []
    for index in range(len(seen)):
        if not same[index, kept].any():
            kept.append(index)
    return np.array(kept, np.int64)


def _repeat(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(counts)), counts)


def _stack(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
