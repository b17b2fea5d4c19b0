"""The starting model keeps what a COCO model knows."""

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

import torch
from ultralytics import YOLO

from streetsight.training.trainer import COCO_START, start_model

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def coco() -> torch.nn.Module:
    """A network with COCO's classes; its weights are random, which is enough to follow them."""
    return YOLO("yolo26n.yaml").model


def test_known_classes_take_over_their_row(coco: torch.nn.Module) -> None:
    names = ("garbage", "car", "street_vendor")
    coco.names = {index: f"class {index}" for index in range(80)} | {2: "car", 25: "umbrella"}
    model = start_model(names, "yolo26n.yaml", coco)
    for branch in ("cv3", "one2one_cv3"):
        old = getattr(coco.model[-1], branch)[0][-1].weight
        new = getattr(model.model[-1], branch)[0][-1].weight
        assert new.shape[0] == len(names)
        assert torch.equal(new[1], old[2])
        assert torch.equal(new[2], old[25]), f"street_vendor starts from {COCO_START['street_vendor']}"


def test_the_rest_of_the_classifier_branch_is_taken_over(coco: torch.nn.Module) -> None:
    model = start_model(("garbage",), "yolo26n.yaml", coco)
    old = coco.model[-1].cv3[1][0][0].conv.weight
    assert torch.equal(model.model[-1].cv3[1][0][0].conv.weight, old)


def test_our_own_checkpoint_is_taken_over_whole(coco: torch.nn.Module) -> None:
    names = ("garbage", "car")
    first = start_model(names, "yolo26n.yaml", coco)
    again = start_model(names, "yolo26n.yaml", first)
    for (name, a), (_, b) in zip(first.state_dict().items(), again.state_dict().items(), strict=True):
        assert torch.equal(a, b), name


def test_a_new_class_starts_rare(coco: torch.nn.Module) -> None:
    model = start_model(("garbage",), "yolo26n.yaml", coco)
    assert torch.sigmoid(model.model[-1].cv3[0][-1].bias).item() < 0.01
