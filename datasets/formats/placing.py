"""Write beside the target, then rename: whoever looks sees the old state or the new one, nothing between."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streetsight.datasets.formats.labels import ExchangeError


@contextmanager
def drafts(parent: Path) -> Iterator[Path]:
    """A hidden folder in `parent` for drafts; gone afterwards, with whatever was not placed.

    Folders that had to be made for it go too when nothing was placed.

    Raises:
        ExchangeError: for a full disk and other trouble of writing.
    """
    made = [each for each in (parent, *parent.parents) if not each.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=parent))
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            for folder in made:
                if not any(folder.iterdir()):
                    folder.rmdir()
    except OSError as error:
        raise _spoken(error, parent) from error


def place(pairs: list[tuple[Path, Path]], draft: Path) -> None:
    """Rename each draft to its target; what is there moves into `draft` first. All, or after a fault none."""
    done: list[tuple[Path, Path, Path | None]] = []
    try:
        for index, (made, target) in enumerate(pairs):
            target.parent.mkdir(parents=True, exist_ok=True)
            old = draft / f"replaced-{index}" if target.exists() else None
            if old:
                os.rename(target, old)
            done.append((made, target, old))
            os.rename(made, target)
    except OSError:
        for made, target, old in reversed(done):
            if target.exists():
                os.rename(target, made)
            if old:
                os.rename(old, target)
        raise


def refuse_existing(target: Path, replace: bool) -> None:
    """Never write over what is there unless told to.

    Raises:
        ExchangeError: naming the target.
    """
    if not replace and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise ExchangeError("{path} is there already; choose another name, or add --replace", path=target)


def _spoken(error: OSError, parent: Path) -> ExchangeError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ExchangeError(
            "no room left in {path}: nothing was kept; free some space and try again", path=parent
        )
    return ExchangeError("cannot write to {path}: {reason}", path=parent, reason=error.strerror or error)
