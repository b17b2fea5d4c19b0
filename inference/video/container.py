"""What the container says about a clip: when it was made, by what, how long it is, whether it is whole."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

# Phones write the local time with its offset here, and the moment of pressing the button.
_APPLE = "com.apple.quicktime."
_FIRST_YEAR = 2000  # clocks that were never set start in 1904, 1970 or 1980
_ISO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"moof", b"styp", b"pnot"})


def read_creation(tags: Mapping[str, str]) -> tuple[datetime | None, list[str]]:
    """When the clip says it was made, and what is wrong with that. Naive where it says no offset."""
    text = tags.get(f"{_APPLE}creationdate") or tags.get("creation_time")
    if not text:
        return None, ["the video does not say when it was made"]
    try:
        created = datetime.fromisoformat(text.strip())
    except ValueError:
        return None, [f"the video's creation time is unusable: {text!r}"]
    if created.year < _FIRST_YEAR:
        return None, [f"the video's creation time is {text}: the camera's clock was never set"]
    return created, []


def read_camera(tags: Mapping[str, str]) -> str | None:
    """Make and model, or None."""
    words = (tags.get(f"{_APPLE}{key}") or tags.get(key) or "" for key in ("make", "model"))
    return " ".join(words).strip() or None


def read_tags(container: InputContainer, stream: VideoStream) -> dict[str, str]:
    """Of the container, and below them those of the stream."""
    return {**stream.metadata, **container.metadata}


def read_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds, as the container says; None when it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is None:
        return None
    late = container.start_time or 0 if "matroska" in container.format.name else 0  # it counts from zero
    return (container.duration - late) / av.time_base


def misses_end(path: Path) -> bool:
    """Whether a file is shorter than it says, or ends without its index. Knows MP4, MOV and AVI."""
    with path.open("rb") as file:
        start = file.read(12)
        if start[4:8] in _ISO_BOXES:
            return _boxes_miss_end(file)
        if start[:4] == b"RIFF":
            return os.path.getsize(path) < 8 + int.from_bytes(start[4:8], "little")
    return False


def _boxes_miss_end(file: BinaryIO) -> bool:
    """Walk the top-level boxes (ISO/IEC 14496-12, 4.2); the index is in `moov`."""
    end, at, indexed = file.seek(0, os.SEEK_END), 0, False
    while at < end:
        file.seek(at)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if size < 8:  # 0 stands for "to the end"; anything else is no box
            break
        if at + size > end and header[4:8] in (b"moov", b"mdat", b"moof"):
            return True
        indexed |= header[4:8] == b"moov"
        at += size
    return not indexed
