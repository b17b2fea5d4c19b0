"""From a checkpoint to a release: ONNX with a head and opset fixed by us, parity, card.

The ONNX takes any number of pictures of any size that is a multiple of the stride.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streetsight.training.quiet  # noqa: F401

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn
from ultralytics import YOLO

from streetsight.inference.backends import open_backend
from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.inference.pipeline import cores
from streetsight.inference.reading import read_photo
from streetsight.models.card import PARITY_TOLERANCES, Head, Parity

OPSET = 17

MAX_SCORE_DIFFERENCE = PARITY_TOLERANCES["float32"].score
MAX_BOX_DIFFERENCE_PX = PARITY_TOLERANCES["float32"].box_px


class ParityError(ValueError):
    """The exported file does not compute what the trained network computes."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file and how closely it follows the network it came from."""

    onnx: Path
    sha256: str
    head: Head
    class_names: tuple[str, ...]
    parity: Parity


def export_onnx(checkpoint: Path, target: Path, head: Head, size: int, photos: Sequence[Path]) -> Exported:
    """Write `target` and compare it with the network on real photos.

    Args:
        checkpoint: an ultralytics .pt.
        head: which of YOLO26's two heads.
        size: longest side, pixels, of the inputs compared.
        photos: compared one by one, each letterboxed to its own rectangle.

    Raises:
        ParityError: when a score or a box differs by more than rounding.
    """
    network, names = _load(checkpoint, head)
    example = torch.zeros(1, 3, size, size)
    target.parent.mkdir(parents=True, exist_ok=True)
    sides = {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        # The tracing exporter is named legacy and warns about constants; parity is checked below.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (example,), str(target), opset_version=OPSET, dynamo=False,
            input_names=["images"], output_names=["output"],
            dynamic_axes={"images": sides, "output": {0: "batch", 2 if head == "one_to_many" else 1: "rows"}},
        )  # fmt: skip
    _simplify(target)
    parity = _compare(network, target, head, size, photos)
    return Exported(target, hashlib.sha256(target.read_bytes()).hexdigest(), head, names, parity)


def _load(checkpoint: Path, head: Head) -> tuple[nn.Module, tuple[str, ...]]:
    model = YOLO(str(checkpoint)).model.float().eval()
    names = tuple(model.names[index] for index in sorted(model.names))
    detect = model.model[-1]
    detect.end2end = head == "end_to_end"
    model.fuse(verbose=False)
    detect.export, detect.dynamic, detect.format = True, True, "onnx"
    return model, names


def _simplify(path: Path) -> None:
    import onnxslim

    slim = onnxslim.slim(onnx.load(str(path)))
    onnx.checker.check_model(slim)
    onnx.save(slim, str(path))


def _compare(network: nn.Module, target: Path, head: Head, size: int, photos: Sequence[Path]) -> Parity:
    backend = open_backend("onnx", target, threads=cores(), calls=1)
    letterbox = Letterbox(size)
    worst_score = worst_box = 0.0
    for path in photos:
        photo = read_photo(path.read_bytes(), size)
        tensor = to_tensor(letterbox.apply(photo.image_rgb_hwc, photo.size_wh)[0])
        with torch.inference_mode():
            expected = network(torch.from_numpy(tensor)).numpy()[0]
        scores, boxes = _differences(expected, backend.run(tensor)[0], head)
        worst_score, worst_box = max(worst_score, scores), max(worst_box, boxes)
    if worst_score > MAX_SCORE_DIFFERENCE or worst_box > MAX_BOX_DIFFERENCE_PX:
        raise ParityError(
            f"{target}: differs from the trained network by {worst_score:.2g} in score (at most "
            f"{MAX_SCORE_DIFFERENCE}) and {worst_box:.2g} px in boxes (at most {MAX_BOX_DIFFERENCE_PX}); "
            "nothing was released"
        )
    return Parity(photos=len(photos), max_score_difference=worst_score, max_box_difference_px=worst_box)


def _differences(
    expected: NDArray[np.float32], actual: NDArray[np.float32], head: Head
) -> tuple[float, float]:
    """Largest difference of a score, and of a box side where anything was seen (score above 0.05)."""
    if head == "end_to_end":
        expected, actual = _top_rows(expected), _top_rows(actual)
        seen = expected[:, 4] > 0.05
        return float(np.abs(expected[:, 4] - actual[:, 4]).max()), _largest(
            expected[seen, :4] - actual[seen, :4]
        )
    seen = expected[4:].max(axis=0) > 0.05
    return float(np.abs(expected[4:] - actual[4:]).max()), _largest(expected[:4, seen] - actual[:4, seen])


def _top_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows in an order that does not depend on ties in score."""
    return rows[np.lexsort((rows[:, 0], rows[:, 5], -rows[:, 4].round(3)))]


def _largest(values: NDArray[np.float32]) -> float:
    return float(np.abs(values).max()) if values.size else 0.0
