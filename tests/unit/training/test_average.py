"""The mean of runs, or a clear word why not."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

import torch

from streetsight.training.average import AverageError, average_runs
from streetsight.training.trainer import blank_model, drop_one_to_one

pytestmark = pytest.mark.training

NAMES = ("garbage", "pothole")


def write_run(folder: Path, value: float, names: tuple[str, ...] = NAMES, both_heads: bool = False) -> Path:
    model = blank_model("yolo26n.yaml", names)
    if not both_heads:
        drop_one_to_one(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    (folder / "weights").mkdir(parents=True)
    torch.save({"ema": model.half(), "epoch": 1}, folder / "weights" / "last.pt")
    (folder / "run.json").write_text(json.dumps({"recipe": {"name": folder.name}}))
    return folder


def test_every_weight_is_the_mean(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / "a", 0.25, both_heads=True), write_run(tmp_path / "b", 0.75)]
    checkpoint = average_runs(runs, tmp_path / "mean")
    model = torch.load(checkpoint, weights_only=False)["ema"]
    assert all((parameter == 0.5).all() for parameter in model.parameters())
    described = json.loads((tmp_path / "mean" / "run.json").read_text())
    assert described["recipe"]["name"] == "b"
    assert [each["recipe"]["name"] for each in described["averaged"]] == ["a", "b"]


def test_what_cannot_be_averaged_is_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", 0.0)
    with pytest.raises(AverageError, match="two runs"):
        average_runs([run], tmp_path / "mean")
    with pytest.raises(AverageError, match="no checkpoint"):
        average_runs([run, tmp_path / "nothing"], tmp_path / "mean")
    with pytest.raises(AverageError, match="different classes"):
        average_runs([run, write_run(tmp_path / "c", 0.0, ("garbage",))], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
