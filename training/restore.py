"""From a release back to a network that can learn on: an analyst needs no checkpoint, only what is shipped.

An exported convolution has its batch normalisation folded in. Here it gets one back that computes the
same: mean m and variance v of the convolution's output are measured on photos, and with scale
sqrt(v + eps) and shift bias + m the function is unchanged while its statistics are those that training
expects.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streetsight.training.quiet  # noqa: F401

import onnx
import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel

from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.inference.reading import read_photo
from streetsight.models.releases import Release, ReleaseError
from streetsight.training.trainer import blank_model, drop_one_to_one

CALIBRATION_PHOTOS = 32


def write_checkpoint(release: Release, photos: Iterable[Path], path: Path) -> None:
    """Save the network of a release as an ultralytics .pt.

    Args:
        photos: any that look like what the network will learn from; `CALIBRATION_PHOTOS` are enough.

    Raises:
        ReleaseError: the release is INT8, or has another head or another architecture's weights.
    """
    model = restore_network(release)
    restore_statistics(model, _inputs(release, photos))
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model, "train_args": {"task": "detect", "model": path.name}}, path)


def restore_network(release: Release) -> DetectionModel:
    """The network of a release with normalisations that do nothing yet but add the bias."""
    if release.card.precision == "int8":
        raise ReleaseError(
            "{name} is INT8 and cannot be trained on; name the float32 release that it was made from: "
            "{original}",
            name=release.card.name, original=release.card.quantised_from or "?",
        )  # fmt: skip
    if release.card.output.head != "one_to_many":
        raise ReleaseError(
            "{name}: only releases with the one_to_many head can be trained on, this one has {head}",
            name=release.card.name, head=release.card.output.head,
        )  # fmt: skip
    model = blank_model(f"{release.card.architecture}.yaml", release.card.class_names)
    drop_one_to_one(model)
    tensors = _tensors(release)
    try:
        for name, module in model.named_modules():
            if isinstance(module, Conv):
                _fill_normalised(module, tensors[f"{name}.conv.weight"], tensors[f"{name}.conv.bias"])
            elif isinstance(module, nn.Conv2d) and f"{name}.weight" in tensors and not name.endswith(".conv"):
                module.weight.data = tensors[f"{name}.weight"]
                module.bias.data = tensors[f"{name}.bias"]
    except KeyError as error:
        raise ReleaseError(
            "{path}: no weights named {tensor}; it is not an export of {architecture}",
            path=release.onnx, tensor=error.args[0], architecture=release.card.architecture,
        ) from error  # fmt: skip
    return model.eval()


def restore_statistics(model: DetectionModel, inputs: Iterable[Tensor]) -> None:
    """Give every normalisation the mean and variance of what it sees, without changing what it computes.

    Args:
        inputs: (1, 3, h, w) float32 each.
    """
    sums: dict[nn.Module, list[Tensor]] = {}
    with _watching(model, sums), torch.no_grad():
        for each in inputs:
            model(each)
    for layer, (count, total, squares) in sums.items():
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=1e-6)
        norm = layer.bn
        norm.bias.data = (norm.bias.data + mean).float()
        norm.weight.data = (variance + norm.eps).sqrt().float()
        norm.running_mean, norm.running_var = mean.float(), variance.float()


@contextmanager
def _watching(model: DetectionModel, sums: dict[nn.Module, list[Tensor]]) -> Iterator[None]:
    """Add up count, sum and sum of squares per channel of what each normalisation is given."""

    def note(layer: nn.Module, output: Tensor) -> None:
        flat = output.transpose(0, 1).flatten(1).double()
        new = [torch.tensor(flat.shape[1]), flat.sum(1), flat.square().sum(1)]
        old = sums.get(layer)
        sums[layer] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]

    layers = [module for module in model.modules() if isinstance(module, Conv)]
    hooks = [
        layer.conv.register_forward_hook(lambda _, __, output, layer=layer: note(layer, output))
        for layer in layers
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _fill_normalised(layer: Conv, weight: Tensor, bias: Tensor) -> None:
    norm = layer.bn
    layer.conv.weight.data = weight
    norm.weight.data, norm.bias.data = torch.ones_like(bias), bias
    norm.running_mean, norm.running_var = torch.zeros_like(bias), torch.full_like(bias, 1 - norm.eps)


def _tensors(release: Release) -> dict[str, Tensor]:
    graph = onnx.load(str(release.onnx)).graph
    return {each.name: torch.tensor(onnx.numpy_helper.to_array(each)) for each in graph.initializer}


def _inputs(release: Release, photos: Iterable[Path]) -> Iterator[Tensor]:
    size = release.card.input.size
    for path in list(photos)[:CALIBRATION_PHOTOS]:
        photo = read_photo(path.read_bytes(), size)
        yield torch.from_numpy(to_tensor(Letterbox(size).apply(photo.image_rgb_hwc, photo.size_wh)[0]))
