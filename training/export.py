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

from streetsight.models.card import PARITY_TOLERANCES, Head, Parity
from streetsight.training.parity import check_parity

OPSET = 17

MAX_SCORE_DIFFERENCE = PARITY_TOLERANCES["float32"].score
MAX_BOX_DIFFERENCE_PX = PARITY_TOLERANCES["float32"].box_px


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
    parity = check_parity(
        lambda tensor: _run(network, tensor), target, head, size, photos, PARITY_TOLERANCES["float32"]
    )
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


def _run(network: nn.Module, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        output: NDArray[np.float32] = network(torch.from_numpy(tensor)).numpy()
    return output
