"""Run a release: one ONNX Runtime session with threads set explicitly and a warm-up."""

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.inference.postprocess import check_output, decode
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.releases import Release, ReleaseError

# Providers by the name a user gives. ONNX Runtime falls back silently; we do not.
PROVIDERS: dict[str, str] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}


class Detector:
    """A loaded release: pictures in, detections out. Safe to call from several threads at once."""

    def __init__(self, release: Release, threads: int = 1, provider: str = "cpu") -> None:
        """Load and warm up.

        Args:
            threads: threads that one call may use; callers that run several calls at once take 1.
            provider: a key of `PROVIDERS`.

        Raises:
            ReleaseError: when the file is no ONNX model, does not fit its card, or the provider is missing.
        """
        self.release = release
        self.card: Card = release.card
        self.letterbox = Letterbox(
            self.card.input.size, self.card.input.stride, self.card.input.pad, self.card.input.rectangular
        )
        self._session = _open_session(release, threads, provider)
        self._input = self._session.get_inputs()[0].name
        self._check_input()
        self._warm_up()

    @property
    def batches(self) -> bool:
        """Whether the model takes several pictures at once."""
        return not isinstance(self._session.get_inputs()[0].shape[0], int)

    def detect(
        self, image_rgb_hwc: NDArray[np.uint8], size_wh: tuple[int, int] | None = None,
        min_score: float | None = None,
    ) -> Detections:
        """Detections on one picture, in pixels of its original, best first.

        Args:
            image_rgb_hwc: (h, w, 3) uint8 RGB, upright, the original or a smaller decode of it.
            size_wh: size of the original; the picture's own when None.
            min_score: replaces the card's thresholds for every class.
        """
        padded, placement = self.letterbox.apply(image_rgb_hwc, size_wh)
        (found,) = self._run(to_tensor(padded), min_score)
        return Detections(placement.to_image(found.boxes_xyxy_px), found.scores, found.class_ids)

    def detect_batch(
        self, images_rgb_hwc: Sequence[NDArray[np.uint8]], min_score: float | None = None
    ) -> list[Detections]:
        """Detections on pictures of one size, each in its own pixels."""
        fitted = [self.letterbox.apply(image) for image in images_rgb_hwc]
        tensors = [to_tensor(padded) for padded, _ in fitted]
        if self.batches:
            found = self._run(np.concatenate(tensors), min_score)
        else:
            found = [each for tensor in tensors for each in self._run(tensor, min_score)]
        return [
            Detections(placement.to_image(each.boxes_xyxy_px), each.scores, each.class_ids)
            for each, (_, placement) in zip(found, fitted, strict=True)
        ]

    def _run(self, tensor: NDArray[np.float32], min_score: float | None) -> list[Detections]:
        (output,) = self._session.run(None, {self._input: tensor})
        return [decode(each, self.card, min_score) for each in output]

    def _check_input(self) -> None:
        shape, size = self._session.get_inputs()[0].shape, self.card.input.size
        fixed = [side for side in shape[2:] if isinstance(side, int)]
        if len(shape) != 4 or shape[1] != 3 or any(side != size for side in fixed):
            raise ReleaseError(
                f"{self.release.onnx}: takes input {shape}, the card says [n, 3, {size}, {size}]; "
                "the card belongs to another model"
            )
        if fixed and self.card.input.rectangular:
            raise ReleaseError(
                f"{self.release.onnx}: has a fixed input, the card says rectangular; correct the card"
            )

    def _warm_up(self) -> None:
        """One run, so that the first photo is not the slow one, and a check that the output fits the card."""
        size = self.card.input.size
        (output,) = self._session.run(None, {self._input: np.zeros((1, 3, size, size), np.float32)})
        check_output(output.shape, self.card)


def _open_session(release: Release, threads: int, provider: str) -> ort.InferenceSession:
    wanted = PROVIDERS.get(provider)
    if wanted not in ort.get_available_providers():
        raise ReleaseError(
            f"provider {provider!r} is not available here; available: "
            + ", ".join(name for name, value in PROVIDERS.items() if value in ort.get_available_providers())
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(release.onnx), options, providers=[wanted])
    except Exception as error:  # onnxruntime raises its own types, none of them public
        if type(error).__module__.startswith("onnxruntime"):
            raise ReleaseError(f"{release.onnx}: not a usable ONNX model ({error})") from error
        raise
