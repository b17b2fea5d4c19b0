"""The photos to choose from: folders, archives, or the list that `streetsight detect` wrote."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from streetsight.inference.reading import PhotoError
from streetsight.inference.sources import PhotoSource, find_photos
from streetsight.models.language import SpokenError

LIST_SUFFIX, ARCHIVE_SUFFIX = ".jsonl", ".zip"


class SuggestionError(SpokenError):
    """The request cannot be carried out."""


def pool_sources(paths: Sequence[str]) -> list[PhotoSource]:
    """Photos behind paths, in order, none twice; a list may name photos that are gone.

    Raises:
        NoPhotosError: for a path that leads to no photo.
        SuggestionError: for a list with a line that names no photo.
    """
    found: dict[str, PhotoSource] = {}
    for path in paths:
        sources = _listed(Path(path)) if path.lower().endswith(LIST_SUFFIX) else find_photos([path])
        for source in sources:
            found.setdefault(source.name, source)
    return list(found.values())


def _listed(path: Path) -> list[PhotoSource]:
    names = _names(path)
    files = dict.fromkeys(_file_of(name) for name in names)
    present = [each for each in files if os.path.exists(each)]
    sources = {each.name: each for each in (find_photos(present) if present else [])}
    return [sources.get(name) or PhotoSource(name, _gone) for name in names]


def _names(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SuggestionError("{path}: cannot be read ({reason})", path=path, reason=error) from error
    names = []
    for number, line in enumerate(lines, start=1):
        try:
            names.append(str(json.loads(line)["image"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SuggestionError(
                "{path}, line {line}: expected an object with `image`, as `streetsight detect` writes it",
                path=path, line=number,
            ) from error  # fmt: skip
    return names


def _file_of(name: str) -> str:
    """The file that holds a photo: itself, or the archive in whose name it stands."""
    archive, mark, _ = name.partition(f"{ARCHIVE_SUFFIX}/")
    return archive + ARCHIVE_SUFFIX if mark and os.path.isfile(archive + ARCHIVE_SUFFIX) else name


def _gone() -> bytes:
    raise PhotoError("unreadable", "the file cannot be read ({reason})", reason="No such file or directory")
