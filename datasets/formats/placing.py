"""Write beside the target, then rename: whoever looks sees the old state or the new one, nothing between.

A command that was killed leaves its draft behind. The next one to the same place takes back what it had
half placed and clears the draft away; a draft in use is locked by its process and left alone.
"""

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from streetsight.datasets.formats.labels import ExchangeError
from streetsight.models.durable import replace_file

PREFIX, JOURNAL_NAME = ".streetsight-draft-", "placing.json"

Pairs = Sequence[tuple[Path, Path]]
"""Draft and target of each thing to place."""


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
        draft, lock = _new_draft(parent)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
            os.close(lock)
            for folder in made:
                if not any(folder.iterdir()):
                    folder.rmdir()
    except OSError as error:
        raise _spoken(error, parent) from error


def clear_abandoned(parent: Path) -> int:
    """Clear away the drafts in `parent` that no living process owns, and say how many there were.

    What a killed command had begun to place is taken back first: the old state is whole again.

    Raises:
        ExchangeError: for trouble of writing.
    """
    cleared = 0
    try:
        for draft in sorted(parent.glob(f"{PREFIX}*")):
            lock = _locked(draft)
            if lock is None:
                continue
            try:
                _undo(_read_journal(draft), draft)
                shutil.rmtree(draft)
                cleared += 1
            finally:
                os.close(lock)
    except OSError as error:
        raise _spoken(error, parent) from error
    return cleared


def place(pairs: Pairs, draft: Path) -> None:
    """Rename each draft to its target; what is there moves into `draft` first. All, or after a fault none."""
    rows = [(os.path.relpath(made, draft), os.path.relpath(target, draft.parent)) for made, target in pairs]
    replace_file(draft / JOURNAL_NAME, json.dumps(rows).encode())
    try:
        for index, (made, target) in enumerate(pairs):
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                os.rename(target, _old(draft, index))
            os.rename(made, target)
    except OSError:
        _undo(pairs, draft)
        raise


def refuse_existing(target: Path, replace: bool) -> None:
    """Never write over what is there unless told to.

    Raises:
        ExchangeError: naming the target.
    """
    if not replace and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
        raise ExchangeError("{path} is there already; choose another name, or add --replace", path=target)


def _undo(pairs: Pairs, draft: Path) -> None:
    """Take back what was placed, unless all of it was."""
    if not any(made.exists() for made, _ in pairs):
        return
    for index, (made, target) in reversed(list(enumerate(pairs))):
        if not made.exists() and target.exists():
            os.rename(target, made)
        if _old(draft, index).exists():
            os.rename(_old(draft, index), target)


def _old(draft: Path, index: int) -> Path:
    """Where what lay at the target of a pair is kept meanwhile."""
    return draft / f"replaced-{index}"


def _read_journal(draft: Path) -> Pairs:
    path = draft / JOURNAL_NAME
    if not path.exists():
        return ()
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [(draft / made, draft.parent / target) for made, target in rows]


def _new_draft(parent: Path) -> tuple[Path, int]:
    """A folder of our own and the handle that locks it."""
    while True:  # another command may find it before it is locked, and clear it away
        draft = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(FileNotFoundError):
            lock = os.open(draft, os.O_RDONLY)
            with suppress(OSError):  # a file system without locks: then nobody clears anything away
                fcntl.flock(lock, fcntl.LOCK_EX)
            if draft.exists():
                return draft, lock
            os.close(lock)


def _locked(draft: Path) -> int | None:
    """The handle that locks a draft, or None while its owner lives."""
    try:
        lock = os.open(draft, os.O_RDONLY)
    except FileNotFoundError:  # its owner has just finished
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a file system without locks: nobody knows
        os.close(lock)
        return None
    return lock


def _spoken(error: OSError, parent: Path) -> ExchangeError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ExchangeError(
            "no room left in {path}: nothing was kept; free some space and try again", path=parent
        )
    return ExchangeError("cannot write to {path}: {reason}", path=parent, reason=error.strerror or error)
