"""Accuracy of the shipped release on a small part of the real photos: numbers and a tolerance.

Record anew after a release changes: STREETSIGHT_RECORD=1 make test ARGS=tests/golden
"""

import json
import os
from pathlib import Path

import pytest

from streetsight.datasets.records import LabelRecord, data_digest
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.inference.session import Detector
from streetsight.models.releases import load_release
from streetsight.training.evaluation.judging import judge
from streetsight.training.evaluation.metrics import evaluation

EXPECTED = Path(__file__).with_name("accuracy.json")
PER_SOURCE = 12
TOLERANCE = 0.02

pytestmark = [pytest.mark.golden, pytest.mark.photos, pytest.mark.training]


def test_accuracy_is_what_was_released(photos_root: Path) -> None:
    records = _few_of_each(split_by_group(read_sources(photos_root))["val"])
    release = load_release()
    judged = judge(records, Detector(release, provider="onnx"))
    rows = evaluation(judged, release.card, "val", data_digest(records), draws=1).classes
    actual = {
        "release": release.address,
        "digest": data_digest(records),
        "photos": len(records),
        "ap50": {row.name: row.ap50 for row in rows},
        "recall": {row.name: row.recall for row in rows},
    }
    if os.environ.get("STREETSIGHT_RECORD"):
        EXPECTED.write_text(json.dumps(actual, indent=1) + "\n")
    expected = json.loads(EXPECTED.read_text())
    assert actual["release"] == expected["release"], "record anew: the release in force has changed"
    assert actual["digest"] == expected["digest"], "other photos or labels than were recorded"
    for figure in ("ap50", "recall"):
        assert actual[figure] == pytest.approx(expected[figure], abs=TOLERANCE)


def test_the_card_tells_the_truth_about_the_test_photos(photos_root: Path) -> None:
    """The test part that the card was measured on is the one that this checkout cuts."""
    release = load_release()
    (figures,) = (each for each in release.card.evaluations if each.part == "test")
    parts = split_by_group(read_sources(photos_root))
    assert data_digest(parts["test"]) == figures.digest
    assert release.card.training is not None
    assert data_digest(parts["train"]) == release.card.training.train_digest


def _few_of_each(records: list[LabelRecord]) -> list[LabelRecord]:
    chosen: dict[str, list[LabelRecord]] = {}
    for record in records:
        chosen.setdefault(record.source, []).append(record)
    return [record for group in chosen.values() for record in group[:PER_SOURCE]]
