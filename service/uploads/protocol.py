"""The headers of TUS 1.0.0 (tus.io/protocols/resumable-upload), read strictly: nothing is guessed."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from streetsight.service.faults import BadHeader, WrongProtocol, WrongType

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination,checksum"
ALGORITHMS: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
CONTENT_TYPE = "application/offset+octet-stream"
_NUMBER = re.compile(r"[0-9]{1,15}")
_KEY = re.compile(r"[!-+\--~]{1,100}")  # visible ASCII without the comma
_NAMES = {"name": "filename", "type": "filetype"}  # what Uppy calls them


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


def check_version(sent: str | None) -> None:
    """Raises WrongProtocol for another version than ours."""
    if sent != VERSION:
        raise WrongProtocol(
            "this server speaks Tus-Resumable {ours}, the request says {theirs}",
            ours=VERSION, theirs=_shown(sent),
        )  # fmt: skip


def read_number(name: str, sent: str | None) -> int:
    """A length or an offset. Raises BadHeader."""
    if sent is None or not _NUMBER.fullmatch(sent):
        raise BadHeader("{name}: expected a whole number of bytes, got {sent}", name=name, sent=_shown(sent))
    return int(sent)


def check_type(sent: str | None) -> None:
    """Raises WrongType for a body that is no piece of an upload."""
    if (sent or "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise WrongType("Content-Type: expected {type}, got {sent}", type=CONTENT_TYPE, sent=_shown(sent))


def read_checksum(sent: str | None) -> Checksum | None:
    """`sha1 BASE64`. Raises BadHeader for an algorithm that we do not have, or no digest of it."""
    if sent is None:
        return None
    algorithm, _, encoded = sent.partition(" ")
    digest = _decoded(encoded)
    if algorithm not in ALGORITHMS or digest is None or len(digest) != ALGORITHMS[algorithm]().digest_size:
        raise BadHeader(
            "Upload-Checksum: expected one of {known} and its digest in base64, got {sent}",
            known=", ".join(ALGORITHMS), sent=_shown(sent),
        )  # fmt: skip
    return Checksum(algorithm, digest)


def read_metadata(sent: str | None) -> dict[str, str]:
    """`key BASE64,key BASE64`, decoded. Raises BadHeader."""
    found: dict[str, str] = {}
    for pair in (sent or "").split(",") if sent else []:
        key, _, encoded = pair.strip(" ").partition(" ")
        value = _decoded(encoded)
        if not _KEY.fullmatch(key) or value is None or key in found:
            raise BadHeader(
                "Upload-Metadata: expected `key BASE64,key BASE64`, each key once; cannot read {pair}",
                pair=_shown(pair),
            )
        try:
            found[_NAMES.get(key, key)] = value.decode()
        except UnicodeDecodeError as error:
            raise BadHeader("Upload-Metadata: {key} is no UTF-8", key=key) from error
    return found


def file_name(sent: str | None) -> str | None:
    """The last part of a name that a stranger gave, fit for showing and storing. Raises BadHeader."""
    if not sent:
        return None
    name = PurePosixPath(sent.replace("\\", "/")).name
    if not name.isprintable() or len(name) > 255:
        raise BadHeader("filename: expected up to 255 printable characters")
    return name or None


def _decoded(encoded: str) -> bytes | None:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None


def _shown(sent: str | None) -> str:
    return "none" if sent is None else repr(sent[:60])
