"""A teacher adds what nobody labelled and never touches what a person did."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the training extra")

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.models.releases import load_release
from streetsight.training.teacher import Opinion, label_by_release, merge, remembered

pytestmark = pytest.mark.training

CLASSES = ("car", "truck", "bus")
HUMAN = LabelRecord(
    image=Path("a.jpg"),
    source="s",
    group="g",
    labelled_classes=frozenset({"garbage"}),
    class_names=("garbage",),
    boxes_cxcywh_norm=np.array([[0.5, 0.5, 0.2, 0.2]], np.float32),
)


def opinion(*said: tuple[str, float]) -> Opinion:
    boxes = np.tile(np.array([0.3, 0.3, 0.1, 0.1], np.float32), (len(said), 1)).reshape(-1, 4)
    return Opinion(tuple(name for name, _ in said), tuple(score for _, score in said), boxes)


def test_sure_boxes_become_labels_and_hesitation_leaves_the_class_open() -> None:
    taught = merge(HUMAN, opinion(("car", 0.9), ("truck", 0.3)), frozenset(CLASSES), sure=0.5)
    assert taught.class_names == ("garbage", "car")
    assert taught.labelled_classes == {"garbage", "car", "bus"}  # bus: looked for, not seen


def test_one_unsure_box_keeps_the_sure_one_of_its_class_out() -> None:
    taught = merge(HUMAN, opinion(("car", 0.9), ("car", 0.3)), frozenset(CLASSES), sure=0.5)
    assert "car" not in taught.labelled_classes
    assert taught.class_names == ("garbage",)


@given(st.lists(st.tuples(st.sampled_from((*CLASSES, "garbage")), st.floats(0, 1)), max_size=8))
def test_what_people_labelled_stays(said: list[tuple[str, float]]) -> None:
    taught = merge(HUMAN, opinion(*said), frozenset(CLASSES), sure=0.5)
    assert taught.class_names[:1] == HUMAN.class_names
    assert "garbage" not in taught.class_names[1:]
    assert np.array_equal(taught.boxes_cxcywh_norm[:1], HUMAN.boxes_cxcywh_norm)


def test_opinions_are_remembered(tmp_path: Path) -> None:
    def teach(records: object) -> list[LabelRecord]:
        return [merge(HUMAN, opinion(("car", 0.9)), frozenset(CLASSES), sure=0.5)]

    def never(records: object) -> list[LabelRecord]:
        raise AssertionError("asked again")

    first = remembered(tmp_path / "taught.json", [HUMAN], teach)[0]
    again = remembered(tmp_path / "taught.json", [HUMAN], never)[0]
    assert again.class_names == first.class_names
    assert again.labelled_classes == first.labelled_classes
    assert np.allclose(again.boxes_cxcywh_norm, first.boxes_cxcywh_norm, atol=1e-6)


def test_a_release_teaches_what_it_knows(tmp_path: Path) -> None:
    list(simulate_patrol(tmp_path, 5, 4, step_m=8))
    release = load_release()
    blank = [
        replace(
            record,
            labelled_classes=frozenset({"garbage"}),
            class_names=(),
            boxes_cxcywh_norm=np.zeros((0, 4), np.float32),
        )
        for record in read_patrol(tmp_path)
    ]
    taught = label_by_release(blank, release, sure=0.5, unsure=0.1)
    names = {name for record in taught for name in record.class_names}
    assert names  # it sees something on its own training world
    assert "garbage" not in names  # a person said that there is none
    assert all(record.labelled_classes <= set(release.card.class_names) for record in taught)
