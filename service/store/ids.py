"""Ids of rows: UUIDv7 as text, so that the order of ids is the order of creation."""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

_LOCK = threading.Lock()
_last = 0


def new_id() -> str:
    """A UUIDv7 (RFC 9562, section 5.7, method 3): milliseconds, a counter, 62 random bits.

    Ids of one process always ascend, also when its clock is set back.
    """
    global _last
    with _LOCK:
        # 12 bits below the millisecond count time in units of 1/4096 ms.
        _last = max(_last + 1, (time.time_ns() << 12) // 1_000_000)
        stamp = _last
    random = int.from_bytes(os.urandom(8), "big") >> 2
    milliseconds, fraction = stamp >> 12, stamp & 0xFFF
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random))


def first_id(moment: datetime) -> str:
    """Below every id that is made from this moment on, so that a range of time is a range of ids."""
    return str(uuid.UUID(int=round(moment.timestamp() * 1000) << 80))


def moment_of(row_id: str) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp((uuid.UUID(row_id).int >> 80) / 1000, UTC)
