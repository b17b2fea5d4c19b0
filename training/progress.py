"""What a run shows while it runs: a line and a JSON per epoch, curves, samples, a checkpoint to resume from.

Everything is replaced whole, so that a reader never meets half a file and a kill costs one epoch at most.
"""

import json
import time
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import cv2
import matplotlib as mpl
import numpy as np
import typer
from torch import Tensor

from streetsight.models.durable import replace_file

RESUME_NAME, PROGRESS_NAME, CURVES_NAME, SAMPLES_NAME = (
    "resume.pt",
    "progress.json",
    "curves.png",
    "samples.jpg",
)
SAMPLES, COLUMNS = 16, 4


def watch(trainer: Any) -> None:
    """Let an ultralytics trainer report into its run folder."""
    trainer.add_callback("on_train_epoch_start", _start_clock)
    trainer.add_callback("on_fit_epoch_end", _report)
    trainer.add_callback("on_fit_epoch_end", _keep_checkpoint)  # last: an epoch counts once it is reported


def write_samples(batch: dict[str, Any], class_names: tuple[str, ...], path: Path) -> None:
    """The first pictures of a batch with their boxes, as the network sees them.

    Args:
        batch: ultralytics' after preprocessing: img (b, 3, h, w) float 0..1, batch_idx, cls, bboxes
            (cxcywh fractions). Pseudo-classes of regions (beyond `class_names`) are not drawn.
    """
    tiles = [_sample(batch, index, class_names) for index in range(min(SAMPLES, len(batch["img"])))]
    blank = np.zeros_like(tiles[0])
    tiles += [blank] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    replace_file(path, cv2.imencode(".jpg", np.vstack(rows))[1].tobytes())


def _sample(batch: dict[str, Any], index: int, class_names: tuple[str, ...]) -> Any:
    image: Tensor = batch["img"][index]
    picture = np.ascontiguousarray(
        (image.float().cpu().numpy().transpose(1, 2, 0)[..., ::-1] * 255).astype("u1")
    )
    height, width = picture.shape[:2]
    mine = batch["batch_idx"] == index
    for kind, box in zip(batch["cls"][mine].view(-1).tolist(), batch["bboxes"][mine].tolist(), strict=True):
        if kind >= len(class_names):
            continue
        centre, size = np.array(box[:2]) * (width, height), np.array(box[2:]) * (width, height)
        (left, top), (right, bottom) = (centre - size / 2).astype(int), (centre + size / 2).astype(int)
        cv2.rectangle(picture, (int(left), int(top)), (int(right), int(bottom)), (0, 200, 255), 2)
        name, at = class_names[int(kind)], (int(left) + 2, int(top) + 14)
        cv2.putText(picture, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 200, 255), 1, cv2.LINE_AA)
    return cv2.resize(picture, (320, 320), interpolation=cv2.INTER_AREA)


def _start_clock(trainer: Any) -> None:
    trainer.epoch_started = time.monotonic()


def _report(trainer: Any) -> None:
    losses = {name: float(value) for name, value in trainer.tloss.items()}
    seconds = time.monotonic() - trainer.epoch_started
    done, total = trainer.epoch + 1, trainer.epochs
    row = {
        "epoch": done,
        "epochs": total,
        "losses": {name: round(value, 5) for name, value in losses.items()},
        "learning_rate": trainer.optimizer.param_groups[0]["lr"],
        "seconds": round(seconds, 1),
        "seconds_left": round(seconds * (total - done)),
    }
    path = Path(trainer.save_dir) / PROGRESS_NAME
    earlier = [each for each in read_progress(path) if each["epoch"] < done]
    replace_file(path, json.dumps([*earlier, row], indent=1).encode())
    _draw_curves([*earlier, row], path.with_name(CURVES_NAME))
    shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
    left = f"{seconds:.0f} s, about {row['seconds_left'] / 60:.0f} min left"
    typer.echo(f"epoch {done}/{total}  {shown}  {left}")


def read_progress(path: Path) -> list[dict[str, Any]]:
    """The rows of a `progress.json`, one per epoch; none where there is no such file."""
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def _draw_curves(rows: list[dict[str, Any]], path: Path) -> None:
    mpl.use("agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    names = list(rows[0]["losses"])
    for axis, name in zip(figure.subplots(1, len(names)), names, strict=True):
        axis.plot([row["epoch"] for row in rows], [row["losses"][name] for row in rows], marker=".")
        axis.set(title=name, xlabel="epoch")
    draft = path.with_name(f".{path.name}")
    figure.savefig(draft, format="png")
    draft.replace(path)


def _keep_checkpoint(trainer: Any) -> None:
    replace_file(Path(trainer.last).with_name(RESUME_NAME), Path(trainer.last).read_bytes())
