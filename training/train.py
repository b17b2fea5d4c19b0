"""One training run, top to bottom: read, split, teach, train, and write down what was done."""

import hashlib
import json
import os
import platform
import subprocess
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import torch

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.datasets.simulation.render import Weather
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import check_leak_free, split_by_group
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.recipe import Recipe
from streetsight.training.teacher import label_vehicles
from streetsight.training.trainer import PartialLabelTrainer, TrainingSet

RENDERED_WEATHERS: tuple[Weather, ...] = ("day", "day", "dusk", "rain")


def train(recipe: Recipe, photos: Path, weights: Path, teacher: Path, run: Path) -> Path:
    """Train by `recipe` and return the path of the final checkpoint (an ultralytics .pt).

    Args:
        photos: folder with `sources/<name>/`.
        weights: checkpoint to start from.
        teacher: COCO checkpoint that labels vehicles where nobody did.
        run: folder for checkpoints and the run's description; made if missing.
    """
    torch.set_num_threads(os.cpu_count() or 1)
    parts = split_by_group(read_sources(photos))
    check_leak_free(parts)
    names = class_names(parts["train"])

    run.mkdir(parents=True, exist_ok=True)
    taught = label_vehicles(parts["train"], teacher, recipe.teacher_sure, recipe.teacher_unsure)
    taught += rendered_records(recipe, run / "rendered")
    shown = [record for record in taught for _ in range(recipe.repeats.get(record.source, 1))]
    _describe(run, recipe, weights, parts["train"], names)

    training_set = TrainingSet(names, shown, parts["val"][:16])
    trainer = PartialLabelTrainer(training_set, recipe.unlabelled_weight, _settings(recipe, weights, run))
    torch.set_num_threads(os.cpu_count() or 1)  # ultralytics leaves one core unused
    trainer.train()
    return Path(trainer.last)


def rendered_records(recipe: Recipe, folder: Path) -> list[LabelRecord]:
    """Frames of the recipe's simulated patrols, rendered once into `folder`."""
    records = []
    for seed in recipe.rendered_seeds:
        if not (folder / str(seed) / "truth.json").is_file():
            patrol = simulate_patrol(
                folder / str(seed), seed, recipe.rendered_frames, step_m=5.0, weathers=RENDERED_WEATHERS
            )
            deque(patrol, maxlen=0)
        records += read_patrol(folder / str(seed))
    return records


def class_names(records: Sequence[LabelRecord]) -> tuple[str, ...]:
    """Classes with at least one box, in the order of the taxonomy."""
    present = {name for record in records for name in record.class_names}
    return tuple(name for name in default_taxonomy().names if name in present)


def data_digest(records: Sequence[LabelRecord]) -> str:
    """sha256 over photo names, groups, labels and labelled classes; independent of order and place."""
    rows = sorted(
        json.dumps(
            [
                record.source,
                record.image.name,
                record.group,
                sorted(record.labelled_classes),
                record.class_names,
                record.boxes_cxcywh_norm.round(5).tolist(),
            ]
        )
        for record in records
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _settings(recipe: Recipe, weights: Path, run: Path) -> dict[str, object]:
    return {
        "model": str(weights), "project": str(run.parent), "name": run.name, "exist_ok": True,
        "imgsz": recipe.image_size, "epochs": recipe.epochs, "batch": recipe.batch,
        "nbs": recipe.nominal_batch, "optimizer": "AdamW", "lr0": recipe.learning_rate,
        "momentum": 0.9, "warmup_epochs": recipe.warmup_epochs, "warmup_bias_lr": 0.0,
        "freeze": recipe.frozen_layers, "mosaic": recipe.mosaic,
        "close_mosaic": recipe.close_mosaic, "scale": recipe.scale, "degrees": recipe.degrees,
        "seed": recipe.seed, "deterministic": False, "cache": "ram", "val": False, "plots": False,
        "amp": torch.cuda.is_available(), "device": 0 if torch.cuda.is_available() else "cpu",
    }  # fmt: skip


def _describe(
    run: Path, recipe: Recipe, weights: Path, records: Sequence[LabelRecord], names: tuple[str, ...]
) -> None:
    description = {
        "recipe": asdict(recipe),
        "classes": names,
        "start_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "train_photos": len(records),
        "train_digest": data_digest(records),
        "commit": _commit(),
        "versions": {name: version(name) for name in ("torch", "ultralytics", "numpy")},
        "python": platform.python_version(),
    }
    (run / "run.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")


def _commit() -> str | None:
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
