"""Where the camera was for one frame, and what is wrong with that."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from streetsight.models.frame import Position

PoseProblem = Literal[
    "no_position",      # neither the photo nor the track says where
    "no_time",          # no time, or one without an offset and no time zone in the profile
    "null_island",      # 0, 0: a receiver without a fix
    "out_of_range",     # coordinates that cannot be
    "off_track",        # the track does not cover this moment
    "too_fast",         # farther from its neighbours than 400 km/h allow
    "jump",             # one position away from the line that its neighbours draw
    "stationary",       # the vehicle stood; frames show the same ground again
    "zig_zag",          # positions go back and forth: heading by course is not to be trusted
    "clock_jump",       # the device's clock was set while it drove
    "no_heading",       # which way the camera looked is unknown
    "interpolated",     # without a position of its own: between the frames before and after
    "datum_differs",    # the photo names another coordinate system than the device profile, which goes first
    "duplicate",        # the same bytes as an earlier frame
    "two_devices",      # another device under the same id took it: nothing can be at two places at once
]  # fmt: skip

# Who says which way the camera looked: the photo, the track, the receiver's course, the line through the
# frames' own positions, or the profile of a fixed camera. All but the first and last add the camera's yaw.
HeadingSource = Literal["exif", "track", "gps_course", "positions", "profile"]

# These leave the frame without a usable position; the others only warn.
WITHOUT_POSITION: frozenset[PoseProblem] = frozenset(
    {"no_position", "null_island", "out_of_range", "off_track", "too_fast", "jump"}
)


@dataclass(frozen=True, slots=True)
class Pose:
    """What is known of a frame's making.

    Attributes:
        taken_at: true time, aware, the offset kept; None when unknown.
        position: of the lens, WGS-84, with one-sigma accuracy per axis and the camera's heading; None when
            unknown.
        heading_sigma_deg: one sigma of the heading; None without a heading.
        problems: named outcomes, none for a sound frame.
        heading_source: who says so; None without a heading.
    """

    taken_at: datetime | None = None
    position: Position | None = None
    heading_sigma_deg: float | None = None
    problems: tuple[PoseProblem, ...] = ()
    heading_source: HeadingSource | None = None
