"""Secrets that are shown: random, given out once, kept as a hash.

A token carries 256 random bits, so one round of SHA-256 is as good as a slow hash: there is nothing to
guess, and a copy of the database gives no token away.
"""

import hashlib
import secrets

DEVICE, PERSON, SESSION, SETUP = "ssd_", "ssp_", "sss_", "ssi_"
"""Beginnings of tokens: secret scanners and people see by them what a stray string is."""


def new_token(prefix: str = DEVICE) -> str:
    """A fresh token; the only time that it exists in clear."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept and looked up; nobody can learn from the timing of comparing hashes."""
    return hashlib.sha256(token.encode()).hexdigest()
