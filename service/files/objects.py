"""Blobs in S3-compatible object storage. A put is whole or not at all; the storage makes it durable."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import CHUNK_BYTES, Stored, digest_of, is_digest, missing, spread

RETRY_SECONDS, REFUSED_RETRY_SECONDS = 10.0, 60.0


class NoRights(Unavailable):
    """The bucket is there, and may not be used. Somebody has to change that; then all goes on."""

    code = "storage_refuses"


class NoBucket(Unavailable):
    """The storage is there, the bucket is not: that says nothing about any photo."""

    code = "no_bucket"


class ObjectBlobs:
    """See `Blobs`."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def put(self, content: bytes, sha256: str | None = None) -> str:
        sha256 = sha256 or digest_of(content)
        with _spoken():
            obstore.put(self._store, spread(sha256), content)
        return sha256

    def get(self, sha256: str) -> bytes:
        return b"".join(self.stream(sha256))

    def stream(self, sha256: str) -> Iterator[bytes]:
        with _spoken():
            try:
                found = obstore.get(self._store, spread(sha256))
            except (NotFoundError, FileNotFoundError):
                self.check()  # else a bucket that somebody renamed would be a photo that is gone
                raise missing(sha256) from None

        def chunks() -> Iterator[bytes]:
            with _spoken():
                for chunk in found.stream(min_chunk_size=CHUNK_BYTES):
                    yield bytes(chunk)

        return chunks()

    def exists(self, sha256: str) -> bool:
        with _spoken():
            try:
                obstore.head(self._store, spread(sha256))
            except (NotFoundError, FileNotFoundError):
                self.check()
                return False
        return True

    def delete(self, sha256: str) -> None:
        with _spoken():
            try:
                obstore.delete(self._store, spread(sha256))
            except (NotFoundError, FileNotFoundError):
                self.check()

    def stored(self, shard: str) -> Iterator[Stored]:
        with _spoken():
            for found in obstore.list(self._store, prefix=shard):
                for each in found:
                    name = each["path"].rpartition("/")[2]
                    if is_digest(name):
                        yield Stored(name, each["size"], each["last_modified"])

    def link(self, sha256: str, seconds: int) -> str | None:
        with _spoken():
            return obstore.sign(self._store, "GET", spread(sha256), timedelta(seconds=seconds))

    def free_bytes(self) -> int | None:
        return None

    def check(self) -> None:
        with _spoken():
            next(iter(obstore.list(self._store, chunk_size=1)), None)


@contextmanager
def _spoken() -> Iterator[None]:
    """Failures of the storage, in words for people."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise _fault(error) from error


def _fault(error: Exception) -> Unavailable:
    # obstore has a class of its own for this only where one object is concerned
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or "403 Forbidden" in str(error):
        return NoRights(
            "the object storage refuses access: give the key of STREETSIGHT_S3_ACCESS_KEY_ID the rights to "
            "list the bucket and to read, write and delete below the prefix of STREETSIGHT_FILES_URL; "
            "nothing was stored",
            retry_after_seconds=REFUSED_RETRY_SECONDS,
        )
    if "<Code>NoSuchBucket</Code>" in str(error):
        return NoBucket(
            "the object storage has no such bucket as STREETSIGHT_FILES_URL names: create it, or correct the "
            "URL; nothing was stored",
            retry_after_seconds=REFUSED_RETRY_SECONDS,
        )
    return Unavailable(
        "the object storage does not answer as it should ({reason}); nothing was stored",
        reason=str(error).partition("\n")[0][:300], retry_after_seconds=RETRY_SECONDS,
    )  # fmt: skip
