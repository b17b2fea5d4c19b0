"""Run a release: letterbox, backend, post-processing, with a check that they fit together and a warm-up."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streetsight.inference.backends import open_backend
from streetsight.inference.letterbox import Letterbox, Placement, to_tensor
from streetsight.inference.postprocess import check_output, decode
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.releases import Release, ReleaseError


class Detector:
    """A loaded release: pictures in, detections out. Safe to call from several threads at once."""

    def __init__(self, release: Release, threads: int = 1, calls: int = 1, provider: str = "cpu") -> None:
        """Load and warm up.

        Args:
            threads: threads that one call may use.
            calls: calls that will run at once.
            provider: one of `backends.NAMES`.

        Raises:
            ReleaseError: when the file is no ONNX model, does not fit its card, or the provider is missing.
        """
        self.release = release
        self.card: Card = release.card
        self._letterbox = Letterbox(
            self.card.input.size, self.card.input.stride, self.card.input.pad, self.card.input.rectangular
        )
        self._backend = open_backend(provider, release.onnx, threads, calls, release.card.precision)
        self._check_input()
        self._warm_up()

    @property
    def batches(self) -> bool:
        """Whether the model takes several pictures at once."""
        return self._backend.input_shape[0] is None

    def detect(
        self,
        image_rgb_hwc: NDArray[np.uint8],
        size_wh: tuple[int, int] | None = None,
        min_score: float | None = None,
    ) -> Detections:
        """Detections on one picture, in pixels of its original, best first.

        Args:
            image_rgb_hwc: (h, w, 3) uint8 RGB, upright, the original or a smaller decode of it.
            size_wh: size of the original; the picture's own when None.
            min_score: replaces the card's thresholds for every class.
        """
        return self.detect_fitted(*self.fit(image_rgb_hwc, size_wh), min_score)

    def fit(
        self, image_rgb_hwc: NDArray[np.uint8], size_wh: tuple[int, int] | None = None
    ) -> tuple[NDArray[np.uint8], Placement]:
        """The picture as the model will see it, (h, w, 3) uint8, and where it lies in there."""
        return self._letterbox.apply(image_rgb_hwc, size_wh)

    def detect_fitted(
        self, padded_rgb_hwc: NDArray[np.uint8], placement: Placement, min_score: float | None = None
    ) -> Detections:
        """Detections on what `fit` gave, in pixels of the original, best first."""
        (found,) = self._run(to_tensor(padded_rgb_hwc), min_score)
        return _placed(found, placement)

    def detect_batch(
        self, images_rgb_hwc: Sequence[NDArray[np.uint8]], min_score: float | None = None
    ) -> list[Detections]:
        """Detections on pictures of one size, each in its own pixels."""
        fitted = [self.fit(image) for image in images_rgb_hwc]
        tensors = [to_tensor(padded) for padded, _ in fitted]
        if self.batches:
            found = self._run(np.concatenate(tensors), min_score)
        else:
            found = [each for tensor in tensors for each in self._run(tensor, min_score)]
        return [_placed(each, placement) for each, (_, placement) in zip(found, fitted, strict=True)]

    def _run(self, tensor: NDArray[np.float32], min_score: float | None) -> list[Detections]:
        return [decode(each, self.card, min_score) for each in self._backend.run(tensor)]

    def _check_input(self) -> None:
        shape, size = self._backend.input_shape, self.card.input.size
        fixed = [side for side in shape[2:] if side is not None]
        if len(shape) != 4 or shape[1] != 3 or any(side != size for side in fixed):
            raise ReleaseError(
                "{path}: takes input {shape}, the card says [n, 3, {size}, {size}]; "
                "the card belongs to another model",
                path=self.release.onnx, shape=shape, size=size,
            )  # fmt: skip
        if fixed and self.card.input.rectangular:
            raise ReleaseError(
                "{path}: has a fixed input, but the card says rectangular; the card belongs to another model",
                path=self.release.onnx,
            )

    def _warm_up(self) -> None:
        """One run, so that the first photo is not the slow one, and a check that the output fits the card."""
        size = self.card.input.size
        output = self._backend.run(np.zeros((1, 3, size, size), np.float32))
        check_output(output.shape, self.card)


def _placed(found: Detections, placement: Placement) -> Detections:
    return Detections(placement.to_image(found.boxes_xyxy_px), found.scores, found.class_ids)
