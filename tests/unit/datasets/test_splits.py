"""No group straddles a cut, every class has its share, and the cut never depends on chance."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import DEFAULT_FRACTIONS, LeakError, check_leak_free, split_by_group

CLASSES = ("garbage", "pothole", "car")


def record(number: int, group: str, names: tuple[str, ...], source: str = "town") -> LabelRecord:
    boxes = np.full((len(names), 4), 0.5, np.float32)
    return LabelRecord(Path(f"{source}/{number:05d}.jpg"), source, group, frozenset(CLASSES), names, boxes)


@st.composite
def collections(draw: st.DrawFn) -> list[LabelRecord]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, 20),
                st.lists(st.sampled_from(CLASSES), max_size=5).map(tuple),
                st.sampled_from(("town", "village")),
            ),
            max_size=40,
        )
    )
    return [record(number, f"g{group}", names, source) for number, (group, names, source) in enumerate(drawn)]


fractions = st.lists(st.integers(1, 100), min_size=1, max_size=4).map(
    lambda weights: {f"part{index}": weight / sum(weights) for index, weight in enumerate(weights)}
)


def identities(parts: dict[str, list[LabelRecord]]) -> dict[str, list[Path]]:
    return {part: [each.image for each in records] for part, records in parts.items()}


@given(records=collections(), wanted=fractions, seed=st.integers(0, 3))
def test_every_group_is_whole_and_every_record_kept_once(
    records: list[LabelRecord], wanted: dict[str, float], seed: int
) -> None:
    parts = split_by_group(records, wanted, seed)
    assert list(parts) == list(wanted)
    check_leak_free(parts)
    kept = [each.image for part in parts.values() for each in part]
    assert Counter(kept) == Counter(each.image for each in records)


@given(records=collections(), wanted=fractions, seed=st.integers(0, 3), data=st.data())
def test_the_order_of_records_does_not_matter(
    records: list[LabelRecord], wanted: dict[str, float], seed: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(records))
    first, again = split_by_group(records, wanted, seed), split_by_group(shuffled, wanted, seed)
    assert identities(first) == identities(again)


def test_the_last_bit_of_a_sum_decides_nothing() -> None:
    # Shares added up in the order of the records differed in it, and with it the part.
    records = [record(0, "g0", ("pothole",)), record(1, "g1", ("car", "pothole", "pothole"))]
    wanted = {"small": 1 / 6, "large": 5 / 6}
    backwards = split_by_group(records[::-1], wanted)
    assert identities(split_by_group(records, wanted)) == identities(backwards)


def test_the_seed_decides_between_equal_groups() -> None:
    records = [record(number, f"g{number}", ("car",)) for number in range(40)]
    cuts = [identities(split_by_group(records, seed=seed)) for seed in (0, 0, 1)]
    assert cuts[0] == cuts[1] != cuts[2]


def test_every_class_has_its_share_also_a_rare_one() -> None:
    rng = np.random.default_rng(5)
    records: list[LabelRecord] = []
    for group in range(400):
        for _ in range(int(rng.integers(1, 6))):
            names = ("garbage",) * int(rng.integers(0, 4)) + ("car",) * int(rng.integers(0, 3))
            rare = ("pothole",) if group % 10 == 0 else ()  # in 40 of 400 groups
            records.append(record(len(records), f"g{group}", names + rare))
    parts = split_by_group(records)
    counts = {
        part: Counter(name for each in kept for name in each.class_names) for part, kept in parts.items()
    }
    for name in CLASSES:
        total = sum(count[name] for count in counts.values())
        for part, share in DEFAULT_FRACTIONS.items():
            assert abs(counts[part][name] / total - share) < 0.06, (part, name)
    for part, share in DEFAULT_FRACTIONS.items():
        assert abs(len(parts[part]) / len(records) - share) < 0.06, part


def test_fractions_that_lose_or_repeat_photos_are_refused() -> None:
    with pytest.raises(ValueError, match=r"fractions must sum to 1, got \{'train': 0.8, 'test': 0.1\}"):
        split_by_group([], {"train": 0.8, "test": 0.1})


def test_a_leak_is_said_with_its_groups() -> None:
    parts = {
        "train": [record(1, "shop", ()), record(2, "square", ())],
        "test": [record(3, "square", ()), record(4, "bridge", ()), record(5, "shop", ())],
    }
    with pytest.raises(LeakError, match="2 groups straddle parts: shop, square; split again with `split_by"):
        check_leak_free(parts)


@pytest.mark.photos
def test_the_real_photos_split_without_leaks(photos_root: Path) -> None:
    records = read_sources(photos_root)
    assert len(records) == 4260
    parts = split_by_group(records)
    check_leak_free(parts)
    assert sum(len(kept) for kept in parts.values()) == len(records)
    present = {part: {name for each in kept for name in each.class_names} for part, kept in parts.items()}
    every = {name for each in records for name in each.class_names}
    assert present["val"] == present["test"] == present["train"] == every
