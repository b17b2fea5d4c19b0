"""What a check can find, how bad it is, and how it is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streetsight.models.language import SpokenError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. An error spoils training or judging; a warning is for a person to look at."""

    title: str
    severity: Severity


KINDS = {
    "label_unreadable": Kind("Labels that cannot be used", "error"),
    "photo_unreadable": Kind("Photos that cannot be decoded", "error"),
    "box_outside": Kind("Boxes outside the picture", "error"),
    "box_empty": Kind("Boxes without area", "error"),
    "parts_leak": Kind("Groups in more than one part", "error"),
    "duplicate_contradicts": Kind("One photo, different labels", "error"),
    "duplicate_apart": Kind("One photo in different groups or parts", "error"),
    "near_duplicate_leaks": Kind("Near-duplicates in different parts", "error"),
    "near_duplicate_apart": Kind("Near-duplicates in different groups", "warning"),
    "near_duplicate_contradicts": Kind("Near-duplicates that disagree about a class", "warning"),
    "duplicate": Kind("One photo more than once", "warning"),
    "group_missing": Kind("Photos without a group", "warning"),
    "photo_missing": Kind("Labels without a photo", "warning"),
    "photo_small": Kind("Small photos", "warning"),
    "photo_narrow": Kind("Very narrow photos", "warning"),
    "photo_flat": Kind("Photos that show next to nothing", "warning"),
    "box_repeated": Kind("Boxes drawn twice", "warning"),
    "box_two_classes": Kind("One thing, two classes", "warning"),
    "box_tiny": Kind("Tiny boxes", "warning"),
    "box_unusual": Kind("Boxes unlike others of their class", "warning"),
    "photo_crowded": Kind("Photos with unusually many boxes", "warning"),
    "class_rare": Kind("Classes that hardly occur", "warning"),
    "class_absent": Kind("Classes looked for and never found", "warning"),
}


class Problem(SpokenError):
    """One thing found.

    Attributes:
        kind: a key of KINDS.
        file: photo, label file or source folder at fault.
        line: 1-based line of the label file, where it is about one box.
        photos: to look at.
        boxes: which boxes of the first photo it is about, by index in its record.
    """

    def __init__(
        self,
        message: str,
        /,
        kind: str,
        file: Path,
        line: int | None = None,
        photos: Sequence[Path] = (),
        boxes: Sequence[int] = (),
        **values: object,
    ) -> None:
        super().__init__(message, **values)
        self.kind, self.file, self.line = kind, file, line
        self.photos, self.boxes = tuple(photos), tuple(boxes)

    @property
    def severity(self) -> Severity:
        return KINDS[self.kind].severity

    @property
    def place(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else str(self.file)
