"""Labels as another tool states them: not yet our classes, not yet fractions of the upright picture."""

from dataclasses import dataclass
from typing import Literal

from streetsight.models.language import SpokenError

FormatName = Literal["yolo", "coco", "voc", "cvat", "labelstudio"]
FORMATS: tuple[FormatName, ...] = ("yolo", "coco", "voc", "cvat", "labelstudio")

Corners = tuple[float, float, float, float]


class ExchangeError(SpokenError):
    """An import or export that cannot be done at all: nothing was written."""


class UsageError(SpokenError):
    """Options that contradict each other or name what does not exist."""


class Unreadable(SpokenError):
    """One file that cannot be read."""


class Problem(SpokenError):
    """What is wrong in one place; it costs its own photo, never a neighbour.

    Attributes:
        file: path within what is imported.
        place: where in the file ("line 3", "annotation 17"); "" for the file as a whole.
    """

    def __init__(self, file: str, place: str, message: str, /, **values: object) -> None:
        super().__init__(message, **values)
        self.file, self.place = file, place


@dataclass(frozen=True, slots=True)
class ForeignBox:
    """One box.

    Attributes:
        label: class name in the other tool's words.
        xyxy: left, top, right, bottom, float64, in the unit and frame of its photo's labels.
        place: where in the file it stands.
    """

    label: str
    xyxy: Corners
    place: str = ""


@dataclass(frozen=True, slots=True)
class ForeignLabels:
    """What one file says of one photo.

    Attributes:
        photo: path of the photo within what is imported.
        file: the label file.
        boxes: may be none: the photo shows nothing.
        unit: of `xyxy`: pixels, or fractions of width and height.
        stated_wh: width and height that the file gives for the photo, if it does.
        problems: why the photo cannot be taken.
    """

    photo: str
    file: str
    boxes: tuple[ForeignBox, ...]
    unit: Literal["px", "fraction"]
    stated_wh: tuple[int, int] | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a folder or archive says.

    Attributes:
        labels: one entry per labelled photo.
        declared: class names that it says it uses, with or without boxes.
        problems: those that belong to no photo that is there.
        scope: photos it speaks for; None for all. One of them without labels is a problem.
        notes: English messages on what is worth knowing, once for each photo that it is so for.
    """

    labels: tuple[ForeignLabels, ...]
    declared: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    scope: frozenset[str] | None = None
    notes: tuple[str, ...] = ()


def enclosing(points: list[tuple[float, float]]) -> Corners:
    """The upright box around points, xyxy."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)
