"""A class more for a model that is done: it is found, and all other scores stay."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

import torch

from streetsight.datasets.records import LabelRecord
from streetsight.training import added_class
from streetsight.training.added_class import (
    AddedClassError,
    Anchors,
    Opened,
    add_class,
    fit_row,
    look,
    wanted_scores,
    with_row,
)
from streetsight.training.teacher import Opinion
from streetsight.training.trainer import blank_model, drop_one_to_one

pytestmark = pytest.mark.training

NAMES = ("garbage", "license_plate")


@pytest.fixture(scope="module")
def photo_folder(
    render_dataset: Callable[[Path, int, tuple[int, int]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A dataset of rendered frames."""
    return render_dataset(tmp_path_factory.mktemp("photos"), 4, (256, 144))


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    model = blank_model("yolo26n.yaml", NAMES)
    drop_one_to_one(model)
    return model.eval()


def test_what_is_wanted_of_an_anchor() -> None:
    there = torch.tensor([[0.0, 0.0, 10.0, 10.0], [100.0, 0.0, 110.0, 10.0]])
    boxes = torch.tensor(
        [[0.0, 0, 10, 10], [0, 0, 10, 6], [0, 0, 10, 4], [50, 50, 60, 60], [100, 0, 110, 5], [200, 0, 210, 9]]
    )
    wanted = wanted_scores(boxes, there, torch.tensor([0.9, 0.1]))
    # a hit, half a hit, too near to say, nothing, perhaps one (the teacher hesitates), nothing
    assert wanted.tolist() == pytest.approx([1.0, 0.25 / 0.55, -1.0, 0.0, -1.0, 0.0])
    assert wanted_scores(boxes, there[:0], torch.zeros(0)).tolist() == [0.0] * 6


def test_a_row_learns_what_its_features_tell() -> None:
    random = torch.Generator().manual_seed(1)
    features = torch.randn(4000, 80, generator=random) * 3 + 1
    targets = (features[:, 7] > 3).float()
    anchors = Anchors(features.half(), torch.zeros(4000, dtype=torch.long), targets)
    weight, bias = fit_row(anchors, 0)
    assert (((features @ weight + bias) > 0) == targets.bool()).float().mean() > 0.97


def test_the_others_say_what_they_said() -> None:
    model = network()
    row = (torch.full((80,), 0.01), torch.tensor(-1.0))
    extended = with_row(model, "person", [row] * 3)
    assert list(extended.names.values()) == ["garbage", "person", "license_plate"]  # the taxonomy's order
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        before, after = model(image)[0], extended(image)[0]
    assert torch.equal(after[:, [0, 1, 2, 3, 4, 6]], before)


def test_looks_at_photos(tmp_path: Path) -> None:
    import cv2

    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.full((120, 160, 3), 90, np.uint8))
    record = LabelRecord(path, "s", "g", frozenset(), (), np.zeros((0, 4), np.float32))
    everywhere = Opinion(("person",), (0.2,), np.array([[0.5, 0.5, 1, 1]], np.float32))
    nothing = Opinion((), (), np.zeros((0, 4), np.float32))
    opened = Opened(network(), tmp_path / "network.onnx")
    anchors = look(opened, [(record, nothing), (record, everywhere)], 160)
    assert anchors.features.shape[1] == 80
    assert len(anchors.features) == len(anchors.levels) == len(anchors.targets)
    assert set(anchors.levels.tolist()) == {0, 1, 2}
    assert not anchors.targets.any()  # a guess is no box


def write_run(folder: Path) -> Path:
    (folder / "weights").mkdir(parents=True)
    torch.save({"ema": network().half(), "epoch": 1}, folder / "weights" / "last.pt")
    (folder / "run.json").write_text(json.dumps({"recipe": {"name": "street", "image_size": 64}}))
    return folder


def test_a_run_with_one_class_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo_folder: Path
) -> None:
    target = tmp_path / "more"
    monkeypatch.setattr(added_class, "ITERATIONS", 5)
    checkpoint = add_class(write_run(tmp_path / "run"), "pothole", photo_folder, None, target)
    loaded = torch.load(checkpoint, weights_only=False)
    assert list(loaded["ema"].names.values()) == ["garbage", "pothole", "license_plate"]
    assert json.loads((target / "run.json").read_text())["added_classes"] == ["pothole"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unicorn", "not in the taxonomy"),
        ("garbage", "knows garbage already"),
        ("person", "name a --teacher"),
    ],
)
def test_what_cannot_be_added_is_said(name: str, message: str, tmp_path: Path, photo_folder: Path) -> None:
    with pytest.raises(AddedClassError, match=message):
        add_class(write_run(tmp_path / "run"), name, photo_folder, None, tmp_path / "more")
    assert not (tmp_path / "more").exists()
