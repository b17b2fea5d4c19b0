"""Signatures of deliveries, as Standard Webhooks has them.

`webhook-signature: v1,BASE64` is HMAC-SHA256 over `webhook-id.webhook-timestamp.body`. During a rotation
there are two, separated by a space, and the receiver takes either.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret: random bytes in base64 behind a prefix that tells what it is."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(message_id: str, timestamp: int, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Headers that let the receiver check where a delivery comes from, and when it was sent.

    Args:
        message_id: the same for every try, so that the receiver can tell a repetition.
        timestamp: of this try, Unix seconds.
        keys: secrets in force, newest first.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(message_id, timestamp, body, key) for key in keys),
    }


def _signature(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
