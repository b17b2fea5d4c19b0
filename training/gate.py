"""Champion against challenger on the same frozen photos: the evidence on which a promotion is decided.

Both run as they are served, are matched with the same labels, and are drawn by the same bootstrap over
groups; that neither was trained on these photos is proved, not assumed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.digests import digest_photos
from streetsight.datasets.records import LabelRecord, data_digest
from streetsight.datasets.versions import version_address
from streetsight.models.card import Card
from streetsight.models.comparison import Comparison, Curve, FrozenSet, Kind, LeakCheck, Row, Side
from streetsight.models.releases import Release, ReleaseError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.models.trained_on import DIGEST_LENGTH, read_trained_on
from streetsight.training.evaluation.assessment import labelled_parts
from streetsight.training.evaluation.bootstrap import DRAWS, MEAN, Difference, paired_difference
from streetsight.training.evaluation.curves import curve
from streetsight.training.evaluation.judging import Judged, judge, reference_detector
from streetsight.training.evaluation.scored import Category, Scored, score

CURVE_POINTS, NAMED_LEAKS = 100, 5
ABSENT = -1  # id of a class that a release does not have: its labels count, nothing is ever detected


class GateError(ReleaseError):
    """Two releases cannot be compared."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The photos to judge on, and those that a release trained beside them would have learned from."""

    version: str | None
    part: str
    records: Sequence[LabelRecord]
    train: Sequence[LabelRecord]


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the comparison: a class, or the classes of a condition, in either release."""

    kind: Kind
    name: str
    classes: tuple[str, ...]
    gated: bool

    def of(self, card: Card) -> Category:
        ids = {each.name: each.id for each in card.classes}
        return Category(self.name, {name: ids.get(name, ABSENT) for name in self.classes})


def frozen_part(photos: Path, part: str, version: Path | None = None) -> Frozen:
    """One part of a dataset version, or of the split of all source folders.

    Args:
        photos: the dataset folder.
        version: folder of the version; its photos are proven to be the ones it was built of.

    Raises:
        SpokenError: when there is no such part, or labels, photos or the version cannot be read.
    """
    parts = labelled_parts(photos, part, version)
    return Frozen(version_address(version) if version else None, part, parts[part], parts.get("train", ()))


def compare(
    challenger: Release,
    champion: Release,
    frozen: Frozen,
    draws: int = DRAWS,
    seed: int = 0,
    seen: Callable[[], object] = lambda: None,
) -> Comparison:
    """Judge both and write down all that a promotion is decided on.

    Args:
        seen: called after each photo that one of the two has judged.

    Raises:
        GateError: when both are the same release.
    """
    if challenger.card.onnx_sha256 == champion.card.onnx_sha256:
        raise GateError(
            "{name} and {champion} are the same model; there is nothing to compare",
            name=challenger.address, champion=champion.address,
        )  # fmt: skip
    records = frozen.records
    subjects = _subjects(champion.card, challenger.card)
    old, new = (
        _scored(judge(records, reference_detector(release), seen), release.card, subjects)
        for release in (champion, challenger)
    )
    return Comparison(
        created=datetime.now(UTC),
        champion=_side(champion),
        challenger=_side(challenger),
        frozen_set=FrozenSet(
            version=frozen.version,
            part=frozen.part,
            digest=data_digest(records),
            photos=len(records),
            groups=len({each.group for each in records}),
        ),
        draws=draws,
        seed=seed,
        rows=tuple(compare_scored(subjects, champion.card.class_names, old, new, draws, seed)),
        leak=check_leaks(challenger, frozen),
        champion_leak=check_leaks(champion, frozen),
        curves=tuple(_curves(subjects, old, new)),
    )


def check_leaks(release: Release, frozen: Frozen) -> LeakCheck:
    """Whether a release was trained on judged photos or on their groups, as far as that can be shown.

    Its own list of training photos counts; without one, the training part of the same split, if the card
    names its digest.
    """
    learned = read_trained_on(release)
    if learned is not None:
        photos, groups, proof = learned.photos, learned.groups, "photo list"
    elif release.card.training and data_digest(frozen.train) == release.card.training.train_digest:
        photos = frozenset(_digests(frozen.train).values())
        groups, proof = frozenset(each.group for each in frozen.train), "recomputed split"
    else:
        return LeakCheck(proof="none")
    digests = _digests(frozen.records)
    shared = [f"{each.source}/{each.image.name}" for each in frozen.records if digests[each.image] in photos]
    both = sorted({record.group for record in frozen.records} & groups)
    return LeakCheck.model_validate(
        {
            "proof": proof, "shared_photos": len(shared), "shared_groups": len(both),
            "photos": shared[:NAMED_LEAKS], "groups": both[:NAMED_LEAKS],
        }
    )  # fmt: skip


def _digests(records: Sequence[LabelRecord]) -> dict[Path, str]:
    """First digits of each photo's sha256, as `trained_on.txt` has them."""
    found = digest_photos(each.image for each in records)
    for path, reason in found.faults.items():
        raise GateError("{path}: the photo cannot be read ({reason}); restore it", path=path, reason=reason)
    return {path: digest.sha256[:DIGEST_LENGTH] for path, digest in found.of.items()}


def _side(release: Release) -> Side:
    return Side(address=release.address, card_sha256=release.card_sha256(), classes=release.card.class_names)


def _subjects(champion: Card, challenger: Card) -> list[Subject]:
    """Every class of either release, then every condition that one of them is a lead for."""
    taxonomy = default_taxonomy()
    present = {*champion.class_names, *challenger.class_names}
    names = [name for name in taxonomy.names if name in present]
    classes = [Subject("class", name, (name,), taxonomy[name].condition is not None) for name in names]
    pooled = {
        condition: tuple(name for name in names if condition in taxonomy.leads_of(name))
        for condition in taxonomy.conditions
    }
    return [
        *classes,
        *(Subject("condition", name, members, True) for name, members in pooled.items() if members),
    ]


def _scored(judged: Sequence[Judged], card: Card, subjects: Sequence[Subject]) -> dict[str, Scored]:
    return {subject.name: score(judged, subject.of(card)) for subject in subjects}


def compare_scored(
    subjects: Sequence[Subject],
    served: Sequence[str],
    champion: Mapping[str, Scored],
    challenger: Mapping[str, Scored],
    draws: int,
    seed: int,
) -> Iterator[Row]:
    """The mean over the condition classes that the champion has, the conditions, the classes.

    Args:
        served: classes of the champion.
        champion, challenger: name of a subject -> what was seen of it; the same photos in the same order.
    """
    averaged = [each.name for each in subjects if each.gated and each.name in served]
    mean = paired_difference(champion, challenger, averaged, draws, seed)[-1:]
    yield from (_row(each, Subject("mean", MEAN, (), True)) for each in mean)
    by_name = {each.name: each for each in subjects}
    for kind in ("condition", "class"):
        names = [each.name for each in subjects if each.kind == kind]
        for each in paired_difference(champion, challenger, names, draws, seed)[:-1]:
            yield _row(each, by_name[each.name])


def _row(measured: Difference, subject: Subject) -> Row:
    return Row(
        kind=subject.kind,
        name=subject.name,
        boxes=measured.boxes,
        groups=measured.groups,
        champion=_rounded(measured.champion),
        challenger=_rounded(measured.challenger),
        low=None if np.isnan(measured.low) else _rounded(measured.low),
        high=None if np.isnan(measured.high) else _rounded(measured.high),
        p_worse=measured.p_worse,
        gated=subject.gated,
    )


def _curves(
    subjects: Sequence[Subject], champion: Mapping[str, Scored], challenger: Mapping[str, Scored]
) -> Iterator[Curve]:
    for subject in subjects:
        if subject.gated and len(champion[subject.name].label_photos):
            old, new = curve(champion[subject.name]), curve(challenger[subject.name])
            yield Curve(
                name=subject.name,
                champion_recall=_thinned(old.recall),
                champion_precision=_thinned(old.precision),
                challenger_recall=_thinned(new.recall),
                challenger_precision=_thinned(new.precision),
            )


def _thinned(values: NDArray[np.float64]) -> tuple[float, ...]:
    """At most `CURVE_POINTS` of the values, evenly, the first and the last among them."""
    if not len(values):
        return ()
    at = np.unique(np.linspace(0, len(values) - 1, CURVE_POINTS).round().astype(int))
    return tuple(_rounded(value) for value in values[at])


def _rounded(value: float) -> float:
    return round(float(value), 4)
