"""A detector that learns in a minute: YOLO26n on features that are computed once.

The backbone keeps its starting weights, so each photo goes through it once, as it is and mirrored; training
costs only neck and head. It learns less than a full training does: it serves to compare ways of choosing
photos, never as a release.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from ultralytics import YOLO
from ultralytics.cfg import get_cfg

from streetsight.datasets.records import LabelRecord
from streetsight.inference.letterbox import Letterbox, Placement, to_tensor
from streetsight.inference.postprocess import decode
from streetsight.inference.reading import read_photo
from streetsight.models.boxes import cxcywh_to_xyxy, norm_to_px, px_to_norm, xyxy_to_cxcywh
from streetsight.models.card import Card, CardClass, ModelInput, ModelOutput
from streetsight.models.detections import Detections
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.partial_labels import LabelSets, partial_label_loss
from streetsight.training.trainer import start_model

SIZE = 256
LETTERBOX = Letterbox(SIZE, rectangular=False)
KEPT_LAYERS = (4, 6, 10)  # what the backbone hands to the neck
EMBEDDED_LAYERS = (10, 13)  # what the feature pyramid scales up, as `streetsight.training.selection` takes
MIN_STEPS, EPOCHS, BATCH, LEARNING_RATE, UNLABELLED_WEIGHT = 200, 10, 16, 2e-3, 0.1
THRESHOLD, NMS_IOU, MIN_SCORE = 0.25, 0.7, 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What the frozen part of the network makes of n photos.

    Attributes:
        levels: outputs of `KEPT_LAYERS`, each (n, 2, channels, side, side) float16; the second axis is
            the photo as it is and mirrored.
        embeddings: (n, d) float32, means of the deepest maps of the photo as it is.
        sizes_wh: (n, 2) int64, pixels of the photos.
    """

    levels: tuple[NDArray[np.float16], ...]
    embeddings: NDArray[np.float32]
    sizes_wh: NDArray[np.int64]

    def placement(self, index: int) -> Placement:
        width, height = self.sizes_wh[index].tolist()
        return LETTERBOX.place((width, height))


def cached_features(records: Sequence[LabelRecord], weights: Path, folder: Path) -> Features:
    """Features of these photos, computed into `folder` unless they are there, read from disk as needed."""
    if not folder.is_dir():
        draft = folder.with_name(folder.name + ".draft")
        draft.mkdir(parents=True, exist_ok=True)
        _compute(records, weights, draft)
        draft.rename(folder)
    levels = tuple(np.load(folder / f"level-{index}.npy", mmap_mode="r") for index in range(3))
    return Features(levels, np.load(folder / "embeddings.npy"), np.load(folder / "sizes.npy"))


def _compute(records: Sequence[LabelRecord], weights: Path, folder: Path) -> None:
    network = YOLO(str(weights)).model.float().eval().fuse(verbose=False)
    levels: list[NDArray[np.float16]] = []
    embeddings, sizes = [], []
    for number, record in enumerate(records):
        photo = read_photo(record.image.read_bytes(), SIZE)
        tensor = torch.from_numpy(to_tensor(LETTERBOX.apply(photo.image_rgb_hwc, photo.size_wh)[0]))
        with torch.inference_mode():
            outputs = run_layers(network, {-1: torch.cat([tensor, tensor.flip(3)])})
        maps = [outputs[layer] for layer in KEPT_LAYERS]
        if not levels:
            levels = [
                np.lib.format.open_memmap(
                    folder / f"level-{index}.npy", "w+", np.float16, (len(records), *each.shape)
                )
                for index, each in enumerate(maps)
            ]
        for level, each in zip(levels, maps, strict=True):
            level[number] = each.numpy()
        embeddings.append(torch.cat([outputs[layer][0].mean((1, 2)) for layer in EMBEDDED_LAYERS]).numpy())
        sizes.append(photo.size_wh)
    np.save(folder / "embeddings.npy", np.stack(embeddings))
    np.save(folder / "sizes.npy", np.array(sizes))


def run_layers(network: Any, outputs: dict[int, Tensor]) -> dict[int, Tensor]:
    """Run the layers below the head that come after those given; all outputs by layer, -1 is the input."""
    outputs = dict(outputs)
    for layer in network.model[max(outputs) + 1 : -1]:
        sources = [layer.f] if isinstance(layer.f, int) else layer.f
        values = [outputs[layer.i - 1 if each == -1 else each] for each in sources]
        outputs[layer.i] = layer(values[0] if isinstance(layer.f, int) else values)
    return outputs


class FrozenLearner:
    """Classes to learn, and where to start from; each `train` starts anew."""

    def __init__(self, class_names: tuple[str, ...], weights: Path) -> None:
        self._weights, self._names = weights, class_names
        self.card = Card(
            name="frozen-learner", created=date.today(), architecture="yolo26n", licence="AGPL-3.0-or-later",
            onnx_sha256="0" * 64, taxonomy_version=default_taxonomy().version,
            classes=tuple(
                CardClass(id=index, name=name, threshold=THRESHOLD) for index, name in enumerate(class_names)
            ),
            input=ModelInput(size=SIZE, rectangular=False),
            output=ModelOutput(head="one_to_many", nms_iou=NMS_IOU),
        )  # fmt: skip

    def train(
        self, records: Sequence[LabelRecord], features: Features, chosen: Sequence[int], seed: int
    ) -> Any:
        """A network trained on the chosen photos: `EPOCHS`, and at least `MIN_STEPS`."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        network, steps = self._start(), max(MIN_STEPS, EPOCHS * len(chosen) // BATCH)
        sets = sorted({records[index].labelled_classes for index in chosen}, key=sorted)
        loss_of = partial_label_loss(network, LabelSets.of(sets, self._names), UNLABELLED_WEIGHT)
        parameters = list(network.model[max(KEPT_LAYERS) + 1 :].parameters())
        optimiser = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=5e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps, pct_start=0.1)
        for batch in _batches(chosen, steps, rng):
            mirrored = rng.integers(0, 2, BATCH).tolist()
            seen = _forward(network, features, batch, mirrored)
            loss, _ = loss_of(seen, self._targets(records, features, batch, mirrored, sets))
            optimiser.zero_grad()
            loss.sum().backward()
            torch.nn.utils.clip_grad_norm_(parameters, 10.0)
            optimiser.step()
            schedule.step()
        return network

    def _start(self) -> Any:
        """The starting network for our classes, one-to-many head only, batch norms folded in."""
        start = YOLO(str(self._weights)).model
        network = start_model(self._names, start.yaml, start).eval()
        network.model[-1].end2end = False
        network = network.fuse(verbose=False).to(memory_format=torch.channels_last)
        network.requires_grad_(True)
        network.args = get_cfg()
        return network

    def detect(self, network: Any, features: Features, which: Sequence[int]) -> list[Detections]:
        """Detections on some of the photos, in pixels of the originals, down to `MIN_SCORE`."""
        found: list[Detections] = []
        for first in range(0, len(which), BATCH):
            batch = which[first : first + BATCH]
            with torch.inference_mode():
                seen = _forward(network, features, batch, [0] * len(batch))
                outputs = network.model[-1]._inference(seen).numpy()
            for index, output in zip(batch, outputs, strict=True):
                each = decode(output, self.card, MIN_SCORE)
                boxes = features.placement(index).to_image(each.boxes_xyxy_px)
                found.append(Detections(boxes, each.scores, each.class_ids))
        return found

    def _targets(
        self, records: Sequence[LabelRecord], features: Features, batch: Sequence[int],
        mirrored: Sequence[int], sets: list[frozenset[str]],
    ) -> dict[str, Tensor]:  # fmt: skip
        """Boxes of a batch in ultralytics' form; the last "box" of each photo is its region."""
        rows: list[list[float]] = []
        for position, (index, mirror) in enumerate(zip(batch, mirrored, strict=True)):
            record, placement = records[index], features.placement(index)
            px = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), placement.size_wh)
            boxes = xyxy_to_cxcywh(px_to_norm(placement.to_input(px), placement.input_wh)).tolist()
            region = len(self._names) + sets.index(record.labelled_classes)
            classes = [*(self._names.index(name) for name in record.class_names), region]
            for class_id, (x, y, width, height) in zip(classes, [*boxes, [0.5, 0.5, 1.0, 1.0]], strict=True):
                rows.append([position, class_id, 1 - x if mirror else x, y, width, height])
        values = torch.tensor(rows, dtype=torch.float32)
        return {"batch_idx": values[:, 0], "cls": values[:, 1:2], "bboxes": values[:, 2:]}


def _batches(chosen: Sequence[int], steps: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Every photo once before any comes again."""
    queue: list[int] = []
    for _ in range(steps):
        while len(queue) < BATCH:
            queue += rng.permutation(chosen).tolist()
        yield queue[:BATCH]
        queue = queue[BATCH:]


def _forward(
    network: Any, features: Features, batch: Sequence[int], mirrored: Sequence[int]
) -> dict[str, Any]:
    """The one-to-many head's raw output in float32, computed in bf16."""
    pairs = list(zip(batch, mirrored, strict=True))
    kept = {
        layer: torch.from_numpy(np.stack([level[pair] for pair in pairs]))
        .float()
        .contiguous(memory_format=torch.channels_last)
        for layer, level in zip(KEPT_LAYERS, features.levels, strict=True)
    }
    head = network.model[-1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = run_layers(network, kept)
        seen = head.forward_head([outputs[layer] for layer in head.f], **head.one2many)
    return {
        key: [each.float() for each in value] if isinstance(value, list) else value.float()
        for key, value in seen.items()
    }
