"""The yardstick of a release: ultralytics' own defaults on a naive merge of the same photos.

    python -m benchmarks.naive_baseline --weights yolo26n.pt --run runs/naive --photos PHOTOS

Same frozen split, same starting weights, 512 px; what a source does not label counts as absent, as it
does when label folders are simply put together. Only the arithmetic is ours (bf16, channels_last on a
CPU: the same curve in a third of the time, see `benchmarks.training_speed`). `streetsight export`
makes a release of the run, so that `streetsight models compare` judges both sides by the same code.
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import torch
from ultralytics import YOLO

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.inference.pipeline import cores
from streetsight.models.releases import file_sha256
from streetsight.training.recipe import Recipe
from streetsight.training.train import class_names, describe
from streetsight.training.trainer import use_bf16


def write_yolo(parts: dict[str, list[LabelRecord]], names: tuple[str, ...], folder: Path) -> Path:
    """A YOLO folder of links to the photos; returns its data file."""
    shutil.rmtree(folder, ignore_errors=True)
    for part, records in parts.items():
        images, labels = folder / "images" / part, folder / "labels" / part
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for record in records:
            stem = f"{record.source}-{record.image.stem}"
            (images / f"{stem}{record.image.suffix}").symlink_to(record.image.resolve())
            rows = zip(record.class_names, record.boxes_cxcywh_norm.tolist(), strict=True)
            lines = [f"{names.index(name)} {' '.join(f'{side:.6f}' for side in box)}" for name, box in rows]
            (labels / f"{stem}.txt").write_text("\n".join(lines))
    data = folder / "data.yaml"
    listed = "\n".join(f"  {index}: {name}" for index, name in enumerate(names))
    data.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{listed}\n")
    return data


def train(weights: Path, run: Path, photos: Path, epochs: int) -> None:
    parts = split_by_group(read_sources(photos))
    names = class_names(parts["train"])
    data = write_yolo({part: parts[part] for part in ("train", "val")}, names, run / "data")
    recipe = Recipe(
        name="naive", reason="ultralytics' defaults on a naive merge", epochs=epochs, learning_rate=0.0
    )
    description = describe(recipe, file_sha256(weights), parts["train"], names)
    (run / "run.json").write_text(json.dumps(description, indent=2))
    last = run / "weights" / "last.pt"
    model = YOLO(last if last.exists() else weights)
    model.add_callback("on_pretrain_routine_end", fast)
    settings: dict[str, Any] = {"save_period": 2, "val": False, "plots": False, "cache": "ram"}
    settings["resume"] = last.exists()  # a killed run goes on after its last whole epoch
    model.train(
        data=str(data), imgsz=recipe.image_size, epochs=epochs, project=str(run.parent), name=run.name,
        exist_ok=True, device=0 if torch.cuda.is_available() else "cpu", **settings,
    )  # fmt: skip


def fast(trainer: Any) -> None:
    """Callback: bf16 and channels_last on a CPU, all cores."""
    if trainer.device.type == "cpu":
        torch.set_num_threads(cores())
        use_bf16(trainer.model)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("--weights", "--run", "--photos"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=14)
    asked = parser.parse_args()
    train(asked.weights, asked.run, asked.photos, asked.epochs)
