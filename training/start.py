"""What a run starts from: a checkpoint, or a release that becomes one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streetsight.training.quiet  # noqa: F401

from ultralytics import YOLO

from streetsight.models.language import SpokenError
from streetsight.models.releases import Release, load_release
from streetsight.training.restore import CALIBRATION_PHOTOS, write_checkpoint
from streetsight.training.trainer import COCO_CLASSES

START_NAME = "start.pt"


class StartError(SpokenError):
    """What a run is to start from is not there."""


@dataclass(frozen=True, slots=True)
class Start:
    """Starting weights.

    Attributes:
        checkpoint: an ultralytics .pt.
        sha256: of the file that the user named (a release's ONNX).
        class_names: our classes that it knows; none for a COCO model.
        release: the release it is made from, if it is.
    """

    checkpoint: Path
    sha256: str
    class_names: tuple[str, ...]
    release: Release | None


def open_start(weights: str | Path, photos: Sequence[Path], run: Path) -> Start:
    """Starting weights by path of a .pt, or by name or folder of a release.

    Args:
        photos: some of what will be learned from, to measure a release's activations on.
        run: where a release's checkpoint is written.

    Raises:
        StartError: there is no such checkpoint.
        ReleaseError: no such release, or one that cannot be learned on.
    """
    path = Path(weights)
    if path.is_file():
        names = tuple(YOLO(str(path)).names.values())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Start(path, digest, () if len(names) == COCO_CLASSES else names, None)
    if path.suffix == ".pt":
        raise StartError("{path}: no such checkpoint; name a .pt that is there, or a release", path=path)
    release = load_release(weights)
    checkpoint = run / START_NAME
    if not checkpoint.is_file():
        step = max(1, len(photos) // CALIBRATION_PHOTOS)
        write_checkpoint(release, photos[::step], checkpoint)
    return Start(checkpoint, release.card.onnx_sha256, release.card.class_names, release)
