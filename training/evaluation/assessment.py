"""Everything that is known about one release on one part of the labelled photos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streetsight.datasets.parts import PartError, read_parts
from streetsight.datasets.records import LabelRecord
from streetsight.models.card import Card, Evaluation
from streetsight.models.releases import Release
from streetsight.training.evaluation.calibration import Bin, reliability
from streetsight.training.evaluation.confusion import Confusion, confusion
from streetsight.training.evaluation.judging import Judged, judge, reference_detector
from streetsight.training.evaluation.metrics import Seen, evaluation, see
from streetsight.training.evaluation.slices import Slice, slices


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """What a release was judged on, and how it did.

    Attributes:
        seen: class or condition -> its detections and labels; the raw material of all figures.
        reliability: class or condition -> score against precision by bin.
    """

    card: Card
    judged: Sequence[Judged]
    seen: Mapping[str, Seen]
    evaluation: Evaluation
    slices: Sequence[Slice]
    reliability: Mapping[str, Sequence[Bin]]
    confusion: Confusion

    def as_data(self) -> dict[str, Any]:
        """The figures as JSON can hold them; neither photos nor boxes."""
        return {
            "release": self.card.address,
            "thresholds": {each.name: each.threshold for each in self.card.classes},
            "threshold_rule": self.card.threshold_rule,
            "evaluation": self.evaluation.model_dump(mode="json"),
            "slices": [{**asdict(each), "rough": each.rough} for each in self.slices],
            "reliability": {name: [asdict(each) for each in bins] for name, bins in self.reliability.items()},
            "confusion": {
                "rows": [*self.confusion.names, "background"],
                "columns": [*self.confusion.names, "missed"],
                "counts": self.confusion.counts.tolist(),
                "share_low": self.confusion.low.round(4).tolist(),
                "share_high": self.confusion.high.round(4).tolist(),
            },
        }


def labelled_parts(
    photos: Path, part: str, version: Path | None = None
) -> Mapping[str, Sequence[LabelRecord]]:
    """All parts of a dataset version, or of the split of all source folders; `part` has photos.

    Raises:
        PartError: naming the parts that there are, or the label file that cannot be read.
    """
    parts = read_parts(photos, version)
    if not parts.get(part):
        raise PartError(
            "{path}: no photos in the part {part}; parts: {known}",
            path=version or photos, part=part, known=", ".join(name for name in parts if parts[name]),
        )  # fmt: skip
    return parts


def labelled_part(photos: Path, part: str, version: Path | None = None) -> list[LabelRecord]:
    """One of `labelled_parts`."""
    return list(labelled_parts(photos, part, version)[part])


def assess(
    release: Release,
    records: Sequence[LabelRecord],
    part: str,
    digest: str,
    progress: Callable[[], object] = lambda: None,
) -> Assessment:
    """Judge a release on labelled photos, as it is served.

    Args:
        digest: of the records.
        progress: called after each photo.

    Raises:
        JudgingError: a photo cannot be read.
    """
    card = release.card
    judged = judge(records, reference_detector(release), progress)
    seen = see(judged, card)
    return Assessment(
        card=card,
        judged=judged,
        seen=seen,
        evaluation=evaluation(judged, card, part, digest),
        slices=slices(judged, seen),
        reliability={name: reliability(each.everything) for name, each in seen.items()},
        confusion=confusion(judged, card),
    )
