"""Fingerprints of photos: a perceptual hash and a tiny grey picture, enough to tell near-duplicates.

The hash is pHash (signs of the 8 x 8 lowest cosine frequencies of a 32 x 32 grey picture; Zauner:
Implementation and Benchmarking of Perceptual Image Hash Functions, 2010) by the `imagehash` library.
"""

import io
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from streetsight.datasets.digests import Advance
from streetsight.datasets.photo_cache import PhotoCache

SIDE = 32
METHOD = (
    "phash64-grey32/1"  # a change below needs another name, or old entries of the cache would be believed
)
DECODED_SIDE = 128  # JPEGs are decoded at the smallest scale that keeps this many pixels a side
HEADER = struct.Struct(">IIQ")


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """One photo in a kilobyte.

    Attributes:
        sha256: of the file.
        size_wh: pixels of the upright picture.
        phash: 64 bits.
        grey: (32, 32) uint8, the upright picture squeezed into a square.
    """

    sha256: str
    size_wh: tuple[int, int]
    phash: int
    grey: NDArray[np.uint8]

    @property
    def contrast(self) -> float:
        """Standard deviation of `grey`, grey levels."""
        return float(self.grey.std())


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """By path: the fingerprint, or why the photo cannot be decoded."""

    of: dict[Path, Fingerprint]
    faults: dict[Path, str]


def fingerprint_photos(
    digests: dict[Path, str], cache: PhotoCache | None = None, advance: Advance = lambda _: None
) -> Fingerprints:
    """Fingerprints of photos, all cores at once.

    Args:
        digests: path -> sha256 of the file.
        cache: what earlier runs found; a content that is known is not decoded again.
        advance: called with the number of photos done since the last call.
    """
    known = cache.fingerprints(set(digests.values()), METHOD) if cache else {}
    prints = {sha256: unpack(sha256, content) for sha256, content in known.items()}
    of = {path: prints[sha256] for path, sha256 in digests.items() if sha256 in prints}
    advance(len(of))
    to_decode = [path for path in digests if path not in of]
    faults: dict[Path, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for path, answer in zip(to_decode, threads.map(_decode, to_decode), strict=True):
            if isinstance(answer, str):
                faults[path] = answer
            else:
                of[path] = fingerprint(digests[path], *answer)
            advance(1)
    if cache:
        cache.keep_fingerprints(METHOD, {of[path].sha256: pack(of[path]) for path in to_decode if path in of})
    return Fingerprints(of, faults)


def fingerprint(sha256: str, grey: Image.Image, size_wh: tuple[int, int]) -> Fingerprint:
    """Of a grey, upright picture at any scale; `size_wh` is that of the original."""
    import imagehash  # loads scipy: a third of a second

    bits = imagehash.phash(grey).hash
    small = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return Fingerprint(
        sha256, size_wh, int.from_bytes(np.packbits(bits).tobytes(), "big"), np.asarray(small, np.uint8)
    )


def pack(each: Fingerprint) -> bytes:
    return HEADER.pack(*each.size_wh, each.phash) + each.grey.tobytes()


def unpack(sha256: str, content: bytes) -> Fingerprint:
    width, height, phash = HEADER.unpack_from(content)
    grey = np.frombuffer(content, np.uint8, offset=HEADER.size).reshape(SIDE, SIDE)
    return Fingerprint(sha256, (width, height), phash, grey)


def _decode(path: Path) -> tuple[Image.Image, tuple[int, int]] | str:
    """The upright picture in grey, small, and its size in full; or why it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            width, height = image.size
            if image.getexif().get(0x0112, 1) >= 5:  # EXIF orientation: a quarter turn
                width, height = height, width
            image.draft("L", (DECODED_SIDE, DECODED_SIDE))
            return ImageOps.exif_transpose(image).convert("L"), (width, height)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:  # as Pillow raises them
        return str(error)
