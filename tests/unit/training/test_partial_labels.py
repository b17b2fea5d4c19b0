"""What a source did not label must not teach absence; what it labelled must."""

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import numpy as np
import torch

from streetsight.training.partial_labels import LabelSets, anchor_weights, partial_label_loss, with_region
from streetsight.training.trainer import start_model

pytestmark = pytest.mark.training

CLASSES = ("garbage", "pothole", "car")
SETS = LabelSets.of([frozenset({"garbage"}), frozenset({"pothole", "car"})], CLASSES)


def regions(*rows: tuple[int, int, float, float, float, float]) -> dict[str, torch.Tensor]:
    values = torch.tensor(rows, dtype=torch.float32)
    return {"batch_idx": values[:, 0], "cls": values[:, 1:2], "bboxes": values[:, 2:]}


def test_anchor_takes_the_set_of_the_photo_it_sits_on() -> None:
    points = torch.tensor([[0.25, 0.5], [0.75, 0.5]])
    left_and_right = regions((0, 0, 0.25, 0.5, 0.5, 1.0), (0, 1, 0.75, 0.5, 0.5, 1.0))
    weight = anchor_weights(points, left_and_right, SETS.table, batch_size=1, unlabelled=0.0)
    assert weight[0].tolist() == [[1, 0, 0], [0, 1, 1]]


def test_padding_counts_as_unlabelled() -> None:
    weight = anchor_weights(
        torch.tensor([[0.9, 0.9]]), regions((0, 0, 0.25, 0.25, 0.5, 0.5)), SETS.table, 1, unlabelled=0.1
    )
    assert weight[0, 0].tolist() == pytest.approx([0.1, 0.1, 0.1])


def test_region_is_the_last_box_and_covers_the_photo() -> None:
    label = {"cls": np.array([[1.0]], np.float32), "bboxes": np.array([[0.5, 0.5, 0.1, 0.1]], np.float32)}
    marked = with_region(label, SETS.region_class(1))
    assert marked["cls"].ravel().tolist() == [1, 4]
    assert marked["bboxes"][-1].tolist() == [0.5, 0.5, 1, 1]
    assert len(label["cls"]) == 1, "the label given is left as it was"


def test_an_unlabelled_class_gets_no_gradient() -> None:
    torch.manual_seed(0)
    model = start_model(CLASSES, "yolo26n.yaml", None)
    model.args = _hyperparameters()
    model.train()
    model.criterion = partial_label_loss(model, SETS, unlabelled_weight=0.0)
    batch = {
        "img": torch.rand(1, 3, 64, 64),
        "batch_idx": torch.tensor([0.0, 0.0]),
        "cls": torch.tensor([[0.0], [float(SETS.region_class(0))]]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 1.0, 1.0]]),
    }
    model.loss(batch)[0].sum().backward()
    gradient = model.model[-1].cv3[0][-1].bias.grad
    assert gradient[0].abs() > 0, "garbage is labelled: it is learned"
    assert gradient[1:].abs().max() == 0, "pothole and car are not labelled here: nothing is learned"


def _hyperparameters() -> object:
    from ultralytics.cfg import get_cfg

    return get_cfg()
