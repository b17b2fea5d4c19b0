"""Secrets that must be read again, encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256).

The key comes from `STREETSIGHT_SECRET_KEYS`; without it one is made and kept in the data folder, readable by
its owner alone. A copy of the database alone then tells nothing; a copy of the whole data folder does.
"""

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from streetsight.models.durable import sync_folder
from streetsight.models.language import SpokenError
from streetsight.service.settings import Settings
from streetsight.service.store.ids import new_id

KEY_FILE = "secret.key"


class SealError(SpokenError):
    """The key cannot be used, or is not the one that something was encrypted with."""


class Sealer:
    """Encrypts and decrypts texts, and hashes what nobody shall be able to guess."""

    def __init__(self, keys: list[str]) -> None:
        """`keys`: of Fernet; the first one encrypts, all decrypt."""
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SealError(
                "STREETSIGHT_SECRET_KEYS: expected keys of 32 bytes in URL-safe base64, by comma; make one "
                "with `openssl rand -base64 32 | tr +/ -_`"
            ) from error
        self._hash_key = hashlib.sha256(f"streetsight hash {keys[-1]}".encode()).digest()

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises SealError when it was sealed with a key that is not there any more, or was changed."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealError(
                "a secret in the database was encrypted with another key; put the key before into "
                "STREETSIGHT_SECRET_KEYS as well, or set the secret again"
            ) from error

    def open_young(self, sealed: str, seconds: int) -> str | None:
        """As `open`, or None for what was sealed longer ago, or never by us."""
        try:
            return self._fernet.decrypt(sealed, ttl=seconds).decode()
        except InvalidToken:
            return None

    def age_seconds(self, sealed: str, now: float) -> float:
        """How long ago something was sealed that `open_young` has opened."""
        return now - self._fernet.extract_timestamp(sealed)

    def digest(self, text: str) -> str:
        """Keyed hash: equal for equal texts, and of no use without the key. The oldest key makes it."""
        return hmac.new(self._hash_key, text.encode(), hashlib.sha256).hexdigest()


def open_sealer(settings: Settings) -> Sealer:
    """The sealer of the settings; makes the key when there is none.

    Raises:
        SealError: when the key cannot be used.
    """
    if settings.secret_keys is not None:
        given = settings.secret_keys.get_secret_value().split(",")
        return Sealer([key.strip() for key in given if key.strip()] or [""])
    path = settings.data_folder / KEY_FILE
    if not path.exists():
        _make(path)
    return Sealer([path.read_text().strip()])


def _make(path: Path) -> None:
    """A new key, for the owner only; of two processes that make one at the same moment, one wins."""
    draft = path.with_name(f"{KEY_FILE}.{new_id()}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass  # the other's counts
    finally:
        draft.unlink()
