"""Near-duplicates: photos that are one picture, re-encoded, scaled, brightened or cropped by a few percent.

Two steps. Photos whose perceptual hashes differ in at most 12 of 64 bits are candidates; each pair is then
laid over one another, slightly stretched and shifted, and counts when the grey levels correlate. The second
step is what keeps different photos with one composition (the next stretch of the same road) apart.
Measured in docs/datasets.md.
"""

import os
from collections.abc import Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.fingerprints import SIDE, Fingerprint

MAX_BITS = 12
MIN_CORRELATION = 0.96
MIN_CONTRAST = 6.0  # grey levels; below it, a picture has nothing to compare by
MARGIN = 3  # pixels of 32 that may be cut off or shifted
STRETCHES = tuple(SIDE + step for step in (-2, -1, 0, 1, 2))
HOPELESS = 0.7  # correlation before stretching from which stretching never reached MIN_CORRELATION
BLUR_PX = 0.7  # forgives a shift by half a pixel
TILE = 1024  # photos a side: their distances stay in the processor's cache

Item = TypeVar("Item", bound=Hashable)


def near_duplicates(
    fingerprints: Sequence[Fingerprint],
    wanted: NDArray[np.bool_] | None = None,
    min_correlation: float = MIN_CORRELATION,
) -> list[tuple[int, int]]:
    """Index pairs (i < j) of photos that show one picture.

    Args:
        fingerprints: any order; each pair is judged alike in any order.
        wanted: (n,), only pairs with at least one wanted photo are looked for; all by default.
        min_correlation: of the grey levels, once laid over one another.
    """
    hashes = np.array([each.phash for each in fingerprints], np.uint64)
    usable = np.array([each.contrast >= MIN_CONTRAST for each in fingerprints], bool)
    candidates = [
        (int(i), int(j))
        for i, j in candidate_pairs(hashes)
        if usable[i] and usable[j] and (wanted is None or wanted[i] or wanted[j])
    ]
    blurred = {
        index: _blurred(fingerprints[index]) for index in {each for pair in candidates for each in pair}
    }

    def same(pair: tuple[int, int]) -> bool:
        first, second = sorted(pair, key=lambda index: fingerprints[index].sha256)
        return correlation(blurred[first], blurred[second], min_correlation) >= min_correlation

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return [
            pair for pair, judged in zip(candidates, threads.map(same, candidates), strict=True) if judged
        ]


def candidate_pairs(hashes: NDArray[np.uint64], max_bits: int = MAX_BITS) -> NDArray[np.int64]:
    """(m, 2) index pairs i < j whose hashes (n,) differ in at most `max_bits` bits.

    Every pair is counted, tile by tile: at a dozen bits of tolerance an index by bands of the hash would
    look at nearly all of them too.
    """
    starts = range(0, len(hashes), TILE)

    def pairs_of_row(top: int) -> NDArray[np.int64]:
        found = [np.empty((0, 2), np.int64)]
        rows = hashes[top : top + TILE, None]
        for left in range(top, len(hashes), TILE):
            close = np.bitwise_count(rows ^ hashes[None, left : left + TILE]) <= max_bits
            pairs = np.argwhere(close) + np.array((top, left))
            found.append(pairs[pairs[:, 0] < pairs[:, 1]])
        return np.concatenate(found)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return np.concatenate([np.empty((0, 2), np.int64), *threads.map(pairs_of_row, starts)])


def correlation(a_grey: NDArray[np.float32], b_grey: NDArray[np.float32], enough: float) -> float:
    """Best normalised correlation of the middle of `a` with `b`, stretched by up to 6 % and shifted.

    Both (32, 32) float32. In [-1, 1]; the search ends at `enough`.
    """
    middle = a_grey[MARGIN:-MARGIN, MARGIN:-MARGIN]
    best = _best_shift(b_grey, middle)
    if best < HOPELESS:
        return best
    for width in STRETCHES:
        for height in STRETCHES:
            if best >= enough:
                return best
            stretched = cv2.resize(b_grey, (width, height), interpolation=cv2.INTER_LINEAR)
            best = max(best, _best_shift(np.asarray(stretched, np.float32), middle))
    return best


def clusters(items: Iterable[Item], pairs: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Items joined by pairs, directly or through others (union-find); items and clusters in given order."""
    parent = {item: item for item in items}

    def root(item: Item) -> Item:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        parent[root(second)] = root(first)
    members: dict[Item, list[Item]] = {}
    for item in parent:
        members.setdefault(root(item), []).append(item)
    return list(members.values())


def _best_shift(picture: NDArray[np.float32], middle: NDArray[np.float32]) -> float:
    return float(cv2.matchTemplate(picture, middle, cv2.TM_CCOEFF_NORMED).max())


def _blurred(each: Fingerprint) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(each.grey.astype(np.float32), (0, 0), BLUR_PX), np.float32)
