"""Where derived copies are kept: beside the originals, never with them, and worth no back-up.

A copy is named by the digest of its original and by how it was made, so that it is found, or made again, by
anyone, and that all copies of an original can be forgotten with it. Nothing is synced: a lost copy is made
again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import spread
from streetsight.service.files.opening import open_bucket
from streetsight.service.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FOLDER = "derived"
RETRY_SECONDS = 10.0


class Copies:
    """Copies of originals. Safe to use from several threads and processes at once."""

    def __init__(self, store: "ObjectStore") -> None:
        self._store = store

    def get(self, sha256: str, name: str) -> bytes | None:
        """A copy of an original; None when it was not made yet, or is lost."""
        with _spoken():
            try:
                return bytes(obstore.get(self._store, f"{spread(sha256)}/{name}").bytes())
            except (NotFoundError, FileNotFoundError):
                return None

    def put(self, sha256: str, name: str, content: bytes) -> None:
        """Keep a copy; readers see all of it or nothing."""
        with _spoken():
            obstore.put(self._store, f"{spread(sha256)}/{name}", content)

    def forget(self, sha256: str) -> None:
        """Delete all copies of an original."""
        with _spoken():
            for page in obstore.list(self._store, f"{spread(sha256)}/"):
                obstore.delete(self._store, [each["path"] for each in page])


def open_copies(settings: Settings) -> Copies:
    """The store of copies: a folder `derived` in the data folder, or below the bucket's prefix.

    Raises:
        FilesError: when the URL is of no storage that we speak.
    """
    if settings.files_url is not None:
        return Copies(open_bucket(settings, FOLDER))
    return Copies(LocalStore(settings.data_folder / FOLDER, mkdir=True))


@contextmanager
def _spoken() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise Unavailable(
            "the storage of copies does not answer as it should ({reason})",
            reason=str(error).partition("\n")[0][:300], retry_after_seconds=RETRY_SECONDS,
        ) from error  # fmt: skip
