"""Many photos through one detector, decode and inference overlapped over all cores, results in order.

Each worker thread takes one photo from bytes to detections; the heavy steps (JPEG decode, resize, ONNX
Runtime) release the interpreter lock, so threads scale without copies between processes. The window of
photos in flight is bounded, hence memory is flat however many photos there are.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import numpy as np

from streetsight.inference.quality import Quality, QualityLimits, measure_quality
from streetsight.inference.reading import Outcome, Photo, PhotoError, read_photo
from streetsight.inference.session import Detector
from streetsight.inference.sources import PhotoSource
from streetsight.inference.tiling import Tiling, detect_tiled
from streetsight.models.detections import Detections
from streetsight.models.frame import FrameMetadata
from streetsight.models.releases import Release

Item = TypeVar("Item")
Result = TypeVar("Result")

IN_FLIGHT_PER_WORKER = 2


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """What came of one photo. Every photo gets one, also those that could not be read.

    Attributes:
        name: as the user gave it.
        error: why the photo could not be used; None when it was.
        size_wh, sha256, quality, detections: None when the photo could not be used.
    """

    name: str
    error: PhotoError | None = None
    size_wh: tuple[int, int] | None = None
    sha256: str | None = None
    metadata: FrameMetadata = field(default_factory=FrameMetadata)
    quality: Quality | None = None
    detections: Detections | None = None

    @property
    def outcome(self) -> Outcome | Literal["accepted"]:
        """The reason code."""
        return self.error.outcome if self.error else "accepted"


@dataclass(frozen=True, slots=True)
class Options:
    """How photos are looked at.

    Attributes:
        min_score: replaces the card's thresholds.
        class_ids: keep only these classes of the release; None keeps all.
        tiling: None for one look at the whole photo.
        quality: limits of the capture-quality gate.
    """

    min_score: float | None = None
    class_ids: frozenset[int] | None = None
    tiling: Tiling | None = None
    quality: QualityLimits = field(default_factory=QualityLimits)


def cores() -> int:
    """Cores this process may use (containers and taskset included)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_detector(release: Release, photos: int, provider: str = "cpu") -> tuple[Detector, int]:
    """A detector for a job of this many photos, and how many workers should share it.

    One photo gets all cores inside one call; many photos get a core each, which wastes nothing on
    synchronisation.
    """
    workers = max(1, min(cores(), photos))
    return Detector(release, max(1, cores() // workers), workers, provider), workers


def detect_photos(
    sources: Iterable[PhotoSource], detector: Detector, workers: int, options: Options = Options()
) -> Iterator[FrameResult]:
    """One result per photo, in the order of `sources`, as soon as it and all before it are done."""
    return in_order(lambda source: detect_source(source, detector, options), sources, workers)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`map` over a pool of threads with a bounded number of items in flight."""
    if workers == 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="photo") as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= workers * IN_FLIGHT_PER_WORKER:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # the caller stopped early: do not start what is still queued
            for future in pending:
                future.cancel()


def detect_source(source: PhotoSource, detector: Detector, options: Options = Options()) -> FrameResult:
    """One photo from bytes to detections. A photo that cannot be used is a result, not an exception."""
    try:
        photo = read_photo(source.read(), decoded_side(detector, options))
    except PhotoError as error:
        return FrameResult(source.name, error)
    return detect_photo(source.name, photo, detector, options)


def decoded_side(detector: Detector, options: Options) -> int | None:
    """How large photos must be decoded to be looked at; None for in full."""
    return None if options.tiling else detector.card.input.size


def detect_photo(name: str, photo: Photo, detector: Detector, options: Options = Options()) -> FrameResult:
    """One decoded photo, or frame of a video, to detections and its quality."""
    padded, placement = detector.fit(photo.image_rgb_hwc, photo.size_wh)
    if options.tiling:
        found = detect_tiled(detector, photo.image_rgb_hwc, options.tiling, options.min_score)
    else:
        found = detector.detect_fitted(padded, placement, options.min_score)
    if options.class_ids is not None:
        found = found[np.isin(found.class_ids, list(options.class_ids))]
    return FrameResult(
        name=name,
        size_wh=photo.size_wh,
        sha256=photo.sha256,
        metadata=photo.metadata,
        quality=measure_quality(placement.inner(padded), options.quality),
        detections=found,
    )
