"""From a release to its INT8 variant, in ONNX Runtime's QDQ form.

Weights have a scale per channel, activations one per tensor. Three things keep the cost in accuracy low
(docs/quantisation.md has the figures):
- the detect head stays float32: eight bits of a box side are pixels, and it gains no speed;
- a tensor's range is the mean over photos of their extremes, so that no odd photo stretches it for all;
- where a SiLU follows, the range ends at `SILU_FLOOR`: below, its output is as good as zero.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType, quantize_static
from onnxruntime.quantization.calibrate import create_calibrator

from streetsight.datasets.parts import read_parts
from streetsight.datasets.records import LabelRecord
from streetsight.inference.backends import open_backend
from streetsight.inference.pipeline import cores
from streetsight.models.card import PARITY_TOLERANCES, write_card
from streetsight.models.releases import (
    CARD_NAME,
    ONNX_NAME,
    TRAINED_ON_NAME,
    Release,
    ReleaseError,
    file_sha256,
)
from streetsight.training.evaluation.thresholds import parse_rules
from streetsight.training.parity import check_parity, model_input
from streetsight.training.release import drafted, measured, parity_photos

SILU_FLOOR = -6.0  # SiLU(-6) = -0.015
MODULE = re.compile(r"/model\.(\d+)/")  # how the exporter names nodes: by their place in the network

LIMIT = (
    "INT8, on ONNX Runtime only, for processors with VNNI. Without it, sums of eight-bit products may "
    "overflow: judge it there with `streetsight evaluate` before use."
)

Ranges = Mapping[str, tuple[float, float]]


class QuantisationError(ReleaseError):
    """A release that cannot be quantised."""


def quantise_release(
    release: Release,
    name: str,
    photos: Path,
    output: Path,
    calibration: int,
    threshold_rules: Sequence[str] = ("best-f1",),
    version: Path | None = None,
) -> Path:
    """Write the INT8 variant as a release of its own, `output/name/`, and return it.

    Ranges come from training photos. Thresholds are chosen anew on validation photos, because every score
    moves a little; the figures are the variant's own.

    Args:
        calibration: number of training photos.
        threshold_rules: see `parse_rules`.
        version: a dataset version; the split of all sources if None.

    Raises:
        QuantisationError: the release is INT8 already, or was not exported by us.
        RuleError: a rule cannot be read.
        NameTakenError: a release is immutable; choose another name.
        ParityError: the variant is far from its original; nothing is written.
    """
    if release.card.precision == "int8":
        raise QuantisationError("{name} is INT8 already; name a float32 release", name=release.card.name)
    parse_rules(threshold_rules, release.card.class_names)  # a slip is said before the long work
    parts, card = read_parts(photos, version), release.card
    with drafted(output, name) as draft:
        target = draft / ONNX_NAME
        chosen = spread(parts["train"], calibration)
        quantise_onnx(release.onnx, target, [model_input(each.image, card.input.size) for each in chosen])
        original = open_backend("onnx", release.onnx, threads=cores(), calls=1)
        parity = check_parity(
            original.run, target, card.output.head, card.input.size, parity_photos(parts),
            PARITY_TOLERANCES["int8"],
        )  # fmt: skip
        if (release.onnx.parent / TRAINED_ON_NAME).is_file():
            shutil.copy(release.onnx.parent / TRAINED_ON_NAME, draft)
        changes: dict[str, Any] = {
            "name": name, "created": date.today(), "precision": "int8", "quantised_from": card.address,
            "onnx_sha256": file_sha256(target), "parity": parity, "limits": (*card.limits, LIMIT),
        }  # fmt: skip
        write_card(
            measured(card.model_copy(update=changes), draft, parts, threshold_rules), draft / CARD_NAME
        )
    return output / name


def spread(records: Sequence[LabelRecord], count: int, seed: int = 0) -> list[LabelRecord]:
    """`count` records, or all, drawn from the sources in turn, so that no large source sets the ranges."""
    order = np.random.default_rng(seed).permutation(len(records))
    taken: dict[str, int] = {}
    turns = []
    for record in (records[index] for index in order):
        taken[record.source] = taken.get(record.source, 0) + 1
        turns.append((taken[record.source], record.source, record))
    return [record for _, _, record in sorted(turns, key=lambda turn: turn[:2])[:count]]


def quantise_onnx(source: Path, target: Path, tensors: Sequence[NDArray[np.float32]]) -> None:
    """Write `target`: the network of `source` with INT8 arithmetic everywhere but in its detect head.

    Args:
        tensors: what the model is fed with, (1, 3, h, w) float32 each; ranges are measured on them.

    Raises:
        QuantisationError: nodes are not named as our exporter names them.
    """
    model = onnx.load(str(source))
    head = _head_nodes(model.graph, source)
    # onnxslim has folded the graph already: ONNX Runtime asks for its own pass unless this says it was done
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        onnx.save(model, str(prepared))
        ranges = _cut_below_silu(model.graph, _mean_ranges(prepared, Path(folder), tensors))
        quantize_static(
            prepared, target, _Reader(tensors[:1]), per_channel=True, nodes_to_exclude=head,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            extra_options={"TensorQuantOverrides": _overrides(ranges)},
        )  # fmt: skip


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Tensors in the form that ONNX Runtime asks for."""

    def __init__(self, tensors: Sequence[NDArray[np.float32]]) -> None:
        self._left: Iterator[NDArray[np.float32]] = iter(tensors)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        tensor = next(self._left, None)
        return None if tensor is None else {"images": tensor}


def _mean_ranges(onnx_path: Path, folder: Path, tensors: Sequence[NDArray[np.float32]]) -> Ranges:
    """Tensor -> mean over `tensors` of its least and of its greatest value."""
    calibrator = create_calibrator(
        onnx_path, augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=CalibrationMethod.MinMax, extra_options={"moving_average": True},
    )  # fmt: skip
    calibrator.collect_data(_Reader(tensors))  # all at once: the average is a plain mean
    found = calibrator.compute_data()
    ends = {name: [float(np.ravel(end)[0]) for end in data.range_value] for name, data in found.items()}
    return {name: (low, high) for name, (low, high) in ends.items()}


def _cut_below_silu(graph: onnx.GraphProto, ranges: Ranges) -> Ranges:
    """The same ranges, those that only a SiLU reads (x times its sigmoid) no lower than its floor."""
    readers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    return {
        name: (max(low, SILU_FLOOR) if readers.get(name) == {"Sigmoid", "Mul"} else low, high)
        for name, (low, high) in ranges.items()
    }


def _overrides(ranges: Ranges) -> dict[str, list[dict[str, np.float32]]]:
    """In ONNX Runtime's form; zero must be exact, for padding, and so lies within."""
    return {
        name: [{"rmin": np.float32(min(low, 0.0)), "rmax": np.float32(max(high, 0.0))}]
        for name, (low, high) in ranges.items()
    }


def _head_nodes(graph: onnx.GraphProto, source: Path) -> list[str]:
    """Names of the nodes of the last module, the detect head with its decoding."""
    modules = {node.name: int(found[1]) for node in graph.node if (found := MODULE.match(node.name))}
    if not modules:
        raise QuantisationError(
            "{path}: its nodes are not named by modules (/model.N/...), so the detect head cannot be told "
            "from the rest; export the release with `streetsight export`",
            path=source,
        )
    last = max(modules.values())
    return [name for name, module in modules.items() if module == last]
