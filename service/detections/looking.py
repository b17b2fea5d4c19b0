"""A release, loaded and warm, and how a photo is looked at with it."""

import time
from dataclasses import dataclass
from functools import partial

from streetsight.inference.pipeline import FrameResult, detect_source
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.models.releases import Release
from streetsight.service.metrics import INFERENCE


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a release made of a photo; result and release always belong together."""

    result: FrameResult
    release: Release


class Looker:
    """Looks at photos. Safe to call from several threads at once."""

    def __init__(self, release: Release, provider: str, calls: int, threads: int) -> None:
        """Load and warm up.

        Args:
            calls: photos that will be looked at together.
            threads: cores for each of them.

        Raises:
            ReleaseError: when the release cannot run.
        """
        self.release, self.calls = release, calls
        self._detector = Detector(release, threads, calls, provider)

    def look(self, photo: bytes, name: str = "") -> Seen:
        """One photo from bytes to detections. One that cannot be used is a result too."""
        started = time.perf_counter()
        result = detect_source(PhotoSource(name, partial(bytes, photo)), self._detector)
        INFERENCE.labels(self.release.address, "photo").observe(time.perf_counter() - started)
        return Seen(result, self.release)
