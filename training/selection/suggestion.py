"""Photos in, a list of those worth labelling next out, with what was left out and why."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.near_duplicates import clusters, near_duplicates
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_source, read_sources
from streetsight.inference.drawing import not_scorable_note
from streetsight.inference.job import named_classes
from streetsight.inference.pipeline import FrameResult
from streetsight.inference.reading import Outcome
from streetsight.inference.sources import find_photos
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.releases import Release
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.training.selection.choosing import (
    Labelled,
    Pick,
    Pool,
    Wish,
    choose,
    odds_against_threshold,
    shows,
    strongest,
)
from streetsight.training.selection.looking import Look, look
from streetsight.training.selection.sources import SuggestionError, pool_sources

LeftOutcome = Literal["not_scorable", "labelled", "duplicate", "near_duplicate"]

PROPOSED = 0.25  # of a score moved to its threshold: boxes from here on are drawn for the labeller


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for; see the help of `streetsight dataset suggest`."""

    photos: tuple[str, ...]
    count: int
    labelled: Path | None = None
    classes: str | None = None
    explore: float = 0.2
    seed: int = 0
    provider: str = "cpu"


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """One photo to label.

    Attributes:
        rank: from 1.
        result: the photo, with those detections that are worth proposing to the labeller.
        best_score: of the class that decided, as the release gave it; None where none decided, as below.
        threshold: of that class.
        known: how often it is labelled already, see `Suggestions.known`.
    """

    rank: int
    pick: Pick
    result: FrameResult
    class_name: str | None = None
    best_score: float | None = None
    threshold: float | None = None
    known: int | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A photo that was not considered: a reason code, and what gives the reason in a language."""

    name: str
    outcome: Outcome | LeftOutcome
    reason: Callable[[Language], str]


@dataclass(frozen=True, slots=True, eq=False)
class Suggestions:
    """The whole answer.

    Attributes:
        classes: what was looked for.
        photos: how many there were.
        counted: what `known` counts: labelled photos that show the class, or, where no labels were
            given, boxes of the class that the release was judged on.
        known: class -> how often it is known.
        chosen: best first.
        left_out: photos not considered, with the reason.
        exhausted: more were wanted, but the rest shows scenes that are labelled or suggested.
    """

    card: Card
    classes: tuple[str, ...]
    photos: int
    counted: Literal["photos", "boxes"]
    known: dict[str, int]
    chosen: tuple[Suggestion, ...]
    left_out: tuple[LeftOut, ...]
    exhausted: bool


Watch = Callable[[Iterable[Look], int], Iterable[Look]]


def suggest(request: Request, release: Release, watch: Watch = lambda looks, total: looks) -> Suggestions:
    """Choose what to label next.

    Args:
        watch: is given each iterable of looks and its length, and passes it on: room for a progress bar.

    Raises:
        JobError: unknown classes.
        LabelError: labels that cannot be read.
        NoPhotosError, SuggestionError: a path leads to no photos, a list is none.
        ReleaseError: the release cannot run.
    """
    wanted = wanted_classes(request.classes, release.card)
    sources = pool_sources(request.photos)
    records = _labelled_records(request.labelled)
    done = find_photos([str(record.image) for record in records]) if records else []
    labelled = list(watch(look(done, release, request.provider), len(done))) if done else []
    pool, left_out = sort_out(watch(look(sources, release, request.provider), len(sources)), labelled)
    known = known_counts(records, release.card)
    wish = Wish(np.isin(release.card.class_names, wanted), request.count, request.explore, request.seed)
    picks = choose(_pool(pool, release.card), _labelled(labelled, records, known, release.card), wish)
    return Suggestions(
        card=release.card,
        classes=wanted,
        photos=len(sources),
        counted="photos" if records else "boxes",
        known={name: known[name] for name in release.card.class_names},
        chosen=tuple(
            _suggestion(rank, pick, pool[pick.index].result, release.card, known)
            for rank, pick in enumerate(picks, start=1)
        ),
        left_out=tuple(left_out),
        exhausted=len(picks) < min(request.count, len(pool)),
    )


def wanted_classes(asked: str | None, card: Card) -> tuple[str, ...]:
    """Classes of a release by their names or conditions; without any, all that are leads for a condition.

    Vehicles lead to illegal parking only by rule, so they are left out unless they are asked for.

    Raises:
        JobError: naming what the release does not have.
    """
    ids = named_classes(asked, card)
    if ids is not None:
        return tuple(each.name for each in card.classes if each.id in ids)
    return tuple(name for name in card.class_names if default_taxonomy()[name].condition)


def known_counts(records: Sequence[LabelRecord], card: Card) -> Counter[str]:
    """Class -> labelled photos that show it; without records, boxes that the release was judged on."""
    if records:
        return Counter(name for record in records for name in set(record.class_names))
    boxes: Counter[str] = Counter()
    for evaluation in card.evaluations:
        boxes.update({row.name: row.boxes for row in evaluation.classes})
    return boxes


def sort_out(looks: Iterable[Look], labelled: Sequence[Look]) -> tuple[list[Look], list[LeftOut]]:
    """Looks at photos that are worth considering, each picture once, and the others with the reason."""
    pool: list[Look] = []
    left_out: list[LeftOut] = []
    done = {each.result.sha256: each.result.name for each in labelled}
    first: dict[str | None, str] = {}
    for each in looks:
        reason = _reason_against(each.result, done, first)
        if reason is None:
            first[each.result.sha256] = each.result.name
            pool.append(each)
        else:
            left_out.append(LeftOut(each.result.name, *reason))
    alike = _near_duplicates(pool, labelled)
    for index, name in alike.items():
        why = SuggestionError("is nearly the same picture as {photo}", photo=name)
        left_out.append(LeftOut(pool[index].result.name, "near_duplicate", why.say))
    return [each for index, each in enumerate(pool) if index not in alike], left_out


def _near_duplicates(pool: Sequence[Look], labelled: Sequence[Look]) -> dict[int, str]:
    """Index into the pool -> name of the labelled or earlier photo that it nearly repeats."""
    seen = [each for each in (*labelled, *pool) if each.fingerprint]
    prints = [each.fingerprint for each in seen if each.fingerprint]
    before = len(seen) - len(pool)
    pairs = near_duplicates(prints, np.arange(len(prints)) >= before)
    return {
        index - before: seen[cluster[0]].result.name
        for cluster in clusters(range(len(prints)), pairs)
        for index in cluster[1:]
        if index >= before
    }


def _reason_against(
    result: FrameResult, labelled: dict[str | None, str], first: dict[str | None, str]
) -> tuple[Outcome | LeftOutcome, Callable[[Language], str]] | None:
    if result.error:
        return result.error.outcome, result.error.say
    if result.sha256 in labelled:
        photo = labelled[result.sha256]
        return "labelled", SuggestionError("is labelled already: {photo}", photo=photo).say
    if result.sha256 in first:
        return "duplicate", SuggestionError("is the same file as {photo}", photo=first[result.sha256]).say
    if result.quality and result.quality.faults:
        return "not_scorable", partial(not_scorable_note, result.quality.faults)
    return None


def _suggestion(rank: int, pick: Pick, result: FrameResult, card: Card, known: Counter[str]) -> Suggestion:
    found = result.detections
    assert found is not None, "only readable photos are chosen"
    moved = odds_against_threshold(found.scores, _thresholds(card)[found.class_ids])
    shown = replace(result, detections=found[moved >= PROPOSED])
    if pick.class_index is None:
        return Suggestion(rank, pick, shown)
    each = card.classes[pick.class_index]
    best = float(found.scores[found.class_ids == each.id].max(initial=0))
    return Suggestion(rank, pick, shown, each.name, best, each.threshold, known[each.name])


def _labelled_records(folder: Path | None) -> list[LabelRecord]:
    if folder is None:
        return []
    return read_source(folder) if (folder / "SOURCE.json").is_file() else read_sources(folder)


def _pool(looks: Sequence[Look], card: Card) -> Pool:
    found = [each.result.detections or Detections.empty() for each in looks]
    rows = [strongest(each, _thresholds(card)) for each in found]
    return Pool(_rows([each.embedding for each in looks]), _rows(rows, len(card.classes)))


def _labelled(
    looks: Sequence[Look], records: Sequence[LabelRecord], known: Counter[str], card: Card
) -> Labelled:
    """Those of the labelled photos that can be read."""
    readable = [(look, record) for look, record in zip(looks, records, strict=True) if not look.result.error]
    return Labelled(
        _rows([look.embedding for look, _ in readable]),
        _rows([shows(record, card.class_names) for _, record in readable], len(card.classes)),
        np.array([known[name] for name in card.class_names], dtype=np.float32),
    )


def _thresholds(card: Card) -> NDArray[np.float32]:
    return np.array([each.threshold for each in card.classes], dtype=np.float32)


def _rows(rows: Sequence[NDArray[np.float32] | None], columns: int = 0) -> NDArray[np.float32]:
    """(n, columns) float32; (0, columns) where there are none."""
    there = [row for row in rows if row is not None]
    return np.stack(there) if there else np.zeros((0, columns), np.float32)
