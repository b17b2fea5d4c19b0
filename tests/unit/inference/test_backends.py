"""Every backend gives the release's answer; none falls back silently."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.inference.backends import NAMES, BackendError, available, open_backend
from streetsight.models.releases import Release

# OpenVINO computes in bf16 where the processor can: eight bits of mantissa.
SCORE_TOLERANCE = {"onnx": 1e-6, "openvino": 0.15, "cpu": 0.15}


@pytest.fixture(scope="module")
def tensor() -> NDArray[np.float32]:
    return np.random.default_rng(0).random((2, 3, 96, 160), dtype=np.float32)


@pytest.mark.parametrize("name", available())
def test_backends_agree(release: Release, tensor: NDArray[np.float32], name: str) -> None:
    reference = open_backend("onnx", release.onnx, threads=1, calls=1).run(tensor)
    output = open_backend(name, release.onnx, threads=1, calls=2).run(tensor)
    assert output.shape == reference.shape
    classes = slice(4, None) if reference.shape[1] < reference.shape[2] else slice(None)
    tolerance = SCORE_TOLERANCE.get(name, 0.15)
    assert np.abs(output[:, classes] - reference[:, classes]).max() <= tolerance


@pytest.mark.parametrize("name", available())
def test_an_answer_outlives_the_next_question(
    release: Release, tensor: NDArray[np.float32], name: str
) -> None:
    backend = open_backend(name, release.onnx, threads=1, calls=1)
    first = backend.run(tensor)
    copy = first.copy()
    backend.run(tensor[::-1].copy())
    assert np.array_equal(first, copy)


def test_input_of_the_shipped_release_is_free_in_number_and_size(release: Release) -> None:
    assert open_backend("onnx", release.onnx, 1, 1).input_shape == (None, 3, None, None)


def test_a_missing_backend_names_those_that_are_there(release: Release) -> None:
    with pytest.raises(BackendError, match="available: cpu"):
        open_backend("coral", release.onnx, 1, 1)


@pytest.mark.parametrize("name", [each for each in available() if each != "cpu"])
def test_a_damaged_model_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(BackendError, match="not a usable ONNX model"):
        open_backend(name, path, 1, 1)


def test_names_are_those_the_help_lists() -> None:
    assert set(available()) <= set(NAMES)


@pytest.mark.parametrize("name", available())
def test_many_threads_with_many_sizes_get_their_own_answers(release: Release, name: str) -> None:
    """Regression: inputs shared with OpenVINO instead of copied crashed the process once freed."""
    backend = open_backend(name, release.onnx, threads=1, calls=4)
    sizes = [(64 + 32 * (index % 5), 96 + 32 * (index % 3)) for index in range(40)]

    def answer(index: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(index)
        return backend.run(rng.random((1, 3, *sizes[index]), dtype=np.float32))

    alone = [answer(index) for index in range(len(sizes))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answer, range(len(sizes))))
    for one, other in zip(alone, together, strict=True):
        assert np.allclose(one, other, atol=1e-3, rtol=1e-3)
