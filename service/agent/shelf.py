"""Photo files of the spool: whole or not there, and room on their disk."""

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from streetsight.models.durable import replace_file, sync_folder
from streetsight.service.agent.opening import spoken

BALLAST_BYTES = 1 << 20


class Shelf:
    """The folder `photos`, by digest, and the ballast beside it."""

    def __init__(self, folder: Path) -> None:
        """Raises SpoolError when the folder cannot be used."""
        self.folder, self._photos, self._ballast = folder, folder / "photos", folder / "ballast"
        with spoken(folder):
            self._photos.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder)

    def write(self, sha256: str, content: bytes, redacted: bool) -> str:
        """Durably; gives the file's name. Raises SpoolFull, SpoolError."""
        with spoken(self.folder):
            shelf = self._photos / sha256[:2]
            if not shelf.is_dir():
                shelf.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._photos)
            name = f"{sha256}.redacted" if redacted else sha256
            replace_file(shelf / name, content)
        return f"{sha256[:2]}/{name}"

    def read(self, file: str) -> bytes:
        """Nothing for a file that cannot be read."""
        try:
            return (self._photos / file).read_bytes()
        except OSError:
            return b""

    def remove(self, files: Iterable[str]) -> None:
        for file in files:
            with contextlib.suppress(OSError):  # the next start tries again
                (self._photos / file).unlink(missing_ok=True)

    def files(self) -> set[str]:
        """All that are there, drafts too."""
        with spoken(self.folder):
            return {f"{path.parent.name}/{path.name}" for path in self._photos.glob("*/*")}

    def free_bytes(self) -> int:
        """On the disk."""
        with spoken(self.folder):
            return shutil.disk_usage(self.folder).free

    def lay_ballast(self, min_free_bytes: int) -> None:
        """A file to be thrown off when the disk is so full that not even an eviction could be logged."""
        if self.free_bytes() > BALLAST_BYTES + min_free_bytes and not self._ballast.exists():
            with spoken(self.folder):
                replace_file(self._ballast, bytes(BALLAST_BYTES))

    def throw_ballast(self) -> None:
        self._ballast.unlink(missing_ok=True)
