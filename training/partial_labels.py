"""Learn from photos whose sources labelled different classes.

Each photo carries a *region*: its whole picture as one more box, whose "class" says which classes its
source labelled. Regions travel through mosaic, crop and flip as boxes do, so that after augmentation
every anchor knows which photo it sits on. The classification loss of an anchor then counts fully for
the classes labelled there and only by `unlabelled_weight` for the others: "not labelled" is not "absent".
"""

from dataclasses import dataclass
from typing import Any

import streetsight.training.quiet  # noqa: F401

import numpy as np
import torch
from torch import Tensor
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss
from ultralytics.utils.ops import xywh2xyxy
from ultralytics.utils.tal import make_anchors


@dataclass(frozen=True, slots=True)
class LabelSets:
    """The distinct sets of labelled classes of a training set, as rows of a table.

    Attributes:
        table: (sets, classes) float32, 1 where the class is labelled.
    """

    table: Tensor
    class_count: int

    @classmethod
    def of(cls, sets: list[frozenset[str]], class_names: tuple[str, ...]) -> "LabelSets":
        rows = [[float(name in each) for name in class_names] for each in sets]
        return cls(torch.tensor(rows, dtype=torch.float32), len(class_names))

    def region_class(self, set_index: int) -> int:
        """The pseudo-class under which a region of this set travels."""
        return self.class_count + set_index


class _PartialLabelLoss(v8DetectionLoss):  # type: ignore[misc]
    """Ultralytics' detection loss with a weight per anchor and class on the classification term."""

    label_sets: LabelSets
    unlabelled_weight: float

    def get_assigned_targets_and_loss(
        self, preds: dict[str, Tensor], batch: dict[str, Any], **assign_kwargs: Any
    ) -> Any:
        batch, regions = _split_regions(batch, self.nc)
        anchors, strides = make_anchors(preds["feats"], self.stride, 0.5)
        height, width = (size * float(self.stride[0]) for size in preds["feats"][0].shape[2:])
        points = anchors * strides / anchors.new_tensor([width, height])  # (a, 2), fractions
        weight = anchor_weights(
            points, regions, self.label_sets.table, preds["scores"].shape[0], self.unlabelled_weight
        )
        plain = torch.nn.functional.binary_cross_entropy_with_logits
        self.bce = lambda logits, target: (
            plain(logits, target, reduction="none") * torch.maximum(weight, (target > 0).float())
        )
        return super().get_assigned_targets_and_loss(preds, batch, **assign_kwargs)


def partial_label_loss(
    model: torch.nn.Module, label_sets: LabelSets, unlabelled_weight: float
) -> E2ELoss | v8DetectionLoss:
    """The YOLO26 loss that knows regions, for the heads that the model has."""
    kind = type(
        "PartialLabelLoss",
        (_PartialLabelLoss,),
        {"label_sets": label_sets, "unlabelled_weight": unlabelled_weight},
    )
    if model.model[-1].one2one_cv2 is None:
        return kind(model, tal_topk=10)
    return E2ELoss(model, loss_fn=kind)


def with_region(label: dict[str, Any], region_class: int) -> dict[str, Any]:
    """The ultralytics label dict with the photo's region as its last box."""
    return {
        **label,
        "cls": np.concatenate([label["cls"], [[region_class]]]).astype(np.float32),
        "bboxes": np.concatenate([label["bboxes"], [[0.5, 0.5, 1.0, 1.0]]]).astype(np.float32),
    }


def _split_regions(batch: dict[str, Any], class_count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    region = batch["cls"].view(-1) >= class_count
    keys = ("batch_idx", "cls", "bboxes")
    objects = {**batch, **{key: batch[key][~region] for key in keys}}
    regions = {key: batch[key][region] for key in keys}
    regions["cls"] = regions["cls"] - class_count
    return objects, regions


def anchor_weights(
    points: Tensor, regions: dict[str, Tensor], table: Tensor, batch_size: int, unlabelled: float
) -> Tensor:
    """Weight of each anchor and class.

    Args:
        points: (a, 2) float, anchor centres x, y as fractions of the input.
        regions: batch_idx (r,), cls (r, 1) row of `table`, bboxes (r, 4) cxcywh fractions.
        table: (sets, classes).

    Returns:
        (batch_size, a, classes) float: 1 where labelled, `unlabelled` elsewhere (padding included).
    """
    table = table.to(points.device)
    weight = points.new_full((batch_size, len(points), table.shape[1]), unlabelled)
    boxes = xywh2xyxy(regions["bboxes"].to(points.device)).type(points.dtype)
    inside = ((points >= boxes[:, None, :2]) & (points < boxes[:, None, 2:])).all(-1)  # (r, a)
    for image, row, mask in zip(
        regions["batch_idx"].long().tolist(), regions["cls"].view(-1).long().tolist(), inside, strict=True
    ):
        weight[image, mask] = torch.maximum(table[row], table.new_tensor(unlabelled))
    return weight
