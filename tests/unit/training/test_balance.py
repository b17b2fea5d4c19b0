"""Rare classes are shown more often, common ones not less than once."""

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.records import LabelRecord
from streetsight.training.balance import balanced, repeat_factors

NAMES = ("garbage", "damaged_manhole", "car")


def record(index: int, names: tuple[str, ...], source: str = "s") -> LabelRecord:
    boxes = np.tile(np.array([0.5, 0.5, 0.1, 0.1], np.float32), (len(names), 1)).reshape(-1, 4)
    return LabelRecord(Path(f"{index}.jpg"), source, str(index), frozenset(NAMES), names, boxes)


def test_a_class_in_one_photo_of_a_hundred_is_shown_by_the_root_of_its_rarity() -> None:
    records = [record(index, ("garbage",)) for index in range(99)] + [record(99, ("damaged_manhole",))]
    factors = repeat_factors(records, 0.16)
    assert factors[:99] == [1.0] * 99
    assert factors[99] == 4.0  # sqrt(0.16 / 0.01)


def test_context_alone_is_not_repeated() -> None:
    records = [record(index, ("garbage",)) for index in range(99)] + [record(99, ("car",))]
    assert repeat_factors(records, 0.5)[99] == 1.0


def test_a_source_asked_for_three_times_is_shown_three_times() -> None:
    records = [record(0, (), "rare"), record(1, (), "common")]
    shown = Counter(each.source for each in balanced(records, 0.0, {"rare": 3}, seed=0))
    assert shown == {"rare": 3, "common": 1}


@given(
    st.lists(st.sets(st.sampled_from(NAMES)), min_size=1, max_size=40),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_every_photo_is_shown_and_the_order_of_chance_is_fixed(
    contents: list[set[str]], share: float, seed: int
) -> None:
    records = [record(index, tuple(sorted(names))) for index, names in enumerate(contents)]
    shown = balanced(records, share, {}, seed)
    assert shown == balanced(records, share, {}, seed)
    counts = Counter(each.image for each in shown)
    for each, factor in zip(records, repeat_factors(records, share), strict=True):
        assert int(factor) <= counts[each.image] <= int(factor) + 1
