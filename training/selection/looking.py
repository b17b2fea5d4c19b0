"""Look at photos with a release: what it sees far below its thresholds, and what kind of scene it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from streetsight.datasets.fingerprints import Fingerprint, fingerprint
from streetsight.inference.pipeline import FrameResult, Options, detect_source, in_order, open_detector
from streetsight.inference.reading import read_photo
from streetsight.inference.sources import PhotoSource
from streetsight.models.releases import Release
from streetsight.training.selection.embedding import SIDE_PX, Embedder

MIN_SCORE = 0.02  # lower scores hold no hint of what is there


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One photo as the release sees it.

    Attributes:
        result: detections down to `MIN_SCORE`, or why the photo could not be read.
        embedding: (d,) float32 of `Embedder`; None when the photo could not be read, as is:
        fingerprint: tells near-duplicates.
    """

    result: FrameResult
    embedding: NDArray[np.float32] | None = None
    fingerprint: Fingerprint | None = None


def look(sources: Sequence[PhotoSource], release: Release, provider: str = "cpu") -> Iterator[Look]:
    """One look per photo, in order, over all cores. A photo that cannot be read is a result too.

    Raises:
        ReleaseError: when the release cannot run.
    """
    detector, workers = open_detector(release, len(sources), provider)
    embedder, options = Embedder(release), Options(min_score=MIN_SCORE)

    def one(source: PhotoSource) -> Look:
        source = replace(source, read=cache(source.read))  # one reading for both
        result = detect_source(source, detector, options)
        if result.error:
            return Look(result)
        photo = read_photo(source.read(), SIDE_PX)
        grey = Image.fromarray(photo.image_rgb_hwc).convert("L")
        print_of = fingerprint(photo.sha256, grey, photo.size_wh)
        return Look(result, embedder.embed(photo.image_rgb_hwc, photo.size_wh), print_of)

    return in_order(one, sources, workers)
