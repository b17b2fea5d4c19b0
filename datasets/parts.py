"""The parts that a model learns from and is judged on: a frozen version's, or the split of all sources."""

from pathlib import Path

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import LabelError, read_sources
from streetsight.datasets.splits import check_leak_free, split_by_group
from streetsight.datasets.versions import read_version
from streetsight.models.language import SpokenError


class PartError(SpokenError):
    """The photos of a part cannot be had."""


def read_parts(photos: Path, version: Path | None = None) -> dict[str, list[LabelRecord]]:
    """Part name -> records, leak-free.

    Args:
        photos: folder with `sources/<name>/`.
        version: a dataset version built from it; without one the sources are split here.

    Raises:
        PartError: a source folder cannot be read.
        VersionError: photos of the version are missing or changed.
        LeakError: a group straddles parts.
    """
    try:
        parts = read_version(version, photos) if version else split_by_group(read_sources(photos))
    except LabelError as error:
        raise PartError("{reason}", reason=error) from error
    check_leak_free(parts)
    return parts
