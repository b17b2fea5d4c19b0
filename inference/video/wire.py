"""How we and the decoder's process talk.

A message is its length, then JSON of that many bytes; that of a frame is followed by the frame's pixels.

    to the decoder    {"path": ..., "parent": process id, "threads": ..., "max_pixels": ...}
    from it           {"is": "header", ...}
    to it             {"every_m": ..., "every_s": ..., "travel": {"offset_s": [...], "metres": [...]} | null}
    from it           {"is": "frame", ...} + pixels, {"is": "alive"} now and then, {"is": "end", ...}

At any time it may say {"is": "fault", "name": ..., "values": {...}} instead, and that was it.
"""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

Message = Mapping[str, Any]

_LENGTH = struct.Struct("=I")


def encode(message: Message) -> bytes:
    content = json.dumps(message).encode()
    return _LENGTH.pack(len(content)) + content


def decode(read: Callable[[int], bytes]) -> Message:
    """The next message, from a function that gives so many bytes."""
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    message: Message = json.loads(read(length))
    return message
