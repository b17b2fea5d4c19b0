"""A release, loaded and warm, and how a photo is looked at with it."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from streetsight.inference.pipeline import FrameResult, detect_source
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.models.releases import Release
from streetsight.service.files.blobs import Blobs
from streetsight.service.metrics import INFERENCE


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a release made of a photo; result and release always belong together."""

    result: FrameResult
    release: Release


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A release and the detector that runs it: never one without the other."""

    release: Release
    detector: Detector


class Engine(Protocol):
    """Looks at stored photos for the jobs, here or on other machines. Safe from several threads at once.

    Attributes:
        calls: photos that it is best asked for together.
    """

    calls: int

    @property
    def release(self) -> Release:
        """The release that the next photo is looked at with."""

    def change(self, release: Release) -> None:
        """Look with another release from the next photo on, if it can run. Raises ReleaseError otherwise."""

    def look_at(self, sha256: str) -> Seen:
        """One stored photo from its digest to detections, all by one release.

        Raises:
            NoBlob: its bytes are not stored.
            Unavailable: storage or machines that look do not answer.
        """


class Looker:
    """Looks at photos. Safe to call from several threads at once, also while the release is switched."""

    def __init__(self, release: Release, provider: str, calls: int, threads: int) -> None:
        """Load and warm up.

        Args:
            calls: photos that will be looked at together.
            threads: cores for each of them.

        Raises:
            ReleaseError: when the release cannot run.
        """
        self._provider, self.calls, self._threads = provider, calls, threads
        self._loaded = self.load(release)

    @property
    def loaded(self) -> Loaded:
        """The release that the next photo is looked at with, and what runs it."""
        return self._loaded

    @property
    def release(self) -> Release:
        """The release that the next photo is looked at with."""
        return self._loaded.release

    def load(self, release: Release) -> Loaded:
        """Load and warm up another release, beside the present one; nothing waits meanwhile.

        Raises:
            ReleaseError: when it cannot run.
        """
        return Loaded(release, Detector(release, self._threads, self.calls, self._provider))

    def switch(self, loaded: Loaded) -> None:
        """Put a loaded release in the place of this one.

        Photos under way are finished with the release that they were begun with.
        """
        self._loaded = loaded

    def change(self, release: Release) -> None:
        """Load another release, then switch to it. Raises ReleaseError, and keeps the present one."""
        self.switch(self.load(release))

    def look(self, photo: bytes, name: str = "") -> Seen:
        """One photo from bytes to detections. One that cannot be used is a result too."""
        loaded, started = self._loaded, time.perf_counter()  # read once: all of a result is of one release
        result = detect_source(PhotoSource(name, partial(bytes, photo)), loaded.detector)
        INFERENCE.labels(loaded.release.address, "photo").observe(time.perf_counter() - started)
        return Seen(result, loaded.release)


class LocalEngine:
    """See `Engine`: this process looks."""

    def __init__(self, looker: Looker, blobs: Blobs) -> None:
        self._looker, self._blobs, self.calls = looker, blobs, looker.calls

    @property
    def release(self) -> Release:
        return self._looker.release

    def change(self, release: Release) -> None:
        self._looker.change(release)

    def look_at(self, sha256: str) -> Seen:
        return self._looker.look(self._blobs.get(sha256))
