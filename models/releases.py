"""Releases: folders holding `model.onnx` and `card.json`, addressed by name and digest.

`releases/current` names the release in force.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from streetsight.models.card import Card, CardError, read_card
from streetsight.models.language import SpokenError

SHIPPED = Path(__file__).with_name("releases")
ONNX_NAME, CARD_NAME, CURRENT_NAME = "model.onnx", "card.json", "current"


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


def load_release(name_or_folder: str | Path | None = None, root: Path = SHIPPED) -> Release:
    """The release in force, one by name under `root`, or one in a folder of its own.

    Raises:
        ReleaseError: saying what is missing or does not match, and what to do.
    """
    folder = _folder(name_or_folder, root)
    onnx = folder / ONNX_NAME
    try:
        card = read_card(folder / CARD_NAME)
    except CardError as error:
        raise ReleaseError("{reason}", reason=error) from error
    try:
        digest = hashlib.sha256(onnx.read_bytes()).hexdigest()
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


def list_releases(root: Path = SHIPPED) -> list[str]:
    """Names of the releases under `root`, in order; drafts (`.name.draft`) are none."""
    names = (path.parent.name for path in root.glob(f"*/{CARD_NAME}"))
    return sorted(name for name in names if not name.startswith("."))


def current_name(root: Path = SHIPPED) -> str:
    """Name of the release in force.

    Raises:
        ReleaseError: when none was chosen.
    """
    try:
        return (root / CURRENT_NAME).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ReleaseError(
            "{path}: no release is in force ({reason})", path=root / CURRENT_NAME, reason=error.strerror
        ) from error


def _folder(name_or_folder: str | Path | None, root: Path) -> Path:
    if name_or_folder is None:
        return root / current_name(root)
    for folder in (Path(name_or_folder), root / name_or_folder):
        if folder.is_dir():
            return folder
    known = ", ".join(list_releases(root)) or "none"
    raise ReleaseError(
        "no release named {name} and no such folder; shipped releases: {known}",
        name=name_or_folder,
        known=known,
    )
