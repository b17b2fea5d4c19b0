"""One more class for a model that is done, without a change to what it says of the others.

The last layer of the head tells the classes apart by one row each over the same numbers per anchor. A new
class gets a row of its own, found by logistic regression on what the rest of the network already computes;
its boxes come from the branch that all classes share. Minutes instead of a training run, and every other
score stays as it was. It works for what the network has seen without a name: people, for one, whom no
source labels and a COCO model knows.
"""

import copy
import json
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streetsight.training.quiet  # noqa: F401

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from ultralytics import YOLO
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.metrics import box_iou
from ultralytics.utils.ops import xywh2xyxy

from streetsight.datasets.parts import read_parts
from streetsight.datasets.records import LabelRecord
from streetsight.inference.letterbox import Letterbox, to_tensor
from streetsight.inference.pipeline import cores, in_order
from streetsight.inference.reading import read_photo
from streetsight.models.boxes import cxcywh_to_xyxy, norm_to_px
from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.training.export import OPSET
from streetsight.training.release import run_description
from streetsight.training.teacher import Opinion, coco_opinion
from streetsight.training.train import class_names
from streetsight.training.trainer import drop_one_to_one, start_model

SURE, UNSURE = 0.4, 0.05  # a teacher's scores: a box; perhaps one, so not "nothing there" either
HIT_IOU, NEAR_IOU, FAR_IOU = 0.5, 0.35, 0.1  # of what the box branch says at an anchor
FULL_IOU = 0.9  # from here on an anchor's score should be 1
SCALES = (0.8, 1.0, 1.25)  # of the input size: one look at each photo, at one of these
LEVELS = 3  # of the head: strides of 8, 16 and 32 pixels
OTHERS = 400  # anchors of a level and photo that show nothing of the class; of the coarsest that is all
ITERATIONS, DECAY = 100, 1e-5
SEED = 0


class AddedClassError(SpokenError):
    """This class cannot be added to this run."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """What the network computes where something can be learned.

    Attributes:
        features: (n, 80) float16, before the last layer.
        levels: (n,) int64, which of the head's three layers.
        targets: (n,) float32, the score wanted there.
    """

    features: Tensor
    levels: Tensor
    targets: Tensor


def add_class(
    run: Path, name: str, photos: Path, teacher: Path | None, target: Path, version: Path | None = None
) -> Path:
    """Write the run folder `target`: the model of `run` and one class more. Returns its checkpoint.

    Args:
        photos: folder with `sources/<name>/`; only training photos are learned from.
        teacher: COCO checkpoint that says where the class is on photos whose source did not label it.
        version: the dataset version that `run` learned from, if it did.

    Raises:
        AddedClassError: the class is unknown, there already, or nobody says where it is.
        RunError: `run` is no run, or learned from something else.
    """
    description = run_description(run, version)
    checkpoint = torch.load(run / "weights" / "last.pt", map_location="cpu", weights_only=False)
    model: DetectionModel = checkpoint["ema"].float().eval()
    known = tuple(model.names[index] for index in sorted(model.names))
    _check(name, known)
    size = int(description["recipe"]["image_size"])
    records = read_parts(photos, version)["train"]
    asked = _open_teacher(records, name, teacher)
    target.mkdir(parents=True, exist_ok=True)
    shown = _shown(records, name, asked, target / "opinions.jsonl")
    with tempfile.TemporaryDirectory() as scratch:
        network = Opened(copy.deepcopy(model), Path(scratch) / "network.onnx")
        anchors = look(network, shown, size, cores())
    extended = with_row(model, name, [fit_row(anchors, level) for level in range(LEVELS)])
    path = target / "weights" / "last.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**checkpoint, "ema": extended, "optimizer": None}, path)
    described: dict[str, Any] = {
        **description,
        "classes": list(extended.names.values()),
        "added_classes": [*description.get("added_classes", ()), name],
    }
    replace_file(target / "run.json", (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode())
    return path


def _check(name: str, known: Sequence[str]) -> None:
    names = default_taxonomy().names
    if name not in names:
        raise AddedClassError(
            "{name} is not in the taxonomy; it knows {known}", name=name, known=", ".join(names)
        )
    if name in known:
        raise AddedClassError("the run knows {name} already; train on it instead", name=name)


def _open_teacher(records: Sequence[LabelRecord], name: str, teacher: Path | None) -> YOLO | None:
    """The teacher, if there is one; somebody must say where the class is."""
    if teacher is None:
        if not any(name in record.class_names for record in records):
            raise AddedClassError(
                "no training photo has a box of {name}; label some or name a --teacher", name=name
            )
        return None
    model = YOLO(str(teacher))
    if name not in model.names.values():
        raise AddedClassError("{teacher} does not know {name}", teacher=teacher, name=name)
    return model


def _shown(
    records: Sequence[LabelRecord], name: str, teacher: YOLO | None, remembered: Path
) -> list[tuple[LabelRecord, Opinion]]:
    """Photos of which somebody says where the class is; what people labelled goes before the teacher.

    Args:
        remembered: what the teacher has said so far, line by line: a killed run does not ask again.
    """
    told = {}
    for record in records:
        if name in record.labelled_classes:
            told[record.image] = Opinion(record.class_names, (1.0,) * len(record), record.boxes_cxcywh_norm)
    if teacher is not None:
        told |= _asked([each for each in records if each.image not in told], teacher, name, remembered)
    return [(each, _only(told[each.image], name)) for each in records if each.image in told]


def _asked(records: Sequence[LabelRecord], teacher: YOLO, name: str, remembered: Path) -> dict[Path, Opinion]:
    said = dict[str, Opinion]()
    lines = remembered.read_text(encoding="utf-8").splitlines() if remembered.is_file() else []
    for photo, scores, boxes in map(json.loads, lines):
        said[photo] = Opinion(
            (name,) * len(scores), tuple(scores), np.array(boxes, np.float32).reshape(-1, 4)
        )
    with remembered.open("a", encoding="utf-8") as file:
        for record in track(records, console=Console(stderr=True), description=name):
            own = f"{record.source}/{record.image.name}"
            if own not in said:
                said[own] = _only(coco_opinion(record, teacher, UNSURE), name)
                file.write(json.dumps([own, said[own].scores, said[own].boxes_cxcywh_norm.tolist()]) + "\n")
    return {record.image: said[f"{record.source}/{record.image.name}"] for record in records}


def _only(opinion: Opinion, name: str) -> Opinion:
    own = [index for index, each in enumerate(opinion.class_names) if each == name]
    scores = tuple(opinion.scores[index] for index in own)
    return Opinion((name,) * len(own), scores, opinion.boxes_cxcywh_norm[own])


def look(
    network: "Opened", shown: Sequence[tuple[LabelRecord, Opinion]], size: int, calls: int = 1
) -> Anchors:
    """Run the network over photos and keep the anchors at the class's boxes, and some of the others.

    Args:
        size: of the input, pixels; each photo is seen at one of `SCALES` of it.
        calls: photos at the same time.
    """

    def one(numbered: tuple[int, tuple[LabelRecord, Opinion]]) -> tuple[Tensor, Tensor, Tensor]:
        number, (record, opinion) = numbered
        random = np.random.default_rng((SEED, number))
        photo = read_photo(record.image.read_bytes(), size)
        side = 32 * round(size * random.choice(SCALES) / 32)
        padded, placement = Letterbox(side).apply(photo.image_rgb_hwc, photo.size_wh)
        features, levels, boxes = network.look(to_tensor(padded))
        there = placement.to_input(norm_to_px(cxcywh_to_xyxy(opinion.boxes_cxcywh_norm), photo.size_wh))
        targets = wanted_scores(boxes, torch.from_numpy(there), torch.tensor(opinion.scores))
        nothing = [
            random.permutation(torch.nonzero((targets == 0) & (levels == level))[:, 0].numpy())[:OTHERS]
            for level in range(LEVELS)
        ]
        chosen = np.concatenate([torch.nonzero(targets > 0)[:, 0].numpy(), *nothing])
        return features[chosen].half(), levels[chosen], targets[chosen]

    return Anchors(*map(torch.cat, zip(*in_order(one, enumerate(shown), calls), strict=True)))


def wanted_scores(boxes: Tensor, there: Tensor, scores: Tensor) -> Tensor:
    """(a,) the score wanted at each anchor; -1 where nobody can say.

    Args:
        boxes: (a, 4) xyxy, what the box branch says there.
        there: (n, 4) xyxy, where the class is, or may be.
        scores: (n,) how sure that is.
    """
    if not len(there):
        return torch.zeros(len(boxes))
    iou, nearest = box_iou(boxes, there).max(1)
    sure = scores[nearest] >= SURE
    open_ = torch.where(sure, (iou > NEAR_IOU) & (iou < HIT_IOU), iou > FAR_IOU)
    hit = (iou - NEAR_IOU) / (FULL_IOU - NEAR_IOU)
    wanted = torch.where(sure & (iou >= HIT_IOU), hit.clamp(0, 1), torch.zeros_like(iou))
    return wanted.masked_fill(open_, -1.0)


class Opened:
    """A network that also shows what its last layers are given; ONNX, so that photos run side by side."""

    def __init__(self, model: DetectionModel, path: Path) -> None:
        """`path`: where the ONNX file may lie, for as long as this lives."""
        from onnxruntime import InferenceSession, SessionOptions

        names = ["output", "near", "middle", "far"]
        sides = {0: "batch", 2: "height", 3: "width"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracing exporter is named legacy; see export.py
            torch.onnx.export(
                _Shown(model), (torch.zeros(1, 3, 64, 96),), str(path), opset_version=OPSET, dynamo=False,
                input_names=["images"], output_names=names,
                dynamic_axes={"images": sides, "output": {2: "rows"}, **dict.fromkeys(names[1:], sides)},
            )  # fmt: skip
        options = SessionOptions()
        options.intra_op_num_threads = 1
        self._session = InferenceSession(str(path), options, ["CPUExecutionProvider"])

    def look(self, images: NDArray[np.float32]) -> tuple[Tensor, Tensor, Tensor]:
        """(1, 3, h, w) to (a, 80) features, (a,) levels, (a, 4) boxes xyxy in input pixels."""
        output, *maps = map(torch.from_numpy, self._session.run(None, {"images": images}))
        features = [each[0].flatten(1).T for each in maps]
        levels = torch.cat([torch.full((len(each),), level) for level, each in enumerate(features)])
        return torch.cat(features), levels, xywh2xyxy(output[0, :4].T)


class _Shown(nn.Module):  # type: ignore[misc]
    def __init__(self, model: DetectionModel) -> None:
        super().__init__()
        self.model, self._given = model, list[Tensor]()
        model.model[-1].export, model.model[-1].dynamic, model.model[-1].format = True, True, "onnx"
        for branch in model.model[-1].cv3:
            branch[-1].register_forward_pre_hook(lambda _, given: self._given.append(given[0]))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        self._given.clear()
        return self.model(images), *self._given


def fit_row(anchors: Anchors, level: int) -> tuple[Tensor, Tensor]:
    """Logistic regression: weights (80,) and bias () of the class at one level of the head."""
    own = anchors.levels == level
    features, targets = anchors.features[own].float(), anchors.targets[own]
    mean, spread = features.mean(0), features.std(0) + 1e-3
    features = (features - mean) / spread
    row = nn.Linear(features.shape[1], 1)
    nn.init.zeros_(row.weight)
    nn.init.constant_(row.bias, -4.0)
    optimiser = torch.optim.LBFGS(row.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def miss() -> float:
        optimiser.zero_grad()
        loss = binary_cross_entropy_with_logits(row(features)[:, 0], targets)
        loss = loss + DECAY * row.weight.square().sum()
        loss.backward()
        return float(loss.item())

    optimiser.step(miss)
    weight = row.weight.detach()[0] / spread
    return weight, row.bias.detach()[0] - weight @ mean


def with_row(model: DetectionModel, name: str, rows: Sequence[tuple[Tensor, Tensor]]) -> DetectionModel:
    """The model with one class more, in the order of the taxonomy."""
    names = class_names([], (*model.names.values(), name))
    extended = start_model(names, model.yaml, model)
    if model.model[-1].one2one_cv3 is None:
        drop_one_to_one(extended)
    own = names.index(name)
    with torch.no_grad():
        for branch, (weight, bias) in zip(extended.model[-1].cv3, rows, strict=True):
            branch[-1].weight[own, :, 0, 0] = weight
            branch[-1].bias[own] = bias
    return extended.eval()
