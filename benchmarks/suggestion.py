"""How many labels does `streetsight dataset suggest` save against labelling photos at random?

Held-back labels play the labeller. Both ways start from the same few random photos and a network that knows
COCO only. Each round trains on what is labelled, measures AP50 over the classes of conditions, and labels
more. The pool is 70 % of the training photos; judged is on the other 30 % and the validation photos, by
group, never on test photos. The learner keeps its backbone (`benchmarks.frozen_learner`), the same for both.

Needs a COCO checkpoint in STREETSIGHT_START and half an hour of one core. Rounds are written down as they
end: a second call goes on where the first was stopped. It is not part of `make bench` as such:

    STREETSIGHT_START=yolo26n.pt make bench ARGS=suggestion
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import streetsight.training.quiet  # noqa: F401

import numpy as np
import torch
from benchmarks.frozen_learner import THRESHOLD, FrozenLearner, cached_features
from benchmarks.photos import ROOT, photos_root
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.models.boxes import cxcywh_to_xyxy, norm_to_px
from streetsight.models.detections import Detections
from streetsight.training.evaluation.curves import ap50, unit_weights
from streetsight.training.evaluation.judging import Judged
from streetsight.training.evaluation.scored import Category, condition_classes, score
from streetsight.training.selection.choosing import Labelled, Pool, Wish, choose, shows, strongest
from streetsight.training.train import class_names

Way = Literal["random", "suggest"]
WAYS: tuple[Way, ...] = ("random", "suggest")
SIZES = (80, 160, 320, 640)  # labelled photos, round by round
SEEDS = (0, 1, 2)
UNITS = ("photos", "boxes")
POOL = {"pool": 0.7, "judges": 0.3}  # of the training photos
FOLDER, PLOT = ROOT / "out" / "suggestion", ROOT / "docs" / "images" / "suggestion.svg"


@dataclass(frozen=True, slots=True)
class Round:
    """What was labelled, and how good the network became.

    Attributes:
        chosen: indices into the pool, in the order of labelling.
        following: what was chosen to be labelled next.
        boxes: how many the labeller drew on the chosen photos.
        ap50: class of a condition -> AP50 on the photos to judge on.
        seconds: of processor time.
    """

    way: Way
    seed: int
    chosen: tuple[int, ...]
    following: tuple[int, ...]
    boxes: int
    ap50: dict[str, float]
    seconds: float

    @property
    def mean_ap50(self) -> float:
        return sum(self.ap50.values()) / len(self.ap50)


class Experiment:
    """The pool, the photos to judge on, and the learner."""

    def __init__(self, start: Path, folder: Path) -> None:
        torch.set_num_threads(1)
        parts = split_by_group(read_sources(photos_root()))
        parts |= split_by_group(parts["train"], POOL)
        self.pool, self._judges = parts["pool"], parts["judges"] + parts["val"]
        self._pool_seen = cached_features(self.pool, start, folder / "pool")
        self._judges_seen = cached_features(self._judges, start, folder / "judges")
        self._learner = FrozenLearner(class_names(self.pool), start)
        self.card = self._learner.card
        self._trained = lru_cache(maxsize=1)(self._train)  # both ways start from the same photos

    def play(self, way: Way, seed: int, chosen: tuple[int, ...], more: int) -> Round:
        """Train on the chosen photos, judge, and choose as many more to label."""
        started = time.process_time()
        network, figures = self._trained(seed, chosen)
        choose_more = self._by_suggestion if way == "suggest" else self._at_random
        following = choose_more(network, seed, chosen, more) if more else ()
        boxes = sum(len(self.pool[index]) for index in chosen)
        return Round(way, seed, chosen, following, boxes, figures, round(time.process_time() - started, 1))

    def _train(self, seed: int, chosen: tuple[int, ...]) -> tuple[Any, dict[str, float]]:
        network = self._learner.train(self.pool, self._pool_seen, chosen, seed)
        return network, self._judge(
            self._learner.detect(network, self._judges_seen, range(len(self._judges)))
        )

    def _at_random(self, network: Any, seed: int, chosen: tuple[int, ...], more: int) -> tuple[int, ...]:
        return self.start(seed, len(chosen) + more)[len(chosen) :]

    def start(self, seed: int, count: int) -> tuple[int, ...]:
        """The first photos of a random order of the pool."""
        return tuple(np.random.default_rng(seed).permutation(len(self.pool))[:count].tolist())

    def _judge(self, found: Sequence[Detections]) -> dict[str, float]:
        judged = [
            _judged(record, each, self._judges_seen.placement(index).size_wh)
            for index, (record, each) in enumerate(zip(self._judges, found, strict=True))
        ]
        figures = {}
        for name in condition_classes(self.card):
            scored = score(judged, Category(name, {name: self.card.class_names.index(name)}))
            figures[name] = round(float(ap50(scored, unit_weights(scored))[0]), 4)
        return figures

    def _by_suggestion(self, network: Any, seed: int, chosen: tuple[int, ...], more: int) -> tuple[int, ...]:
        names = self.card.class_names
        rest = sorted(set(range(len(self.pool))) - set(chosen))
        thresholds = np.full(len(names), THRESHOLD, np.float32)
        found = self._learner.detect(network, self._pool_seen, rest)
        seen = self._pool_seen.embeddings
        known = np.stack([shows(self.pool[index], names) for index in chosen])
        picks = choose(
            Pool(seen[rest], np.stack([strongest(each, thresholds) for each in found])),
            Labelled(seen[list(chosen)], known, np.nansum(known, axis=0)),
            Wish(np.isin(names, condition_classes(self.card)), more, seed=seed),
        )
        return tuple(rest[pick.index] for pick in picks)


def measure(folder: Path = FOLDER) -> dict[str, Any]:
    """Play what was not played yet, draw the curves, and say what was saved."""
    start = os.environ.get("STREETSIGHT_START")
    if not start:
        raise SystemExit("set STREETSIGHT_START to a COCO checkpoint of YOLO26n")
    rounds = play_all(Experiment(Path(start), folder), folder / "rounds.jsonl")
    draw(rounds, PLOT)
    return savings(rounds)


def play_all(experiment: Experiment, path: Path) -> list[Round]:
    """All rounds of both ways and all seeds; those that the file holds are not played again."""
    done = {(each.way, each.seed, len(each.chosen)): each for each in read_rounds(path)}
    for seed in SEEDS:
        chosen = dict.fromkeys(WAYS, experiment.start(seed, SIZES[0]))
        for size, goal in zip(SIZES, (*SIZES[1:], SIZES[-1]), strict=True):
            for way in WAYS:
                if (way, seed, size) not in done:
                    played = experiment.play(way, seed, chosen[way], goal - size)
                    done[way, seed, size] = played
                    with path.open("a") as file:
                        file.write(json.dumps(asdict(played)) + "\n")
                one = done[way, seed, size]
                chosen[way] = one.chosen + one.following
    return list(done.values())


def read_rounds(path: Path) -> list[Round]:
    lines = path.read_text().splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    return [
        Round(**row | {"chosen": tuple(row["chosen"]), "following": tuple(row["following"])}) for row in rows
    ]


def _judged(record: LabelRecord, found: Detections, size_wh: tuple[int, int]) -> Judged:
    boxes = norm_to_px(cxcywh_to_xyxy(record.boxes_cxcywh_norm), size_wh)
    names = np.array(record.class_names)
    return Judged(record, size_wh, {name: boxes[names == name] for name in set(record.class_names)}, found)


def savings(rounds: Sequence[Round]) -> dict[str, Any]:
    """Mean AP50 by round, and the share of random's labels that suggestion needs for random's best AP50."""
    curves = {way: np.stack([curve(rounds, way, seed) for seed in SEEDS]) for way in WAYS}
    mean = {way: each.mean(axis=0) for way, each in curves.items()}
    answer: dict[str, Any] = {"photos": list(SIZES)}
    for way in WAYS:
        answer[f"boxes_{way}"] = mean[way][:, 1].round().tolist()
        answer[f"ap50_{way}"] = mean[way][:, 2].round(3).tolist()
    for column, unit in enumerate(UNITS):
        answer[f"share_of_{unit}_by_round"] = [
            share_needed(mean["suggest"], mean["random"][: last + 1], column) for last in range(1, len(SIZES))
        ]
        answer[f"share_of_{unit}_by_seed"] = [
            share_needed(one, other, column)
            for one, other in zip(curves["suggest"], curves["random"], strict=True)
        ]
    return answer


def curve(rounds: Sequence[Round], way: Way, seed: int) -> NDArray[np.float64]:
    """(rounds, 3): photos labelled, boxes drawn, mean AP50."""
    mine = sorted(
        (each for each in rounds if (each.way, each.seed) == (way, seed)), key=lambda each: len(each.chosen)
    )
    return np.array([(len(each.chosen), each.boxes, each.mean_ap50) for each in mine])


def share_needed(suggest: NDArray[np.float64], random: NDArray[np.float64], column: int) -> float | None:
    """Labels after which suggestion first reaches random's best AP50, over the labels random had there.

    Straight lines between rounds. None where it never gets there.
    """
    best = int(random[:, 2].argmax())
    goal, cost = random[best, 2], random[best, column]
    for before, after in pairwise(suggest):
        if after[2] >= goal:
            part = np.clip((goal - before[2]) / max(after[2] - before[2], 1e-9), 0, 1)
            return round(float((before[column] + part * (after[column] - before[column])) / cost), 2)
    return None


def draw(rounds: Sequence[Round], path: Path) -> None:
    """AP50 against photos and against boxes labelled: the mean of the seeds, thin each of them."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = path.name  # the same rounds give the same file
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    colours: dict[Way, str] = {"random": "#6B7280", "suggest": "#0F766E"}
    for column, (axes, unit) in enumerate(zip(figure.subplots(1, 2, sharey=True), UNITS, strict=True)):
        for way in WAYS:
            each = np.stack([curve(rounds, way, seed) for seed in SEEDS])  # (seeds, rounds, 3)
            middle = each.mean(axis=0)
            axes.plot(middle[:, column], middle[:, 2], "o-", color=colours[way], label=way, markersize=4)
            for one in each:
                axes.plot(one[:, column], one[:, 2], "-", color=colours[way], alpha=0.3, linewidth=1)
        axes.set_xlabel(f"{unit} labelled")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.2)
    figure.axes[0].set_ylabel("AP50, mean of 8 classes")
    figure.axes[0].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})
