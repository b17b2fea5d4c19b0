"""Choose photos whose labels should help most: a greedy choice, each photo seen beside those chosen before.

Two views say what a photo shows: what the release detects, and what the labelled photos most like it show.
A photo is worth most where they agree on something rare, are unsure, or contradict each other, less the more
it resembles a photo that is labelled or chosen. A share is taken for its strangeness alone: what the release
never fires on and nobody labelled is found by nothing else.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.models.detections import Detections

Motive = Literal["rare", "unsure", "shown", "unlike"]

EXPLORE_SHARE = 0.2
SAME_SCENE = 0.99  # cosine of two embeddings from which photos show one scene (docs/labelling.md)
NEIGHBOURS, SAMPLE = 10, 2000  # how many photos are "most like" one; of how many a typical one is told
WARMTH = 0.1  # likeness by which a neighbour's vote falls to 1/e
SURE = 2 / 3  # from here on there is more presence than doubt
PRIOR_PHOTOS = 3.0  # photos that every class counts as having, so that none is worth infinity
CHUNK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """n photos to choose from, with c classes.

    Attributes:
        embeddings: (n, d) float32, of `Embedder`.
        detected: (n, c) float32 in [0, 1], the best score of each class, its odds divided by those of the
            class's threshold: 0.5 at the threshold.
    """

    embeddings: NDArray[np.float32]
    detected: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """m photos that need no label; m may be 0.

    Attributes:
        embeddings: (m, d) float32.
        shows: (m, c) float32, 1 where a photo has a box of the class, 0 where it was looked for and is
            absent, NaN where nobody looked for it.
        known: (c,) float32, on how many photos each class is labelled, or another count of what is known.
    """

    embeddings: NDArray[np.float32]
    shows: NDArray[np.float32]
    known: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What to choose for.

    Attributes:
        classes: (c,) bool, classes worth labelling.
        count: photos wanted.
        explore: share of them taken for their strangeness alone.
        seed: decides between equals, and the sample by which "typical" is told.
    """

    classes: NDArray[np.bool_]
    count: int
    explore: float = EXPLORE_SHARE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pick:
    """One chosen photo and why.

    Attributes:
        index: into the pool.
        motive: rare: may show a class of which little is labelled; unsure: the two views doubt or
            contradict each other; shown: both say it shows a class; unlike: unlike anything labelled.
        class_index: the class that decided; None for "unlike".
        worth: what it was chosen by; comparable within "unlike", and within the others.
        detected: of that class, see `Pool`; 0 for "unlike".
        expected: share of the labelled photos most like it that show that class; None where none of them
            was looked at for it, and for "unlike".
        likeness: cosine similarity to the nearest photo that was labelled or chosen before, -1 to 1.
    """

    index: int
    motive: Motive
    class_index: int | None
    worth: float
    detected: float
    expected: float | None
    likeness: float


def strongest(found: Detections, thresholds: NDArray[np.float32]) -> NDArray[np.float32]:
    """One row of `Pool.detected`, (c,) float32.

    Args:
        found: detections on one photo, far below the thresholds as well.
        thresholds: (c,) deployed thresholds.
    """
    row = np.zeros_like(thresholds)
    if len(found):
        np.maximum.at(row, found.class_ids, odds_against_threshold(found.scores, thresholds[found.class_ids]))
    return row


def shows(record: LabelRecord, class_names: tuple[str, ...]) -> NDArray[np.float32]:
    """One row of `Labelled.shows`, (c,) float32."""
    values = [
        float(name in record.class_names) if name in record.labelled_classes else np.nan
        for name in class_names
    ]
    return np.array(values, dtype=np.float32)


def odds_against_threshold(
    scores: NDArray[np.float32], thresholds: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Scores with their odds divided by the threshold's: 0.5 at the threshold, near 0 and 1 they stay."""
    limit = np.float32(1e-4)
    s, t = np.clip(scores, limit, 1 - limit), np.clip(thresholds, limit, 1 - limit)
    return np.asarray(s * (1 - t) / (s * (1 - t) + t * (1 - s)), dtype=np.float32)


def choose(pool: Pool, labelled: Labelled, wish: Wish) -> list[Pick]:
    """Photos of the pool in the order in which they should be labelled, no two of one scene.

    What a photo adds is the gain of the sum over classes of log(photos that show it), because accuracy grows
    about with the logarithm of examples, times its distance from what is labelled or chosen: a greedy choice
    of the submodular and k-center kind (Wei, Iyer, Bilmes: Submodularity in Data Subset Selection and Active
    Learning, 2015; Sener, Savarese: Active Learning for Convolutional Neural Networks: A Core-Set Approach,
    2018); doubt is that of a committee of two (Seung, Opper, Sompolinsky: Query by Committee, 1992).

    Returns:
        At most `wish.count`; fewer where all others show scenes that are labelled or chosen.
    """
    picks: list[Pick] = []
    if not len(pool.embeddings):
        return picks
    field = _Field(pool, labelled, wish)
    while len(picks) < wish.count and field.free.any():
        turn = len(picks) + 1
        explore = int(turn * wish.explore) > int((turn - 1) * wish.explore)
        picks.append(field.best(explore))
        field.take_(picks[-1].index)
    return picks


class _Field:
    """The pool as it stands after some photos were chosen."""

    def __init__(self, pool: Pool, labelled: Labelled, wish: Wish) -> None:
        rng = np.random.default_rng(wish.seed)
        self._wish, self._detected = wish, pool.detected
        self._scenes, labelled_scenes = _scenes(pool.embeddings, labelled.embeddings)
        self._expected, self._voters = expected_classes(self._scenes, labelled_scenes, labelled.shows)
        views = pool.detected + self._voters * self._expected
        self._presence = np.asarray(views / (1 + self._voters), dtype=np.float32)
        self._signal = (self._presence + doubt(self._presence)) * wish.classes
        self._nothing_seen = 1 - (self._presence * wish.classes).max(axis=1, initial=0)
        self._have = labelled.known + PRIOR_PHOTOS
        self._raw = _unit(pool.embeddings)
        self._likeness = _nearest(self._scenes, labelled_scenes)
        self._typical = _typicality(self._scenes, rng)
        self._tie = rng.random(len(self._scenes)) * 1e-9
        self.free = _nearest(self._raw, _unit(labelled.embeddings)) < SAME_SCENE

    def best(self, explore: bool) -> Pick:
        """The free photo that is worth most: for what is seen on it, or for its strangeness."""
        by_class = self._signal / self._have  # (n, c)
        if explore:
            worth = (1 - np.clip(self._likeness, 0, 1)) * self._typical * self._nothing_seen
        else:
            worth = self._novelty() * by_class.sum(axis=1)
        index = int(np.argmax(np.where(self.free, worth + self._tie, -np.inf)))
        value, likeness = float(worth[index]), float(self._likeness[index])
        if explore or not by_class[index].any():
            return Pick(index, "unlike", None, value, 0.0, None, likeness)
        decides = int(by_class[index].argmax())
        expected = float(self._expected[index, decides]) if self._voters[index, decides] else None
        detected = float(self._detected[index, decides])
        return Pick(index, self._motive(index, decides), decides, value, detected, expected, likeness)

    def take_(self, index: int) -> None:
        """Count the photo as labelled: what it probably shows, and all of its scene."""
        self._have = self._have + self._presence[index]
        self._likeness = np.maximum(self._likeness, self._scenes @ self._scenes[index])
        self.free &= self._raw @ self._raw[index] < SAME_SCENE
        self.free[index] = False

    def _novelty(self) -> NDArray[np.float32]:
        """Distance to what is labelled or chosen over that to the usual neighbours, 0 to 1.

        Roads look alike more than streets of stalls do; measured by their own kind, neither is crowded out.
        """
        usual = np.maximum(1 - self._typical, 1e-6)
        return np.asarray(np.clip((1 - self._likeness) / usual, 0, 1), dtype=np.float32)

    def _motive(self, index: int, class_index: int) -> Motive:
        if self._have[class_index] < 0.5 * np.median(self._have[self._wish.classes]):
            return "rare"
        return "unsure" if self._presence[index, class_index] < SURE else "shown"


def doubt(presence: NDArray[np.float32]) -> NDArray[np.float32]:
    """How near to a half a probability is, 0 to 1. Two views that contradict each other average to doubt."""
    return np.asarray(1 - np.abs(2 * presence - 1), dtype=np.float32)


def expected_classes(
    scenes: NDArray[np.float32], labelled_scenes: NDArray[np.float32], shows: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the labelled photos most like each photo say of it; the nearest count most.

    Args:
        scenes, labelled_scenes: (n, d) and (m, d) float32, unit rows.
        shows: (m, c) float32 of `Labelled`.

    Returns:
        (n, c) float32, the share of them that shows each class, of those that were looked at for it;
        (n, c) float32, how much that says: the part of them that was looked at for it, times the likeness
        of the nearest, 0 to 1.
    """
    count, width = min(NEIGHBOURS, len(shows)), shows.shape[1]
    if not count:
        return np.zeros((len(scenes), width), np.float32), np.zeros((len(scenes), width), np.float32)
    looked, there = (~np.isnan(shows)).astype(np.float32), np.nan_to_num(shows)
    shares, voters = [], []
    for at in range(0, len(scenes), CHUNK):
        cosines = scenes[at : at + CHUNK] @ labelled_scenes.T
        nearest = np.argpartition(cosines, -count, axis=1)[:, -count:]  # (chunk, count)
        near = np.take_along_axis(cosines, nearest, axis=1)
        votes = np.exp((near - near.max(axis=1, keepdims=True)) / WARMTH)
        votes /= votes.sum(axis=1, keepdims=True)
        heard = np.einsum("nk,nkc->nc", votes, looked[nearest])
        shares.append(np.einsum("nk,nkc->nc", votes, there[nearest]) / np.maximum(heard, 1e-6))
        voters.append(heard * np.clip(near.max(axis=1, keepdims=True), 0, 1))
    return np.concatenate(shares).astype(np.float32), np.concatenate(voters).astype(np.float32)


def _scenes(
    pool: NDArray[np.float32], labelled: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Embeddings as directions from the middle of all, every axis of one weight: unrelated ones near 0."""
    everything = np.concatenate([pool, labelled.reshape(-1, pool.shape[1])])
    middle, spread = everything.mean(axis=0), everything.std(axis=0) + np.float32(1e-6)
    directions = _unit((everything - middle) / spread)
    return directions[: len(pool)], directions[len(pool) :]


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of (n, d) scaled to length 1; zeros stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)


def _nearest(rows: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest cosine of each unit row with any of the others, (n,); -1 where there are none."""
    if not len(others):
        return np.full(len(rows), -1, dtype=np.float32)
    parts = [(rows[at : at + CHUNK] @ others.T).max(axis=1) for at in range(0, len(rows), CHUNK)]
    return np.concatenate(parts)


def _typicality(scenes: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Mean cosine of each photo with its nearest in a sample of the pool, 0 to 1: an outlier is near 0."""
    sample = scenes[np.sort(rng.permutation(len(scenes))[:SAMPLE])]
    count = min(NEIGHBOURS + 1, len(sample))
    parts = []
    for at in range(0, len(scenes), CHUNK):
        nearest = np.partition(scenes[at : at + CHUNK] @ sample.T, -count, axis=1)[:, -count:]
        parts.append((nearest.sum(axis=1) - nearest.max(axis=1)) / max(count - 1, 1))  # without itself
    return np.asarray(np.clip(np.concatenate(parts), 0, 1), dtype=np.float32)
