"""Passwords: argon2id, by the OWASP Password Storage Cheat Sheet (19 MiB, 2 passes, 1 lane)."""

import secrets
import unicodedata
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from streetsight.service.faults import Invalid

LENGTHS = 10, 200
COMMON = Path(__file__).with_name("common_passwords.txt")

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class WeakPassword(Invalid):
    """A password that is guessed too soon."""

    code = "weak_password"


def check_strength(password: str, login: str) -> None:
    """Refuse a password that is among the first to be tried. Raises WeakPassword."""
    least, most = LENGTHS
    if not least <= len(password) <= most:
        raise WeakPassword(
            "the password has {count} characters; expected {least} to {most}",
            count=len(password), least=least, most=most,
        )  # fmt: skip
    plain = _plain(password)
    if _plain(login) in plain and len(plain) < len(login) + least:
        raise WeakPassword("the password is made of the login; choose one that has nothing to do with it")
    if plain in _common() or len(set(plain)) < 4:
        raise WeakPassword("this password is among the first that anybody tries; choose another one")


def hash_password(password: str) -> str:
    """What is kept: parameters, salt and hash."""
    return _hasher.hash(_normal(password))


def is_password(kept: str | None, password: str) -> bool:
    """Whether it is the one. Takes as long when none is kept, so that time tells nothing of who is there."""
    try:
        return _hasher.verify(kept or _nobodys(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than we use now."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))


def _normal(password: str) -> str:
    """Keyboards write the same letter in several ways (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _plain(text: str) -> str:
    return _normal(text).casefold()


@cache
def _common() -> frozenset[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))
