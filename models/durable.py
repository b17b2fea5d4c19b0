"""Writing that a crash cannot leave half done: to a draft, synced, then renamed over the old.

After each function returns, what it wrote survives a power cut.
"""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes, draft: Path | None = None) -> None:
    """Put `content` at `path`: at any moment readers find the old file whole or the new one whole.

    Args:
        draft: where it is written first, on the same filesystem; beside `path` when not given.
    """
    draft = draft or path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to a file; what a killed writer left without an end of line is taken away first."""
    new = not path.exists()
    with path.open("ab+") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_folder(path.parent)


def place_folder(draft: Path, target: Path) -> None:
    """Rename a folder of plain files into its place once all of it is on the disk."""
    for path in draft.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(draft)
    os.rename(draft, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
