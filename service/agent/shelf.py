"""Photo files of the spool: whole or not there, and room on their disk."""

import contextlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from streetsight.models.durable import replace_file, sync_folder
from streetsight.service.agent.opening import ASIDE, spoken

BALLAST_BYTES = 1 << 20

log = structlog.get_logger(__name__)


class Shelf:
    """The folder `photos`, by digest, and the ballast beside it."""

    def __init__(self, folder: Path) -> None:
        """Raises SpoolError when the folder cannot be used."""
        self.folder, self._photos, self._ballast = folder, folder / "photos", folder / "ballast"
        with spoken(folder):
            self._photos.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(folder)

    def write(self, name: str, content: bytes) -> str:
        """Durably, under a name that begins with the digest; gives where. Raises SpoolFull, SpoolError."""
        with spoken(self.folder):
            shelf = self._photos / name[:2]
            if not shelf.is_dir():
                shelf.mkdir(mode=0o700, exist_ok=True)
                sync_folder(self._photos)
            replace_file(shelf / name, content)
        return f"{name[:2]}/{name}"

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

    def set_aside(self) -> None:
        """Put photos that nobody knows anything of where a person finds them, and can send them from."""
        if not self.files():
            return
        with spoken(self.folder):
            aside = self.folder / f"{ASIDE}-{time.strftime('%Y%m%d-%H%M%S')}"
            self._photos.rename(aside)
            self._photos.mkdir(mode=0o700)
            sync_folder(self.folder)
        log.warning("photos_without_spool", folder=str(aside), send_with=f"--source {aside}")

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
