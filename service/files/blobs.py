"""Content-addressed storage: the interface, and which implementation a URL means.

A blob is immutable and named by the sha256 of its bytes, so putting it twice is putting it once, and a
crash between storing bytes and writing their row leaves at worst bytes that nobody names.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from streetsight.service.faults import NotFound

_SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 256 * 1024
SHARDS = tuple(f"{number:02x}" for number in range(256))


class NoBlob(NotFound):
    """The bytes of this digest are not here."""

    code = "no_blob"


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob that is here. Attributes: put_at: when it was stored, by the storage's clock."""

    sha256: str
    size_bytes: int
    put_at: datetime


class Blobs(Protocol):
    """Bytes by digest. Methods may be called from several threads and processes at once.

    All raise `Unavailable` when the storage does not answer, and `put` raises `StorageFull` before there
    is no room left.
    """

    def put(self, content: bytes, sha256: str | None = None) -> str:
        """Store bytes and give their sha256. When this returns they survive a power cut.

        Args:
            sha256: theirs, from who has just computed it.
        """

    def get(self, sha256: str) -> bytes:
        """All bytes of a blob. Raises NoBlob."""

    def stream(self, sha256: str) -> Iterator[bytes]:
        """A blob in chunks. Raises NoBlob at once, not while the answer is under way."""

    def exists(self, sha256: str) -> bool:
        """Whether the blob is here."""

    def delete(self, sha256: str) -> None:
        """Forget a blob; one that is not here is forgotten already."""

    def stored(self, shard: str) -> Iterator[Stored]:
        """Blobs whose digest begins with these two digits, in no order; one put meanwhile may be missing."""

    def link(self, sha256: str, seconds: int) -> str | None:
        """A URL that shows the blob to whoever has it, for so long; None where the storage has none."""

    def free_bytes(self) -> int | None:
        """Room that is left; None where there is no limit to see."""

    def check(self) -> None:
        """Find out whether blobs could be stored now. Raises what `put` would."""


def digest_of(content: bytes) -> str:
    """sha256, hex."""
    return hashlib.sha256(content).hexdigest()


def checked(sha256: str) -> str:
    """The digest, if it is one: it becomes part of a path.

    Raises:
        ValueError: otherwise.
    """
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"expected a sha256 as 64 hexadecimal digits, got {sha256[:80]!r}")
    return sha256


def spread(sha256: str) -> str:
    """Relative path of a blob, over 256 folders: millions of names in one folder are slow to list."""
    return f"{checked(sha256)[:2]}/{sha256}"


def is_digest(name: str) -> bool:
    """Whether a name may be that of a blob."""
    return _SHA256.fullmatch(name) is not None


def missing(sha256: str) -> NoBlob:
    return NoBlob("no bytes are stored under {sha256}", sha256=sha256)
