"""What changed between two dataset versions, photo by photo and class by class."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from streetsight.datasets.manifest import Manifest, Photo


@dataclass(frozen=True, slots=True)
class Change:
    """One photo that differs; `before` and `after` say in what, "" where it is not there."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Differences from version a to version b.

    A photo is the same photo when its source and its content are; a file that was renamed is no change of
    the photo, one that was overwritten is one photo removed and one added.

    Attributes:
        boxes: class -> number of boxes in a and in b, for every class.
        facts: taxonomy version and origins, where they differ.
    """

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    moved: tuple[Change, ...]
    relabelled: tuple[Change, ...]
    regrouped: tuple[Change, ...]
    renamed: tuple[Change, ...]
    relicensed: tuple[Change, ...]
    facts: tuple[Change, ...]
    boxes: dict[str, tuple[int, int]]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return any(getattr(self, name) for name in KINDS)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


KINDS = ("added", "removed", "moved", "relabelled", "regrouped", "renamed", "relicensed", "facts")


def diff_versions(a: Manifest, b: Manifest) -> Diff:
    """From a to b; each list is ordered by file."""
    before, after = _by_content(a), _by_content(b)
    pairs = [(before[key], after[key]) for key in before.keys() & after.keys()]
    one, other = _boxes(a), _boxes(b)
    return Diff(
        added=_sorted(Change(p.file, "", p.part) for key in after.keys() - before.keys() for p in after[key]),
        removed=_sorted(
            Change(p.file, p.part, "") for key in before.keys() - after.keys() for p in before[key]
        ),
        moved=_changes(pairs, lambda photo: photo.part),
        relabelled=_changes(pairs, _labels),
        regrouped=_changes(pairs, lambda photo: photo.group),
        renamed=_changes(pairs, lambda photo: photo.file),
        relicensed=_changes(pairs, lambda photo: photo.licence),
        facts=_facts(a, b),
        boxes={name: (one[name], other[name]) for name in sorted(one | other)},
    )


Copies = list[Photo]  # files with one source and one content


def _by_content(manifest: Manifest) -> dict[tuple[str, str], Copies]:
    photos: dict[tuple[str, str], Copies] = defaultdict(list)
    for photo in manifest.photos:
        photos[photo.source, photo.sha256].append(photo)
    return photos


def _changes(pairs: Iterable[tuple[Copies, Copies]], aspect: Callable[[Photo], str]) -> tuple[Change, ...]:
    changes = []
    for before, after in pairs:
        old, new = (", ".join(sorted({aspect(photo) for photo in copies})) for copies in (before, after))
        if old != new:
            changes.append(Change(after[0].file, old, new))
    return _sorted(changes)


def _labels(photo: Photo) -> str:
    """Boxes, and the classes that were looked for without being found."""
    boxes = [f"{name} {' '.join(map(str, sides))}" for name, *sides in photo.boxes]
    absent = [f"no {name}" for name in photo.labelled if name not in {box[0] for box in photo.boxes}]
    return "; ".join(boxes + absent)


def _facts(a: Manifest, b: Manifest) -> tuple[Change, ...]:
    before, after = _stated(a), _stated(b)
    return _sorted(
        Change(name, before.get(name, ""), after.get(name, ""))
        for name in before | after
        if before.get(name) != after.get(name)
    )


def _stated(manifest: Manifest) -> dict[str, str]:
    origins = {
        f"{source} {key}": value
        for source, stated in manifest.origins.items()
        for key, value in stated.items()
    }
    return {"taxonomy": manifest.taxonomy, **origins}


def _boxes(manifest: Manifest) -> Counter[str]:
    return Counter(box[0] for photo in manifest.photos for box in photo.boxes)


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: change.file))
