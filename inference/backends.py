"""What runs the ONNX file. Each backend takes a tensor and gives the raw output; threads are always explicit.

cpu       OpenVINO where the package is installed, else ONNX Runtime; INT8 releases always ONNX Runtime
onnx      ONNX Runtime on the CPU, float32: the reference
openvino  OpenVINO on the CPU, bf16 where the processor has it
cuda, tensorrt  ONNX Runtime on a GPU
"""

import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from streetsight.models.card import Precision
from streetsight.models.releases import ReleaseError

ORT_PROVIDERS: dict[str, str] = {
    "onnx": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
NAMES = ("cpu", "openvino", *ORT_PROVIDERS)


class BackendError(ReleaseError):
    """A model file or backend that cannot be used."""


class Backend(Protocol):
    """A compiled model. `run` may be called from several threads at once.

    Attributes:
        input_shape: batch, channels, height, width; None where any size is taken.
    """

    input_shape: tuple[int | None, ...]

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw output for an NCHW float32 tensor."""


def open_backend(
    name: str, onnx: Path, threads: int, calls: int, precision: Precision = "float32"
) -> Backend:
    """Compile a model.

    Args:
        name: one of `NAMES`.
        threads: threads that one call may use.
        calls: calls that will run at once.
        precision: of the file; "cpu" takes INT8 to ONNX Runtime.

    Raises:
        BackendError: unknown or missing backend, or no usable ONNX file. No backend falls back silently.
    """
    if name == "cpu":
        name = "openvino" if find_spec("openvino") and precision == "float32" else "onnx"
    if name == "openvino" and precision == "int8":
        # 2026.4 does compute it in eight bits, but finds next to nothing: docs/quantisation.md
        raise BackendError(
            "{path}: OpenVINO computes INT8 releases wrongly; use provider cpu or onnx", path=onnx
        )
    if name == "openvino" and find_spec("openvino"):
        return OpenVino(onnx, threads, calls)
    if name in ORT_PROVIDERS:
        import onnxruntime

        if ORT_PROVIDERS[name] in onnxruntime.get_available_providers():
            return OnnxRuntime(onnx, threads, ORT_PROVIDERS[name])
    raise BackendError(
        "provider {provider} is not available here; available: {known}",
        provider=name, known=", ".join(available()),
    )  # fmt: skip


def available() -> list[str]:
    """Names of the backends that can be opened here."""
    import onnxruntime

    here = onnxruntime.get_available_providers()
    names = [name for name, provider in ORT_PROVIDERS.items() if provider in here]
    return ["cpu", *(["openvino"] if find_spec("openvino") else []), *names]


class OnnxRuntime:
    """ONNX Runtime."""

    def __init__(self, onnx: Path, threads: int, provider: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(onnx), options, providers=[provider])
        except Exception as error:  # its own types, none of them public
            if type(error).__module__.startswith("onnxruntime"):
                raise _unusable(onnx, error) from error
            raise
        self._input = self._session.get_inputs()[0].name
        shape = self._session.get_inputs()[0].shape
        self.input_shape = tuple(side if isinstance(side, int) else None for side in shape)

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        (output,) = self._session.run(None, {self._input: tensor})
        return np.asarray(output)


class OpenVino:
    """OpenVINO on the CPU: a stream per concurrent call, one request per calling thread."""

    def __init__(self, onnx: Path, threads: int, calls: int) -> None:
        import openvino

        settings = {
            "NUM_STREAMS": calls,
            "INFERENCE_NUM_THREADS": threads * calls,
            "ENABLE_CPU_PINNING": False,
        }
        try:
            model = openvino.Core().read_model(str(onnx))
            self._compiled = openvino.Core().compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise _unusable(onnx, error) from error
        shape = model.inputs[0].get_partial_shape()
        self.input_shape = tuple(None if side.is_dynamic else side.get_length() for side in shape)
        self._local = threading.local()

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        self._local.request.infer([tensor])  # copies: sharing memory that we free later crashed
        return np.array(self._local.request.get_output_tensor(0).data)  # the request reuses its memory


def _unusable(onnx: Path, error: Exception) -> BackendError:
    reason = str(error).strip().splitlines()[-1]
    return BackendError("{path}: not a usable ONNX model ({reason})", path=onnx, reason=reason)
