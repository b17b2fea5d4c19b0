"""How many planted label errors does `streetsight evaluate --label-errors` find among its first suspects?

A twentieth of the validation labels is spoiled in four ways (seeded): removed, given another class of its
source, moved by a quarter of its size both ways; and as many boxes are invented. Real labels have errors too,
which count as wrong suspects here: precision is a lower bound. Random order finds errors at their share.

    python -m benchmarks.label_errors
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from benchmarks.photos import validation_records

from streetsight.models.boxes import Boxes, iou
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import Judged, judge, reference_detector
from streetsight.training.evaluation.label_errors import Kind, Suspect, suspects

SHARE, SEEDS, FIRST = 0.05, 5, 200
SAME_IOU = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """An error that was planted: where, and what it should be called."""

    kind: Kind
    photo: int
    box_xyxy_px: Boxes


def measure() -> dict[str, dict[str, float]]:
    release = load_release()
    judged = judge(validation_records(10_000), reference_detector(release))
    rounds = []
    for seed in range(SEEDS):
        spoiled, planted = spoil(judged, np.random.default_rng(seed))
        rounds.append(_figures(suspects(spoiled, release.card), planted, spoiled))
    return {
        row: {
            figure: round(float(np.mean([each[row][figure] for each in rounds])), 3)
            for figure in rounds[0][row]
        }
        for row in rounds[0]
    }


def spoil(judged: Sequence[Judged], random: np.random.Generator) -> tuple[list[Judged], list[Planted]]:
    """The photos with planted errors, and what was planted."""
    labels = [
        (photo, name, row)
        for photo, one in enumerate(judged)
        for name in sorted(one.truth_xyxy_px)
        for row in range(len(one.labelled(name)))
    ]
    count = round(SHARE * len(labels))
    chosen = random.permutation(len(labels))[:count].tolist()
    truth = [{name: list(boxes) for name, boxes in one.truth_xyxy_px.items()} for one in judged]
    planted = []
    for place, index in enumerate(chosen):
        photo, name, row = labels[index]
        box, others = (
            judged[photo].labelled(name)[row],
            sorted(judged[photo].record.labelled_classes - {name}),
        )
        kind: Kind = get_args(Kind)[place % 4]
        if kind == "unseen_label":
            box = _invented(judged[photo], box, random)
            truth[photo][name].append(box)
        elif kind == "class_swap" and others:
            truth[photo][name][row] = None
            truth[photo].setdefault(str(random.choice(others)), []).append(box)
        elif kind == "loose_box":
            shift = np.tile((box[2:] - box[:2]) * random.choice([-0.25, 0.25], 2), 2)
            box = (box + shift).astype(np.float32)
            truth[photo][name][row] = box
        else:  # sources of one class have nothing to swap with: removed instead
            kind = "missing_label"
            truth[photo][name][row] = None
        planted.append(Planted(kind, photo, box))
    return [_with_truth(one, boxes) for one, boxes in zip(judged, truth, strict=True)], planted


def _with_truth(one: Judged, truth: dict[str, list[Boxes | None]]) -> Judged:
    kept = {name: [box for box in boxes if box is not None] for name, boxes in truth.items()}
    return replace(one, truth_xyxy_px={name: np.array(boxes) for name, boxes in kept.items() if boxes})


def _invented(one: Judged, box: Boxes, random: np.random.Generator) -> Boxes:
    """A box of the same size somewhere where nothing is labelled, if such a place is found."""
    size, limit = box[2:] - box[:2], np.maximum(np.array(one.size_wh) - (box[2:] - box[:2]), 1)
    everything = np.concatenate(list(one.truth_xyxy_px.values()))
    for _ in range(20):
        corner = random.uniform(0, limit)
        new = np.concatenate([corner, corner + size]).astype(np.float32)
        if iou(new[None], everything).max() < 0.1:
            break
    return new


def _figures(
    found: Sequence[Suspect], planted: Sequence[Planted], judged: Sequence[Judged]
) -> dict[str, dict[str, float]]:
    open_errors, right = list(planted), []
    caught: Counter[str] = Counter()
    for suspect in found:
        match = next((each for each in open_errors if _same(suspect, each)), None)
        right.append(match is not None)
        if match is not None:
            open_errors.remove(match)
            if len(right) <= FIRST:
                caught[match.kind] += 1
    hits, labels = np.cumsum(right), sum(len(boxes) for one in judged for boxes in one.truth_xyxy_px.values())
    chance = len(planted) / labels
    rows = {
        f"first {k}": {"precision": hits[k - 1] / k, "recall": hits[k - 1] / len(planted), "random": chance}
        for k in (25, 50, 100, 200)
    }
    kinds = Counter(each.kind for each in planted)
    rows[f"found by kind in the first {FIRST}"] = {kind: caught[kind] / kinds[kind] for kind in kinds}
    return rows


def _same(suspect: Suspect, error: Planted) -> bool:
    """The suspect points at the planted error, whatever kind it takes it for."""
    if suspect.photo != error.photo:
        return False
    boxes = [box for box in (suspect.box_xyxy_px, suspect.seen_xyxy_px) if box is not None]
    return bool(iou(error.box_xyxy_px[None], np.array(boxes)).max() >= SAME_IOU)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))  # noqa: T201
