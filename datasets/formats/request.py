"""What an import is asked for, and what it answers."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from streetsight.datasets.classes import ClassMap
from streetsight.datasets.formats.geometry import Orientation
from streetsight.datasets.formats.labels import ExchangeError, FormatName, Problem

# What is worth knowing and no fault: counted in `ImportSummary.notes`.
STRAY_GROUPS = "rows of the groups file name no photo that is there"
CUT_BOXES = "boxes reached over the edge by less than a pixel or 0.5 % and were cut there"
TURNED = "photos are stored turned and so are their labels: the boxes were turned upright"
ASSUMED_UPRIGHT = (
    "photos are stored turned; their labels state no size: taken for upright (or --orientation stored)"
)
IDENTICAL = "photos are byte for byte the same as another of this import"
RENAMED = "photos were renamed, because two had one name: groups.csv has both names"
WITHOUT_GROUP = "photos have no group: near-duplicates among them are found when the dataset is split"
CLEARED = "drafts that killed commands had left behind were cleared away"
UNSTATED_LICENCE = "photos come without a licence: add --licence"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is wanted.

    Attributes:
        path: folder, zip archive or label file.
        dataset: folder that holds `sources/`.
        name: of the source; None only where a sidecar names it.
        form: None to find out.
        labelled: classes that were labelled wherever they occur; None for what the files declare.
        images: folder or archive with the photos, if they are elsewhere.
        strict: any problem stops the import.
        missing_are_empty: a photo without labels shows nothing, rather than was not labelled.
    """

    path: Path
    dataset: Path
    classes: ClassMap
    name: str | None = None
    form: FormatName | None = None
    labelled: frozenset[str] | None = None
    licence: str | None = None
    images: Path | None = None
    groups_csv: Path | None = None
    group_by: str | None = None
    orientation: Orientation = "auto"
    strict: bool = False
    missing_are_empty: bool = False
    drop_crowds: bool = False
    ignore_sidecar: bool = False
    link: bool = False
    replace: bool = False


@dataclass(slots=True)
class ImportSummary:
    """What was done.

    Attributes:
        sources: name -> photos.
        empty: photos without boxes.
        boxes: class -> boxes.
        dropped: their class -> boxes that the mapping drops.
        problems: with the photo that each of them cost, "" for none.
        notes: English message -> how often.
    """

    form: FormatName
    sources: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, message: str, times: int) -> None:
        if times:
            self.notes[message] += times

    def problem(self, photo: str, problem: Problem) -> None:
        self.problems.append((photo, problem))


class Refused(ExchangeError):
    """An import that was given up, with what was found until then."""

    def __init__(self, summary: ImportSummary, message: str, /, **values: object) -> None:
        super().__init__(message, **values)
        self.summary = summary
