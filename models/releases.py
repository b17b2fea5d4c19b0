"""Releases: folders holding `model.onnx` and `card.json`, addressed by name and digest.

Names are looked up in the operator's own registry, if there is one, then among the shipped releases.
The file `current` of a registry names the release in force, in its first line.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streetsight.models.card import Card, CardError, read_card
from streetsight.models.language import SpokenError

SHIPPED = Path(__file__).with_name("releases")
ONNX_NAME, CARD_NAME, TRAINED_ON_NAME, CURRENT_NAME = "model.onnx", "card.json", "trained_on.txt", "current"
REGISTRY_VARIABLE = "STREETSIGHT_RELEASES"


class ReleaseError(SpokenError):
    """A release is missing, damaged, or its card speaks of another file."""


@dataclass(frozen=True, slots=True)
class Release:
    """An ONNX file that matches its card."""

    onnx: Path
    card: Card

    @property
    def address(self) -> str:
        return self.card.address

    @property
    def folder(self) -> Path:
        return self.onnx.parent

    def card_sha256(self) -> str:
        """Digest of the card as it is stored: with it, everything that the card binds."""
        return file_sha256(self.folder / CARD_NAME)


def search_path(
    registry: Path | None = None, environment: Mapping[str, str] = os.environ
) -> tuple[Path, ...]:
    """Folders in which names are looked up: `registry` or `STREETSIGHT_RELEASES`, then the shipped.

    Raises:
        ReleaseError: when the operator's folder does not exist; going on would quietly use another release.
    """
    own = registry or (Path(name) if (name := environment.get(REGISTRY_VARIABLE)) else None)
    if own is None or own.resolve() == SHIPPED.resolve():
        return (SHIPPED,)
    if not own.is_dir():
        raise ReleaseError(
            "{path}: no such registry folder; make it, or correct --registry or STREETSIGHT_RELEASES",
            path=own,
        )
    return (own, SHIPPED)


def load_release(name_or_folder: str | Path | None = None, roots: Sequence[Path] | None = None) -> Release:
    """The release in force, one by name under `roots`, or one in a folder of its own.

    Args:
        roots: `search_path()` when None.

    Raises:
        ReleaseError: saying what is missing or does not match, and what to do.
    """
    folder = _folder(name_or_folder, search_path() if roots is None else roots)
    onnx = folder / ONNX_NAME
    try:
        card = read_card(folder / CARD_NAME)
    except CardError as error:
        raise ReleaseError("{reason}", reason=error) from error
    try:
        digest = file_sha256(onnx)
    except OSError as error:
        raise ReleaseError(
            "{path}: the model file cannot be read ({reason}); restore it or choose another release",
            path=onnx, reason=error.strerror,
        ) from error  # fmt: skip
    if digest != card.onnx_sha256:
        raise ReleaseError(
            "{path}: its sha256 starts with {actual}, but the card describes {expected}; the file is damaged "
            "or belongs to another card: restore both from the same release",
            path=onnx, actual=digest[:12], expected=card.onnx_sha256[:12],
        )  # fmt: skip
    return Release(onnx, card)


def list_releases(roots: Sequence[Path] | None = None) -> list[str]:
    """Names of the releases under `roots`, in order; drafts (`.name.draft`) are none."""
    found = {
        path.parent.name
        for root in (search_path() if roots is None else roots)
        for path in root.glob(f"*/{CARD_NAME}")
    }
    return sorted(name for name in found if not name.startswith("."))


def current_name(roots: Sequence[Path] | None = None) -> str:
    """Name of the release in force: what the first of `roots` that has chosen one says.

    Raises:
        ReleaseError: when none was chosen.
    """
    places = [root / CURRENT_NAME for root in (search_path() if roots is None else roots)]
    path = next((each for each in places if each.exists()), places[-1])
    try:
        name = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except OSError as error:
        raise ReleaseError(
            "{path}: no release is in force ({reason})", path=path, reason=error.strerror
        ) from error
    if not name:
        raise ReleaseError("{path}: is empty; write the name of the release to use into it", path=path)
    return name


def find_release(name: str, roots: Sequence[Path]) -> Path | None:
    """Folder of the release of this name, or None; a name is never a path."""
    if not name or Path(name).name != name or name.startswith("."):
        return None
    return next((root / name for root in roots if (root / name).is_dir()), None)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(name_or_folder: str | Path | None, roots: Sequence[Path]) -> Path:
    if name_or_folder is None:
        name = current_name(roots)
        folder = find_release(name, roots)
        if folder is None:
            raise ReleaseError(
                "{name}, the release in force, is not in {places}; restore its folder, or roll back with "
                "`streetsight models rollback`",
                name=name, places=", ".join(map(str, roots)),
            )  # fmt: skip
        return folder
    if Path(name_or_folder).is_dir():
        return Path(name_or_folder)
    folder = find_release(str(name_or_folder), roots)
    if folder is None:
        known = ", ".join(list_releases(roots)) or "none"
        raise ReleaseError(
            "no release named {name} and no such folder; known releases: {known}",
            name=name_or_folder,
            known=known,
        )
    return folder
