"""An INT8 file is small, near its original, and run by what computes it rightly."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the training extra")

import onnx

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.inference.backends import BackendError, OnnxRuntime, open_backend
from streetsight.models.card import PARITY_TOLERANCES, ParityTolerance
from streetsight.models.releases import Release
from streetsight.training.parity import ParityError, check_parity, model_input
from streetsight.training.quantise import QuantisationError, quantise_onnx, spread

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("patrol")
    for _ in simulate_patrol(folder, seed=7, frames=6):
        pass
    return [record.image for record in read_patrol(folder)]


@pytest.fixture(scope="module")
def int8(release: Release, frames: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped release with ranges of four rendered frames."""
    target = tmp_path_factory.mktemp("int8") / "model.onnx"
    quantise_onnx(release.onnx, target, [model_input(frame, 256) for frame in frames[:4]])
    return target


def record(source: str, number: int) -> LabelRecord:
    return LabelRecord(
        Path(f"{source}/{number}.jpg"), source, str(number), frozenset(), (), np.zeros((0, 4), np.float32)
    )


def test_it_takes_a_third_of_the_room(release: Release, int8: Path) -> None:
    assert int8.stat().st_size < 0.4 * release.onnx.stat().st_size


def test_convolutions_are_quantised_but_for_the_head(int8: Path) -> None:
    graph = onnx.load(str(int8)).graph
    reads = {output: node.op_type for node in graph.node for output in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    quantised = {  # by their weights: what the head takes in comes from eight bits
        node.name for node in convolutions if reads.get(node.input[1]) == "DequantizeLinear"
    }
    head = {node.name for node in convolutions if node.name.startswith("/model.23/")}
    assert quantised == {node.name for node in convolutions} - head
    assert len(quantised) > 2 * len(head) > 0


def test_it_stays_near_its_original_on_frames_it_was_not_measured_on(
    release: Release, int8: Path, frames: list[Path]
) -> None:
    original = open_backend("onnx", release.onnx, threads=1, calls=1)
    found = check_parity(original.run, int8, "one_to_many", 256, frames[4:], PARITY_TOLERANCES["int8"])
    assert 0 < found.max_score_difference < PARITY_TOLERANCES["int8"].score


def test_a_file_that_is_far_from_its_original_is_refused(
    release: Release, int8: Path, frames: list[Path]
) -> None:
    original = open_backend("onnx", release.onnx, threads=1, calls=1)
    with pytest.raises(ParityError, match="differs from what it was made from by") as caught:
        check_parity(original.run, int8, "one_to_many", 256, frames[4:], ParityTolerance(1e-4, 1e-3))
    assert "未生成任何版本" in caught.value.say("zh")


def test_int8_is_run_by_onnx_runtime(int8: Path) -> None:
    assert isinstance(open_backend("cpu", int8, 1, 1, "int8"), OnnxRuntime)
    with pytest.raises(BackendError, match="OpenVINO computes INT8 releases wrongly"):
        open_backend("openvino", int8, 1, 1, "int8")


def test_a_file_of_other_origin_is_refused(release: Release, tmp_path: Path) -> None:
    model = onnx.load(str(release.onnx))
    for number, node in enumerate(model.graph.node):
        node.name = f"node{number}"
    onnx.save(model, str(tmp_path / "foreign.onnx"))
    with pytest.raises(QuantisationError, match="not named by modules"):
        quantise_onnx(tmp_path / "foreign.onnx", tmp_path / "out.onnx", [])
    assert not (tmp_path / "out.onnx").exists()


def test_calibration_photos_come_from_all_sources_in_turn() -> None:
    records = [record("large", number) for number in range(50)] + [record("small", 0), record("small", 1)]
    chosen = spread(records, 6)
    assert [each.source for each in chosen].count("small") == 2
    assert len({each.image for each in chosen}) == 6
    assert [each.image for each in spread(records, 6)] == [each.image for each in chosen]
    assert len(spread(records, 100)) == 52
