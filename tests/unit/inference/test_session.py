"""Releases that cannot run are refused with a reason; those that can are exact and safe to share."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.inference.backends import ORT_PROVIDERS, OnnxRuntime, available
from streetsight.inference.session import Detector
from streetsight.models.card import Card, write_card
from streetsight.models.detections import Detections
from streetsight.models.releases import CARD_NAME, ONNX_NAME, Release, ReleaseError, load_release

BuildCard = Callable[..., Card]
Pixels = NDArray[np.uint8]

FEW = 0.05  # a score at which any release says something


def tiny_onnx(path: Path, input_shape: list[int | str], output: NDArray[np.float32]) -> Path:
    """A network that says the same whatever it sees."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "answer"], ["output"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, output.shape)],
        [
            numpy_helper.from_array(np.zeros((), np.float32), "zero"),
            numpy_helper.from_array(output, "answer"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, path)
    return path


ANSWER = np.array([[[8, 8, 24, 24, 0.9, 1]]], np.float32)


@pytest.mark.training
def test_a_hand_made_network_runs(tmp_path: Path, build_card: BuildCard) -> None:
    path = tiny_onnx(tmp_path / ONNX_NAME, [1, 3, 64, 64], ANSWER)
    detector = Detector(Release(path, build_card(rectangular=False)))
    found = detector.detect(np.zeros((128, 128, 3), np.uint8))
    assert found.boxes_xyxy_px.tolist() == [[16, 16, 48, 48]], "pixels of the photo, twice the input's"
    assert found.class_ids.tolist() == [1]
    assert not detector.batches
    assert len(detector.detect_batch([np.zeros((128, 128, 3), np.uint8)] * 2)) == 2


CONTRADICTIONS = {
    "another size": ([1, 3, 64, 64], ANSWER, {"size": 128, "rectangular": False}, "the card says"),
    "no fixed input": ([1, 3, 64, 64], ANSWER, {"rectangular": True}, "has a fixed input"),
    "grey input": ([1, 1, 64, 64], ANSWER, {"rectangular": False}, "takes input"),
    "the other head": (["n", 3, "h", "w"], ANSWER, {"head": "one_to_many"}, "has shape"),
    "another number of classes": (
        ["n", 3, "h", "w"], np.zeros((1, 7, 84), np.float32), {"head": "one_to_many"}, "and 2 classes",
    ),
}  # fmt: skip


@pytest.mark.training
@pytest.mark.parametrize(
    ("shape", "answer", "says", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys()
)
def test_a_card_of_another_model_is_refused(
    shape: list[int | str],
    answer: NDArray[np.float32],
    says: dict[str, object],
    message: str,
    tmp_path: Path,
    build_card: BuildCard,
) -> None:
    path = tiny_onnx(tmp_path / ONNX_NAME, shape, answer)
    with pytest.raises(ReleaseError, match=message) as caught:
        Detector(Release(path, build_card(**says)))
    assert "the card belongs to another model" in str(caught.value)
    assert "属于另一个模型" in caught.value.say("zh")


def test_a_damaged_model_is_refused(tmp_path: Path, build_card: BuildCard) -> None:
    path = tmp_path / ONNX_NAME
    path.write_bytes(b"this is no network")
    with pytest.raises(ReleaseError, match="not a usable ONNX model"):
        Detector(Release(path, build_card()))


def test_a_missing_model_is_refused(tmp_path: Path, build_card: BuildCard) -> None:
    with pytest.raises(ReleaseError, match="not a usable ONNX model"):
        Detector(Release(tmp_path / ONNX_NAME, build_card()))


def test_a_release_without_its_model_does_not_load(tmp_path: Path, build_card: BuildCard) -> None:
    write_card(build_card(), tmp_path / CARD_NAME)
    with pytest.raises(ReleaseError, match="restore it or choose another release"):
        load_release(tmp_path)


def test_a_release_with_a_changed_model_does_not_load(tmp_path: Path, build_card: BuildCard) -> None:
    (tmp_path / ONNX_NAME).write_bytes(b"as exported")
    digest = hashlib.sha256(b"as exported").hexdigest()
    write_card(build_card(onnx_sha256=digest), tmp_path / CARD_NAME)
    assert load_release(tmp_path).card.address == f"hand-made@{digest[:12]}"
    (tmp_path / ONNX_NAME).write_bytes(b"bit rot")
    with pytest.raises(ReleaseError, match="damaged or belongs to another card"):
        load_release(tmp_path)


@pytest.mark.parametrize("provider", ["npu", "", "CPUExecutionProvider"])
def test_an_unknown_provider_is_refused(provider: str, release: Release) -> None:
    with pytest.raises(ReleaseError, match="not available here; available: cpu"):
        Detector(release, provider=provider)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_those_asked_for(threads: int, release: Release) -> None:
    options = OnnxRuntime(release.onnx, threads, ORT_PROVIDERS["onnx"])._session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)


def same(first: Detections, second: Detections, tolerance: float = 0.0) -> bool:
    if len(first) != len(second) or not np.array_equal(first.class_ids, second.class_ids):
        return False
    boxes_differ = np.abs(first.boxes_xyxy_px - second.boxes_xyxy_px).max(initial=0)
    return bool(
        np.abs(first.scores - second.scores).max(initial=0) <= tolerance and boxes_differ <= 1000 * tolerance
    )


def views(street_rgb: Pixels) -> list[Pixels]:
    """Four pictures of one size."""
    return [street_rgb, street_rgb[:, ::-1].copy(), street_rgb[::-1].copy(), np.roll(street_rgb, 200, axis=1)]


def test_a_batch_is_as_good_as_one_by_one(detector: Detector, street_rgb: Pixels) -> None:
    pictures = views(street_rgb)[:3]
    together = detector.detect_batch(pictures, min_score=FEW)
    for picture, found in zip(pictures, together, strict=True):
        assert same(found, detector.detect(picture, min_score=FEW), tolerance=1e-4)


@pytest.mark.parametrize("provider", [name for name in available() if name not in ("cuda", "tensorrt")])
def test_threads_share_a_detector(provider: str, release: Release, street_rgb: Pixels) -> None:
    detector = Detector(release, calls=2, provider=provider)
    pictures = views(street_rgb)
    alone = [detector.detect(picture, min_score=FEW) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda picture: detector.detect(picture, min_score=FEW), pictures * 2))
    assert all(same(*pair) for pair in zip(alone * 2, together, strict=True))


def test_detections_are_in_pixels_of_the_original(detector: Detector, street_rgb: Pixels) -> None:
    found = detector.detect(street_rgb, size_wh=(2560, 1440), min_score=FEW)
    small = detector.detect(street_rgb, min_score=FEW)
    assert np.allclose(found.boxes_xyxy_px, small.boxes_xyxy_px * 4, atol=0.05)
    assert np.array_equal(found.scores, small.scores)


def test_the_picture_is_left_alone(detector: Detector, street_rgb: Pixels) -> None:
    before = street_rgb.copy()
    detector.detect(street_rgb)
    assert np.array_equal(street_rgb, before)
