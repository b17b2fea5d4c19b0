"""What a release makes of a whole photo: the means of the maps on which its feature pyramid is built.

The maps are inside the ONNX graph; a copy of the graph in memory gives them out. Photos of one kind of
scene come out close together, whether or not anything is detected on them.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.models.releases import Release, ReleaseError

OUTPUT_NAME = "embedding"
SIDE_PX = 320  # a scene is told at half the size that small things need, in a quarter of the time


class Embedder:
    """Photos in, vectors out. Safe to call from several threads at once."""

    def __init__(self, release: Release) -> None:
        """Cut the part of the graph that is needed out of the release and load it.

        Raises:
            ReleaseError: when the model has no feature pyramid to take the maps from.
        """
        import onnxruntime

        card = release.card.input
        side = SIDE_PX if card.rectangular and card.size > SIDE_PX else card.size
        self._letterbox = Letterbox(side, card.stride, card.pad, card.rectangular)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            embedding_graph(release.onnx).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def embed(self, image_rgb_hwc: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.float32]:
        """The vector of one photo, (d,) float32.

        Args:
            image_rgb_hwc: (h, w, 3) uint8, upright, the original or a smaller decode of it.
            size_wh: of the original.
        """
        padded, _ = self._letterbox.apply(image_rgb_hwc, size_wh)
        (output,) = self._session.run([OUTPUT_NAME], {self._input: to_tensor(padded)})
        return np.asarray(output[0], dtype=np.float32)


def embedding_graph(path: Path) -> onnx.ModelProto:
    """The part of a model that leads to one (n, d) output: the means of the maps that it scales up.

    A feature pyramid starts by scaling up the deepest map of the backbone, so no layer has to be named.

    Raises:
        ReleaseError: when nothing is scaled up.
    """
    model = onnx.load(str(path))
    maps = list(dict.fromkeys(node.input[0] for node in model.graph.node if node.op_type == "Resize"))
    if not maps:
        raise ReleaseError("{path}: has no feature pyramid, so scenes cannot be compared", path=path)
    means = [f"{name}_mean" for name in maps]
    model.graph.node.extend(
        helper.make_node("GlobalAveragePool", [name], [mean]) for name, mean in zip(maps, means, strict=True)
    )
    model.graph.node.append(helper.make_node("Concat", means, ["means"], axis=1))
    model.graph.node.append(helper.make_node("Flatten", ["means"], [OUTPUT_NAME]))
    model.graph.output.append(
        helper.make_tensor_value_info(OUTPUT_NAME, onnx.TensorProto.FLOAT, ["batch", None])
    )
    inputs = [each.name for each in model.graph.input]
    return onnx.utils.Extractor(model).extract_model(inputs, [OUTPUT_NAME])
