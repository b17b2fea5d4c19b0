"""The embedding is what lies inside the graph, and photos of one kind lie close together."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs the training extra")

import onnx
import onnxruntime
from onnx import TensorProto, helper

from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.models.releases import Release, ReleaseError
from streetsight.training.selection.embedding import SIDE_PX, Embedder, embedding_graph

pytestmark = pytest.mark.training


def picture(
    seed: int, size_wh: tuple[int, int] = (400, 300)
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rng = np.random.default_rng(seed)
    return np.asarray(rng.integers(0, 255, (size_wh[1], size_wh[0], 3)), dtype=np.uint8)


def test_it_is_the_mean_of_the_maps_that_the_whole_model_computes(release: Release) -> None:
    model = onnx.load(str(release.onnx))
    maps = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.op_type == "Resize"))
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in maps)
    whole = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    image = picture(0)
    tensor = to_tensor(Letterbox(SIDE_PX).apply(image)[0])
    expected = np.concatenate([each[0].mean(axis=(1, 2)) for each in whole.run(maps, {"images": tensor})])
    actual = Embedder(release).embed(image, (400, 300))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


def test_only_the_part_that_is_needed_is_kept(release: Release) -> None:
    whole, part = onnx.load(str(release.onnx)), embedding_graph(release.onnx)
    assert len(part.graph.node) < len(whole.graph.node) / 2
    assert [each.name for each in part.graph.output] == ["embedding"]


def test_a_model_without_a_pyramid_is_refused(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    node = helper.make_node("Relu", ["images"], ["output"])
    graph = helper.make_graph(
        [node], "flat", [value("images", TensorProto.FLOAT, [1, 3, 8, 8])],
        [value("output", TensorProto.FLOAT, [1, 3, 8, 8])],
    )  # fmt: skip
    path = tmp_path / "flat.onnx"
    onnx.save(helper.make_model(graph), str(path))
    with pytest.raises(ReleaseError, match="no feature pyramid"):
        embedding_graph(path)
