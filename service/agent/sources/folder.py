"""A folder that a camera writes into: photos and videos, each as soon as it is whole."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.reading import SUFFIXES, Photo, PhotoError, read_photo
from streetsight.inference.video.clips import SUFFIXES as CLIP_SUFFIXES
from streetsight.inference.video.outcomes import ClipError
from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import SpoolFull
from streetsight.service.agent.intake import Intake, Shot
from streetsight.service.agent.positions.places import Place, Places
from streetsight.service.agent.sampling import Sampler
from streetsight.service.agent.seen import SeenFiles
from streetsight.service.agent.settings import AgentSettings
from streetsight.service.agent.sources.clip import ClipReader, Found
from streetsight.service.agent.sources.frozen import FrozenPicture
from streetsight.service.agent.sources.quiet import QuietFolder
from streetsight.service.agent.troubles import Troubles

LOOK_EVERY_S, FULL_AGAIN_S = 0.5, 5.0
LOOK_PX = 64
FORGET_EVERY_S = 600.0
UNFINISHED_S = 60.0  # a file that is empty, or a photo that cannot be read, and does not change for so long


@dataclass(slots=True)
class _Settling:
    """Files that are being watched: as they stood, and since when, by our own clock."""

    since_s: dict[Found, float] = field(default_factory=dict)

    def new(self, found: list[Found]) -> list[Found]:
        """Those that were not there, or not like this, the last time."""
        return [each for each in found if each not in self.since_s]

    def settled(self, found: list[Found], now_s: float, patience_s: float) -> list[Found]:
        """Those that have not changed for so long."""
        self.since_s = {each: self.since_s.get(each, now_s) for each in found}
        return [each for each in found if now_s - self.since_s[each] >= patience_s]

    def rested_s(self, each: Found, now_s: float) -> float:
        return now_s - self.since_s[each]


class PhotoFolder:
    """Photos of one folder and below, the oldest first."""

    def __init__(
        self, folder: Path, intake: Intake, seen: SeenFiles, places: Places, profile: DeviceProfile,
        settings: Callable[[], AgentSettings], troubles: Troubles,
    ) -> None:  # fmt: skip
        self._folder, self._intake, self._seen, self._places = folder, intake, seen, places
        self._profile, self._settings, self._troubles = profile, settings, troubles
        self.name = f"folder {folder}"
        self._settling, self._sampler = _Settling(), Sampler(settings)
        self._frozen = FrozenPicture(troubles, self.name)
        self._quiet = QuietFolder(troubles, self.name, places)
        self._clips = ClipReader(intake, seen, places, profile, settings)
        self._forget_at_s = 0.0
        self._left_out = 0  # files, since the start
        self._done: set[int] = set()  # of files that were finished, so that a scan asks no database

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Until asked to stop. A folder that is away is waited for."""
        while not stop.is_set():
            beat()
            began = time.monotonic()
            if not self.turn(stop, beat):
                stop.wait(max(LOOK_EVERY_S, 5 * (time.monotonic() - began)))

    def turn(self, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> int:
        """Take what is whole and new; gives how many files were dealt with."""
        try:
            found = [*self._files()]
        except OSError as error:
            self._troubles.has(
                self.name,
                SpokenError("the camera's folder cannot be read ({reason}); put the card back, or mount it",
                            reason=error.strerror),
            )  # fmt: skip
            return 0
        self._quiet.looked([each.path for each in self._settling.new(found)])
        done = 0
        for each in self._settling.settled(found, time.monotonic(), self._settings().settled_s):
            if stop.is_set():
                break
            beat()
            done += self._deal_with(each, stop, beat)
        self._troubles.over(self.name)
        if not done and time.monotonic() >= self._forget_at_s:
            self._seen.forget(f"{self._folder}/", {str(path) for path in self._walk()})
            self._forget_at_s = time.monotonic() + FORGET_EVERY_S
        return done

    def _files(self) -> Iterator[Found]:
        """Files that were not dealt with, in order of their last change."""
        found = []
        for path in self._walk():
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                each = Found(path, stat.st_size, stat.st_mtime_ns)
                if hash(each) not in self._done:
                    found.append(each)
        yield from sorted(found, key=lambda each: (each.mtime_ns, each.path))

    def _walk(self) -> Iterator[Path]:
        """Raises OSError when the folder itself cannot be read."""

        def fail(error: OSError) -> None:
            if error.filename == str(self._folder):
                raise error

        for folder, folders, names in os.walk(self._folder, onerror=fail):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for name in names:
                if name.lower().endswith((*SUFFIXES, *CLIP_SUFFIXES)) and not name.startswith("."):
                    yield Path(folder, name)

    def _deal_with(self, found: Found, stop: threading.Event, beat: Callable[[], None]) -> bool:
        """Whether this file is done with."""
        known = self._seen.state(str(found.path), found.size_bytes, found.mtime_ns)
        if known is not None and known.finished:
            self._done.add(hash(found))
            return False
        if not found.size_bytes and not self._stays_so(found):
            return False  # a camera makes the file first, and writes then
        try:
            if found.path.suffix.lower() in CLIP_SUFFIXES:
                self._clips.read(found, known.done if known else 0, stop, beat)
            else:
                self._take_photo(found)
        except FileNotFoundError:
            return False
        except PhotoError as error:
            if not self._stays_so(found):
                return False  # still being written: one that ends in its header is told from no other damage
            self._give_up(found, error)
        except ClipError as error:
            self._give_up(found, error)
        except SpoolFull as error:
            self._troubles.has(f"spool of {self.name}", error)
            stop.wait(FULL_AGAIN_S)
            return False
        except OSError as error:
            self._troubles.has(self.name, _unreadable(found.path, error))
            return False
        return not stop.is_set()

    def _stays_so(self, found: Found) -> bool:
        return self._settling.rested_s(found, time.monotonic()) >= UNFINISHED_S

    def _take_photo(self, found: Found) -> None:
        """Raises PhotoError, SpoolFull, OSError."""
        content = found.path.read_bytes()
        photo = read_photo(content, LOOK_PX)  # decoded small: a photo that is cut off is seen by nothing else
        taken_at, written_s = self._when(photo, found), found.mtime_ns / 1e9
        moment_s = taken_at.timestamp() if taken_at else written_s
        place = self._where(photo, written_s if self._places.live else moment_s)
        reason = None
        if self._sampler.due(moment_s, place, own_pace=True):
            own = None if photo.metadata.position else place
            self._intake.take(Shot(content, found.path.name, taken_at, own, photo.metadata.camera))
            self._sampler.taken(moment_s, place)
            self._troubles.over(f"spool of {self.name}")
        else:
            reason = "the vehicle had not moved"
        self._frozen.saw(photo.image_rgb_hwc, moment_s, place)
        self._finish(found, reason)

    def _finish(self, found: Found, reason: str | None) -> None:
        if self._settings().remove_taken:
            found.path.unlink(missing_ok=True)
        else:
            self._seen.note(str(found.path), found.size_bytes, found.mtime_ns, 1, True, reason)
            self._done.add(hash(found))

    def _give_up(self, found: Found, error: SpokenError) -> None:
        """A file that cannot be used costs no other. It is left where it is."""
        self._left_out += 1
        self._troubles.has(
            f"left out of {self.name}",
            SpokenError("{count} since the start; the last file is {file}: {reason}", count=self._left_out,
                        file=found.path.relative_to(self._folder), reason=error),
        )  # fmt: skip
        self._seen.note(str(found.path), found.size_bytes, found.mtime_ns, 0, True, str(error))
        self._done.add(hash(found))

    def _when(self, photo: Photo, found: Found) -> datetime | None:
        """By the camera; else when the file was last written, by the vehicle's clock."""
        taken_at = photo.metadata.taken_at
        if taken_at is None:
            return datetime.fromtimestamp(found.mtime_ns / 1e9, UTC)
        if taken_at.tzinfo is None:
            return taken_at.replace(tzinfo=self._profile.zone) if self._profile.zone else None
        return taken_at

    def _where(self, photo: Photo, moment_s: float) -> Place | None:
        """By the photo itself; else where the vehicle was then."""
        said = photo.metadata.position
        if said is None:
            return self._places.at(moment_s)
        return Place(said.lon, said.lat, said.source, said.accuracy_m, photo.metadata.course_deg,
                     photo.metadata.speed_mps, photo.metadata.gps_time)  # fmt: skip


def _unreadable(path: Path, error: OSError) -> SpokenError:
    return SpokenError(
        "{path}: cannot be read ({reason}); it is tried again", path=path, reason=error.strerror or error
    )
