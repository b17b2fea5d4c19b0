"""The card beside a release's ONNX file: everything needed to run it, trust it and trace it.

A card is written by code (`streetsight.training.export`) and read here; nobody retypes sizes,
thresholds or class order.
"""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streetsight.models.taxonomy import default_taxonomy

Head = Literal["end_to_end", "one_to_many"]
Precision = Literal["float32", "int8"]
Size = Literal["small", "medium", "large"]
Share = Annotated[float, Field(ge=0, le=1)]
Interval = tuple[float, float]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

ROUGH_BOXES, ROUGH_GROUPS = 30, 20

# COCO's sizes (32 x 32 and 96 x 96 pixels), as shares of its usual 640 x 480 picture.
SMALL, LARGE = 32 * 32 / (640 * 480), 96 * 96 / (640 * 480)
SIZES: tuple[tuple[Size, float, float], ...] = (
    ("small", 0.0, SMALL), ("medium", SMALL, LARGE), ("large", LARGE, math.inf)
)  # fmt: skip

NAME = r"^[a-z0-9][a-z0-9.-]*$"
"""What a release may be called."""


class CardError(ValueError):
    """A card is missing, incomplete or contradicts itself."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CardClass(_Part):
    """One output class: contiguous id of the release, taxonomy name, deployed threshold.

    Attributes:
        apart: it does not compete with the others for what the model sees at a spot, so that adding it
            took nothing from them: a rider and a motorcycle, say.
    """

    id: int = Field(ge=0)
    name: str
    threshold: Share
    apart: bool = False


class ModelInput(_Part):
    """How a photo becomes the model's input: NCHW float32 RGB / 255, letterboxed."""

    size: int = Field(ge=64, le=4096, description="longest side, pixels")
    stride: int = Field(default=32, description="sides are multiples of this")
    pad: int = Field(default=114, ge=0, le=255, description="grey of the letterbox")
    rectangular: bool = Field(description="True: pad only to the stride, not to a square")


class ModelOutput(_Part):
    """How the output is decoded: by head and shape.

    `end_to_end` is (b, n, 6) rows of xyxy, score, class; `one_to_many` is (b, 4 + classes, anchors)
    cxcywh and scores, needing NMS.
    """

    head: Head
    nms_iou: Share | None = None
    max_detections: int = Field(default=300, gt=0)

    @model_validator(mode="after")
    def _nms_only_where_needed(self) -> "ModelOutput":
        if (self.head == "one_to_many") != (self.nms_iou is not None):
            raise ValueError("nms_iou belongs to the one_to_many head, and only to it")
        return self


class DataSource(_Part):
    """A collection of photos that a release learned from."""

    name: str
    photos: int = Field(ge=0)
    labelled_classes: tuple[str, ...]
    licence: str


class Training(_Part):
    """Where the weights come from.

    Attributes:
        version_address: of the dataset version that was learned from; None where all sources were split.
        averaged: the runs ("recipe, epochs") whose mean they are.
        added_classes: learned afterwards, without a change to the others (`streetsight add-class`).
    """

    recipe: str
    epochs: int
    train_photos: int
    rendered_frames: int
    train_digest: str
    version_address: Sha256 | None = None
    trained_on_sha256: Sha256 | None = Field(default=None, description="digest of trained_on.txt")
    start_sha256: str
    commit: str | None
    versions: dict[str, str]
    averaged: tuple[str, ...] = ()
    added_classes: tuple[str, ...] = ()


class SizeRecall(_Part):
    """Share of a class's labels of one size that are found."""

    boxes: int
    recall: Share


class ClassMetrics(_Part):
    """One class or condition on photos whose groups were never trained on.

    Precision, recall and false alarms are at the deployed thresholds, IoU .50. What older cards lack is None.

    Attributes:
        photos: on which it is judged.
        groups: that have labels of it.
        recall_at_p80, recall_at_p90: the most that is found at this precision or a better one.
        false_alarms_per_100: photos on which it is judged.
        ece: expected calibration error.
        recall_by_size: of the sizes that have labels; empty on older cards.
        intervals: figure -> 95 % interval, by drawing groups with replacement.
    """

    name: str
    photos: int
    boxes: int
    ap50: Share
    ap50_95: Share
    precision: Share | None
    recall: Share | None
    groups: int | None = None
    recall_at_p80: Share | None = None
    recall_at_p90: Share | None = None
    false_alarms_per_100: Annotated[float, Field(ge=0)] | None = None
    ece: Share | None = None
    recall_by_size: dict[Size, SizeRecall] = Field(default_factory=dict)
    intervals: dict[str, Interval] = Field(default_factory=dict)

    @property
    def rough(self) -> bool:
        """The figures rest on so little that they only give an idea."""
        return self.boxes < ROUGH_BOXES or (self.groups is not None and self.groups < ROUGH_GROUPS)


class Evaluation(_Part):
    """Figures of the exported ONNX through our own pre- and post-processing.

    Attributes:
        map50, map50_95: means over all classes that have labels here.
        condition_map50: mean AP50 over those of them that are leads for a condition.
        intervals: of these means.
        conditions: each with its classes pooled: boxes of two classes on one thing are one.
        draws: of the bootstrap behind the intervals.
    """

    part: str
    photos: int
    digest: str
    map50: Share
    map50_95: Share
    classes: tuple[ClassMetrics, ...]
    note: str = ""
    groups: int | None = None
    condition_map50: Share | None = None
    conditions: tuple[ClassMetrics, ...] = ()
    intervals: dict[str, Interval] = Field(default_factory=dict)
    draws: int | None = None


class Parity(_Part):
    """Largest difference between the ONNX and the trained network on the same inputs."""

    photos: int
    max_score_difference: float
    max_box_difference_px: float


@dataclass(frozen=True, slots=True)
class ParityTolerance:
    """What another order of arithmetic, or fewer bits, may cost: in score, and in pixels of a box side."""

    score: float
    box_px: float


# float32: measured below half of these. int8: the worst anchor says little. On 17 photos at 512 px a file
# that costs no accuracy moved one score by 0.57, others one box by 122 px; a broken file moves a score by
# 0.9. What quantising costs a comparison says.
PARITY_TOLERANCES: dict[Precision, ParityTolerance] = {
    "float32": ParityTolerance(1e-3, 0.1),
    "int8": ParityTolerance(0.8, 200.0),
}


class Card(_Part):
    """The whole card. Unknown keys are refused."""

    format: Literal[1] = 1
    name: str = Field(pattern=NAME)
    created: date
    architecture: str
    precision: Precision = "float32"
    quantised_from: str | None = Field(default=None, description="address of the float32 release")
    licence: str
    onnx_sha256: Sha256
    taxonomy_version: str
    threshold_rule: str = ""
    classes: tuple[CardClass, ...] = Field(min_length=1)
    input: ModelInput
    output: ModelOutput
    data: tuple[DataSource, ...] = ()
    training: Training | None = None
    evaluations: tuple[Evaluation, ...] = ()
    parity: Parity | None = None
    limits: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _classes_are_contiguous_and_known(self) -> "Card":
        if [each.id for each in self.classes] != list(range(len(self.classes))):
            raise ValueError("class ids must run from 0 without gaps, in order")
        if len({each.name for each in self.classes}) != len(self.classes):
            raise ValueError("a class name is used twice")
        taxonomy = default_taxonomy()
        unknown = [each.name for each in self.classes if each.name not in taxonomy]
        if unknown:
            raise ValueError(f"classes {unknown} are not in taxonomy version {taxonomy.version}")
        return self

    @property
    def address(self) -> str:
        """`name@digest`, the digest being the first 12 hex digits of the ONNX file's sha256."""
        return f"{self.name}@{self.onnx_sha256[:12]}"

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.classes)


def read_card(path: Path) -> Card:
    """Read and check a card.

    Raises:
        CardError: naming the file and each field that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"{path}: the card cannot be read ({error})") from error
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'card'}: {fault['msg']}" for fault in error.errors()
        )
        raise CardError(f"{path}: not a valid card: {faults}") from error


def write_card(card: Card, path: Path) -> None:
    """Write a card so that `read_card` gives the same one back."""
    path.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
