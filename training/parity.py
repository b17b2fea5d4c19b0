"""How closely an ONNX file follows what it was made from, on real photos."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.backends import open_backend
from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.inference.pipeline import cores
from streetsight.inference.reading import read_photo
from streetsight.models.card import Head, Parity, ParityTolerance
from streetsight.models.language import SpokenError

SEEN = 0.05  # boxes of lower scores are never shown, and mean nothing

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class ParityError(SpokenError):
    """A file does not compute what it was made from."""


def check_parity(
    original: Run, onnx: Path, head: Head, size: int, photos: Sequence[Path], tolerance: ParityTolerance
) -> Parity:
    """Largest differences between a file and its original.

    Args:
        original: raw output for one NCHW float32 tensor.
        onnx: run on ONNX Runtime.
        size: longest side of the input, pixels; each photo is letterboxed to its own rectangle.

    Raises:
        ParityError: when a score or a box differs by more than the tolerance.
    """
    backend = open_backend("onnx", onnx, threads=cores(), calls=1)
    worst_score = worst_box = 0.0
    for tensor in (model_input(path, size) for path in photos):
        score, box = _differences(original(tensor)[0], backend.run(tensor)[0], head)
        worst_score, worst_box = max(worst_score, score), max(worst_box, box)
    if worst_score > tolerance.score or worst_box > tolerance.box_px:
        raise ParityError(
            "{path}: differs from what it was made from by {score} in score (at most {max_score}) and "
            "{box} px in boxes (at most {max_box}); nothing was released",
            path=onnx, score=f"{worst_score:.2g}", max_score=tolerance.score,
            box=f"{worst_box:.2g}", max_box=tolerance.box_px,
        )  # fmt: skip
    return Parity(photos=len(photos), max_score_difference=worst_score, max_box_difference_px=worst_box)


def model_input(photo: Path, size: int) -> NDArray[np.float32]:
    """A photo as the model sees it, (1, 3, h, w) float32 in [0, 1]."""
    read = read_photo(photo.read_bytes(), size)
    return to_tensor(Letterbox(size).apply(read.image_rgb_hwc, read.size_wh)[0])


def _differences(
    expected: NDArray[np.float32], actual: NDArray[np.float32], head: Head
) -> tuple[float, float]:
    """Largest difference of a score, and of a box side where anything was seen."""
    if head == "end_to_end":
        expected, actual = _top_rows(expected), _top_rows(actual)
        seen = expected[:, 4] > SEEN
        return float(np.abs(expected[:, 4] - actual[:, 4]).max()), _largest(
            expected[seen, :4] - actual[seen, :4]
        )
    seen = expected[4:].max(axis=0) > SEEN
    return float(np.abs(expected[4:] - actual[4:]).max()), _largest(expected[:4, seen] - actual[:4, seen])


def _top_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows in an order that does not depend on ties in score."""
    return rows[np.lexsort((rows[:, 0], rows[:, 5], -rows[:, 4].round(3)))]


def _largest(values: NDArray[np.float32]) -> float:
    return float(np.abs(values).max()) if values.size else 0.0
