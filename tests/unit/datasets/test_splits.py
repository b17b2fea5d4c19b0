"""No group straddles a cut, every class has its share, and the cut never depends on chance."""

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import (
    DEFAULT_FRACTIONS,
    LeakError,
    SplitError,
    check_leak_free,
    read_split,
    split_by_group,
    write_split,
)

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
    with pytest.raises(LeakError) as caught:
        check_leak_free(parts)
    assert str(caught.value) == (
        "2 groups straddle parts: shop, square; split again with `streetsight dataset split`, or give each "
        "group one part:\n  shop (train: 00001.jpg)\n  shop (test: 00005.jpg)\n  square (train: 00002.jpg)\n"
        "  square (test: 00003.jpg)"
    )
    assert caught.value.offenders["shop"] == {
        "train": [Path("town/00001.jpg")],
        "test": [Path("town/00005.jpg")],
    }


def test_photos_without_a_group_are_not_thrown_together() -> None:
    with pytest.raises(SplitError, match=r"1 photos have no group: 00002\.jpg; find groups"):
        split_by_group([record(1, "shop", ()), record(2, "", ())])


@given(records=collections(), seed=st.integers(0, 3))
def test_a_split_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, records: list[LabelRecord], seed: int
) -> None:
    parts = split_by_group(records, seed=seed)
    path = tmp_path_factory.mktemp("split") / "split.csv"
    path.write_text(write_split(parts), encoding="utf-8")
    back = read_split(path, records[::-1])
    assert identities(back) == {part: names for part, names in identities(parts).items() if names}


TWO = [record(1, "shop", ()), record(2, "square", ())]


@pytest.mark.parametrize(
    "text",
    [
        "image,part\n00001.jpg,train\n00002.jpg,test\n",
        "part,image\ntrain,00001\ntest,photos/00002.png\n",  # suffix and folder tell nothing
        "source,image,part\ntown,00001.jpg,train\n,00002.jpg,test\n",
        "\ufeffimage,part\r\n00001.jpg, train\r\n00002.jpg,test\r\n",
    ],
)
def test_a_given_split_is_read_with_few_demands(tmp_path: Path, text: str) -> None:
    (tmp_path / "split.csv").write_text(text, encoding="utf-8", newline="")
    assert identities(read_split(tmp_path / "split.csv", TWO)) == {
        "train": [Path("town/00001.jpg")],
        "test": [Path("town/00002.jpg")],
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "expected the columns image,part, got None"),
        ("photo,part\n", "expected the columns image,part"),
        ("image,part\n00001.jpg,\n", "line 2: expected an image and a part"),
        ("image,part\n00001,train\n00001,test\n", "line 3: 00001 is in train and in test"),
        ("image,part\n00001,train\n", r"1 photos have no part there: town/00002\.jpg"),
        ("image,part\n00001,train\n00002,train\n00003,train\n", "1 rows name photos that are not in the"),
    ],
)
def test_a_given_split_that_does_not_fit_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "split.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SplitError, match=complaint):
        read_split(tmp_path / "split.csv", TWO)


def test_a_given_split_that_leaks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text("image,part\n1,train\n2,test\n", encoding="utf-8")
    records = [replace(each, image=Path(f"{number}.jpg"), group="shop") for number, each in enumerate(TWO, 1)]
    with pytest.raises(LeakError, match=r"1 groups straddle parts: shop; .*\n  shop \(train: 1\.jpg\)"):
        read_split(tmp_path / "split.csv", records)


# Of "part/source/photo" lines. Releases and experiments rest on this split: it must never change.
FROZEN_SPLIT = "08dd2ec31716f62b96ac5812de44985b33ce9d8d6886496fd6eda3f88b237137"


@pytest.mark.photos
def test_the_split_of_the_real_photos_is_frozen(photos_root: Path) -> None:
    parts = split_by_group(read_sources(photos_root))
    assert {part: len(kept) for part, kept in parts.items()} == {"train": 3184, "val": 438, "test": 638}
    lines = [f"{part}/{each.source}/{each.image.name}" for part, kept in parts.items() for each in kept]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == FROZEN_SPLIT


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
