"""What a run is given: folders and videos, each with its device profile and its track."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from streetsight.inference.positions.profile import DeviceProfile, read_profile
from streetsight.inference.positions.receivers import TrackError, read_track
from streetsight.inference.positions.tracks import Track
from streetsight.inference.sources import NoPhotosError, PhotoSource, find_photos
from streetsight.inference.video.clips import SUFFIXES as VIDEO_SUFFIXES
from streetsight.models.language import SpokenError

TRACK_SUFFIXES = (".gpx", ".nmea")

Given = TypeVar("Given")


class InputError(SpokenError):
    """Paths, profiles and tracks do not fit together."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackFile:
    """A track and where it comes from.

    Attributes:
        track: None for one lying in the folder that cannot be read.
        found: it was not named, but lies in the folder.
        fault: why there is no track.
    """

    path: Path
    track: Track | None
    found: bool = False
    fault: TrackError | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Outing:
    """What one path leads to: the photos and videos of one device."""

    path: str
    photos: tuple[PhotoSource, ...]
    videos: tuple[Path, ...]
    profile: DeviceProfile
    track_file: TrackFile | None

    @property
    def track(self) -> Track | None:
        return self.track_file.track if self.track_file else None


def find_outings(
    paths: Sequence[str], profiles: Sequence[Path], tracks: Sequence[Path], without: Path | None = None
) -> list[Outing]:
    """One outing per path, in order.

    Args:
        profiles, tracks: none, one for all paths, or one for each. Without a track, the only GPX or NMEA
            file that lies in a folder is taken.
        without: a folder to pass over: the pictures of an earlier run are not photos.

    Raises:
        InputError: numbers that do not fit.
        NoPhotosError: a path that leads to nothing.
        ProfileError, TrackError: a named file that cannot be used.
    """
    known = [read_profile(path) for path in profiles] or [DeviceProfile()]
    outings = []
    for path, profile, track in zip(
        paths, _each(known, paths, "--device"), _each(tracks or [None], paths, "--track"), strict=True
    ):
        photos, videos = find_pictures(path, without)
        file = TrackFile(track, read_track(track, profile.track_crs)) if track else _lying_in(path, profile)
        outings.append(Outing(path, tuple(photos), tuple(videos), profile, file))
    return outings


def find_pictures(path: str, without: Path | None) -> tuple[list[PhotoSource], list[Path]]:
    """Photos and videos behind a path.

    Raises:
        NoPhotosError: there are none of either.
    """
    videos = _find_videos(path, without)
    if os.path.isfile(path) and videos:
        return [], videos
    try:
        return find_photos([path], without), videos
    except NoPhotosError:
        if videos:
            return [], videos
        raise


def _each(given: Sequence[Given], paths: Sequence[str], option: str) -> Sequence[Given]:
    if len(given) not in (1, len(paths)):
        raise InputError(
            "{option} was given {count} times for {paths} paths; give it once for all of them, or once each",
            option=option, count=len(given), paths=len(paths),
        )  # fmt: skip
    return list(given) * len(paths) if len(given) == 1 else given


def _find_videos(path: str, without: Path | None) -> list[Path]:
    if os.path.isfile(path):
        return [Path(path)] if path.lower().endswith(VIDEO_SUFFIXES) else []
    passed_over = os.path.join(os.path.abspath(without), "") if without else None
    return [
        each
        for each in _files_of(path, VIDEO_SUFFIXES)
        if not (passed_over and os.path.abspath(each).startswith(passed_over))
    ]


def _lying_in(path: str, profile: DeviceProfile) -> TrackFile | None:
    """The only track in a folder; of several nobody knows which."""
    files = _files_of(path, TRACK_SUFFIXES)
    if len(files) != 1:
        return None
    try:
        return TrackFile(files[0], read_track(files[0], profile.track_crs), found=True)
    except TrackError as error:
        return TrackFile(files[0], None, found=True, fault=error)


def _files_of(folder: str, suffixes: tuple[str, ...]) -> list[Path]:
    return [
        Path(parent) / name
        for parent, _, names in sorted(os.walk(folder))
        for name in sorted(names)
        if name.lower().endswith(suffixes) and not name.startswith(".")
    ]
