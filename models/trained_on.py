"""The list of photos that a release learned from, without the photos: proof that none was judged.

`trained_on.txt` has a line per photo: the first 16 hex digits of its file's sha256, a tab, its group.
The card binds the list by `training.trained_on_sha256`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streetsight.models.releases import TRAINED_ON_NAME, Release, ReleaseError, file_sha256

DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What a release learned from.

    Attributes:
        photos: first `DIGEST_LENGTH` hex digits of each photo's sha256.
        groups: keys of the groups that the photos belong to.
    """

    photos: frozenset[str]
    groups: frozenset[str]


def write_trained_on(rows: Iterable[tuple[str, str]], folder: Path) -> str:
    """Write the list into a release's folder and return its sha256, for the card.

    Args:
        rows: sha256 of a photo's file in hex, key of its group.
    """
    lines = sorted({f"{digest[:DIGEST_LENGTH]}\t{group}" for digest, group in rows})
    path = folder / TRAINED_ON_NAME
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file_sha256(path)


def read_trained_on(release: Release) -> TrainedOn | None:
    """The list of a release, or None when its card binds none.

    Raises:
        ReleaseError: when the list that the card binds is missing or another one.
    """
    training = release.card.training
    if training is None or training.trained_on_sha256 is None:
        return None
    expected = training.trained_on_sha256
    path = release.folder / TRAINED_ON_NAME
    try:
        actual = file_sha256(path)
    except OSError as error:
        raise ReleaseError(
            "{path}: the list of training photos that the card binds cannot be read ({reason}); restore it",
            path=path, reason=error.strerror,
        ) from error  # fmt: skip
    if actual != expected:
        raise ReleaseError(
            "{path}: its sha256 starts with {actual}, but the card binds {expected}; restore the list that "
            "was written with this release",
            path=path, actual=actual[:12], expected=expected[:12],
        )  # fmt: skip
    rows = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return TrainedOn(frozenset(row[0] for row in rows), frozenset(row[-1] for row in rows))
