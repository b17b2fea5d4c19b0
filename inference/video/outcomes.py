"""What can be wrong with a clip: reason codes, and what to say and to do about each."""

from collections.abc import Mapping
from typing import Any, Literal

from streetsight.inference.reading import PhotoError, check_size
from streetsight.models.language import SpokenError

ClipOutcome = Literal[
    "unreadable",         # the file cannot be read at all
    "invalid_video",      # not a video, or damaged beyond recognition
    "unsupported_codec",  # there is no decoder for it
    "no_video",           # sound or data only
    "no_frames",          # not one picture could be decoded
    "truncated",          # breaks off; the frames before that were delivered
    "too_large",
    "too_small",
    "stalled",            # the decoder made no progress and was stopped
    "decoder_failed",     # the decoder crashed
]  # fmt: skip


class ClipError(SpokenError):
    """A clip that cannot be used, or not to its end. `outcome` is the reason code."""

    def __init__(self, outcome: ClipOutcome, message: str, /, **values: object) -> None:
        super().__init__(message, **values)
        self.outcome: ClipOutcome = outcome


def explain(fault: str, values: Mapping[str, Any]) -> ClipError:
    """The error for what the decoder reports."""
    match fault:
        case "no_camera":
            return ClipError("unreadable", "the camera {address} gives no picture ({reason})", **values)
        case "unreadable":
            return ClipError("unreadable", "the file cannot be read ({reason})", **values)
        case "empty":
            return ClipError("invalid_video", "the video is empty (0 bytes); copy it again from the camera")
        case "unfinished":
            return ClipError(
                "truncated",
                "the video ends before its index was written: the copy was cut off, or the camera lost "
                "power; copy it again, or have it repaired with a whole video of the same camera",
            )
        case "no_video":
            return ClipError("no_video", "no pictures in this file, only {kinds}", **values)
        case "unsupported_codec":
            return ClipError("unsupported_codec", "there is no decoder for this video's format")
        case "no_frames":
            return ClipError("no_frames", "not one picture of this video ({codec}) can be decoded", **values)
        case "truncated":
            return ClipError(
                "truncated",
                "the video breaks off after {seconds} s; the {frames} frames before that are used",
                **values,
            )
    return ClipError("invalid_video", "not a video that can be read; expected MP4, MOV, MKV, AVI or TS")


def check_clip_size(size_wh: tuple[int, int]) -> None:
    """Refuse absurd sizes, as of photos.

    Raises:
        ClipError: "too_large" or "too_small".
    """
    try:
        check_size(size_wh)
    except PhotoError as error:
        outcome: ClipOutcome = "too_large" if error.outcome == "too_large" else "too_small"
        raise ClipError(outcome, error.message, **error.values) from None
