"""One training run, top to bottom: read, split, teach, train, and write down what was done."""

import json
import os
import platform
import subprocess
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from streetsight.datasets.parts import read_parts
from streetsight.datasets.records import LabelRecord, data_digest
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.datasets.simulation.render import Weather
from streetsight.datasets.versions import version_address
from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError
from streetsight.models.releases import load_release
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.augmentation import camera_faults
from streetsight.training.balance import balanced
from streetsight.training.progress import RESUME_NAME, watch
from streetsight.training.recipe import Recipe
from streetsight.training.start import Start, open_start
from streetsight.training.teacher import label_by_release, label_vehicles, remembered
from streetsight.training.trainer import PartialLabelTrainer, TrainingSet, is_first

if TYPE_CHECKING:
    from streetsight.training.spread import Spread

RENDERED_WEATHERS: tuple[Weather, ...] = ("day", "day", "dusk", "rain")


class RunError(SpokenError):
    """A run folder holds another run than the one asked for."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that a process needs to take part in a run; goes to other machines as it is.

    Attributes:
        start: checkpoint to start from.
        run: folder of the run; every machine that takes part sees it.
    """

    training_set: TrainingSet
    recipe: Recipe
    start: Path
    run: Path


def train(
    recipe: Recipe,
    photos: Path,
    weights: str | Path,
    teacher: Path | None,
    run: Path,
    version: Path | None = None,
    spread: "Spread | None" = None,
) -> Path:
    """Train by `recipe` and return the path of the final checkpoint (an ultralytics .pt).

    A run that was killed goes on where its last whole epoch ended when the same is asked for again. What
    the starting weights know stays in the class list, also where the photos do not show it.

    Args:
        photos: folder with `sources/<name>/`.
        weights: checkpoint to start from, or a release by name or folder.
        teacher: COCO checkpoint that labels vehicles where nobody did, if any.
        run: folder for checkpoints and the run's description; made if missing.
        version: dataset version to learn from; the split of all sources if None.
        spread: over how many workers; this process alone if None.

    Raises:
        ClusterError: the workers cannot be had.
        RunError: `run` holds a run of another recipe, other photos or other starting weights; or the
            recipe asks the starting release to teach and there is none.
    """
    torch.set_num_threads(os.cpu_count() or 1)
    parts = read_parts(photos, version)
    start = open_start(weights, [record.image for record in parts["train"]], run)
    names = class_names(parts["train"], start.class_names)
    address = version_address(version) if version else None
    checkpoint = _claim(run, describe(recipe, start.sha256, parts["train"], names, address))
    if checkpoint is not None and _is_finished(checkpoint, recipe):
        return run / "weights" / "last.pt"

    taught = remembered(
        run / "taught.json", parts["train"], lambda all_: _teach(all_, recipe, teacher, start)
    )
    taught += rendered_records(recipe, run / "rendered")
    shown = balanced(taught, recipe.balance_share, recipe.repeats, recipe.seed)
    lesson = Lesson(TrainingSet(names, shown, parts["val"][:16]), recipe, start.checkpoint, run)
    if spread is None:
        learn(lesson, os.cpu_count() or 1)
    else:
        from streetsight.training.spread import learn_on_workers

        learn_on_workers(lesson, spread)
    return run / "weights" / "last.pt"


def learn(lesson: Lesson, cores: int) -> None:
    """Learn in this process, from the last whole epoch on; with others where a process group was joined."""
    recipe, settings = lesson.recipe, _settings(lesson.recipe, lesson.start, lesson.run)
    checkpoint = lesson.run / "weights" / RESUME_NAME
    if checkpoint.is_file():
        settings["resume"] = str(checkpoint)
    trainer = PartialLabelTrainer(lesson.training_set, recipe.unlabelled_weight, settings, recipe.heads)
    if is_first():
        watch(trainer)
    torch.set_num_threads(cores)  # ultralytics leaves one core unused
    trainer.train()


def _teach(
    records: Sequence[LabelRecord], recipe: Recipe, coco: Path | None, start: Start
) -> list[LabelRecord]:
    taught = list(records)
    if coco is not None:
        taught = label_vehicles(taught, coco, recipe.teacher_sure, recipe.teacher_unsure)
    if not recipe.teacher_release:
        return taught
    release = start.release if recipe.teacher_release == "start" else load_release(recipe.teacher_release)
    if release is None:
        raise RunError(
            "recipe {recipe} lets the release it starts from teach, but --weights names a checkpoint; "
            "name a release there, or set teacher_release in the recipe",
            recipe=recipe.name,
        )
    return label_by_release(taught, release, recipe.teacher_sure, recipe.teacher_unsure)


def _claim(run: Path, description: dict[str, Any]) -> Path | None:
    """Make the run folder ours; the checkpoint to resume from when it already is."""
    path, same = run / "run.json", ("recipe", "classes", "start_sha256", "train_digest")
    asked = json.loads(json.dumps(description))
    if path.is_file():
        there = json.loads(path.read_text(encoding="utf-8"))
        other = [key for key in same if there.get(key) != asked[key]]
        if other:
            raise RunError(
                "{run} holds a run with another {what}; go on with what it was started with, "
                "or choose another --run folder",
                run=run, what=", ".join(other),
            )  # fmt: skip
    else:
        run.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode())
    checkpoint = run / "weights" / RESUME_NAME
    return checkpoint if checkpoint.is_file() else None


def _is_finished(checkpoint: Path, recipe: Recipe) -> bool:
    epoch: int = torch.load(checkpoint, map_location="cpu", weights_only=False)["epoch"]
    return epoch + 1 >= recipe.epochs


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


def class_names(records: Sequence[LabelRecord], known: Sequence[str] = ()) -> tuple[str, ...]:
    """Classes with at least one box, and those already `known`, in the order of the taxonomy."""
    present = {name for record in records for name in record.class_names} | set(known)
    return tuple(name for name in default_taxonomy().names if name in present)


def _settings(recipe: Recipe, weights: Path, run: Path) -> dict[str, object]:
    return {
        "model": str(weights), "project": str(run.parent), "name": run.name, "exist_ok": True,
        "imgsz": recipe.image_size, "epochs": recipe.epochs, "batch": recipe.batch,
        "nbs": recipe.nominal_batch, "optimizer": "AdamW", "lr0": recipe.learning_rate,
        "momentum": 0.9, "warmup_epochs": recipe.warmup_epochs, "warmup_bias_lr": 0.0,
        "freeze": recipe.frozen_layers, "mosaic": recipe.mosaic,
        "close_mosaic": recipe.close_mosaic, "multi_scale": recipe.multi_scale,
        "scale": recipe.scale, "degrees": recipe.degrees,
        "seed": recipe.seed, "deterministic": False, "cache": "ram", "val": False, "plots": False,
        "augmentations": camera_faults(recipe.camera_faults),
        "amp": torch.cuda.is_available(), "device": 0 if torch.cuda.is_available() else "cpu",
    }  # fmt: skip


def describe(
    recipe: Recipe,
    start_sha256: str,
    records: Sequence[LabelRecord],
    names: tuple[str, ...],
    address: str | None = None,
) -> dict[str, Any]:
    """Everything needed to do the same run again, for `run.json`.

    Args:
        address: of the dataset version that the records come from, if they come from one.
    """
    return {
        "recipe": asdict(recipe),
        "classes": names,
        "start_sha256": start_sha256,
        "version_address": address,
        "train_photos": len(records),
        "train_digest": data_digest(records),
        "commit": _commit(),
        "versions": {name: version(name) for name in ("torch", "ultralytics", "albumentations", "numpy")},
        "python": platform.python_version(),
    }


def _commit() -> str | None:
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None
