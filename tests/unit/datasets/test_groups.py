"""A photo without a group gets that of its near-duplicates; groups that were given stay as they are."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.fingerprints import SIDE, Fingerprint
from streetsight.datasets.groups import GroupError, find_groups, read_grouped
from streetsight.datasets.records import LabelRecord

PICTURES = [np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE)).astype(np.uint8) for seed in range(4)]


def digest(number: int) -> str:
    return hashlib.sha256(bytes([number])).hexdigest()


def photo(number: int, picture: int, group: str) -> tuple[LabelRecord, Fingerprint]:
    """A photo of one of four pictures; files with even and odd numbers are encoded differently."""
    record = LabelRecord(Path(f"{number}.jpg"), "town", group, frozenset(), (), np.empty((0, 4), np.float32))
    far_apart = (0, 0xFFFF, 0xFFFF << 16, 0xFFFF << 32)[picture]
    return record, Fingerprint(digest(number), (640, 480), far_apart + number % 2, PICTURES[picture])


def groups(photos: list[tuple[LabelRecord, Fingerprint]]) -> dict[str, str]:
    records = find_groups(
        [record for record, _ in photos], [each for _, each in photos], [each.sha256 for _, each in photos]
    )
    return {record.image.name: record.group for record in records}


def test_near_duplicates_without_a_group_become_one() -> None:
    found = groups([photo(1, 0, ""), photo(2, 0, ""), photo(3, 1, "")])
    assert found["1.jpg"] == found["2.jpg"] != found["3.jpg"]
    assert all(name.startswith("near:") for name in found.values())


def test_a_photo_without_a_group_joins_the_one_it_looks_like() -> None:
    assert groups([photo(1, 0, "square"), photo(2, 0, ""), photo(3, 1, "bridge")]) == {
        "1.jpg": "square",
        "2.jpg": "square",
        "3.jpg": "bridge",
    }


def test_groups_that_were_given_stay_even_when_they_look_alike() -> None:
    assert groups([photo(1, 0, "square"), photo(2, 0, "bridge")]) == {"1.jpg": "square", "2.jpg": "bridge"}


def test_groups_that_a_photo_shows_to_be_one_place_become_one() -> None:
    found = groups([photo(1, 0, "square"), photo(2, 0, "bridge"), photo(3, 0, ""), photo(4, 1, "square")])
    assert set(found.values()) == {"bridge"}


def test_its_own_digest_as_a_group_says_nothing() -> None:
    record, one = photo(1, 0, digest(1))
    found = groups([(record, one), photo(2, 0, "square"), photo(3, 1, digest(7))])
    assert found == {"1.jpg": "square", "2.jpg": "square", "3.jpg": digest(7)}


def test_one_content_is_one_group_though_it_is_too_flat_to_compare() -> None:
    flat = Fingerprint("f" * 64, (640, 480), 0, np.zeros((SIDE, SIDE), np.uint8))
    found = groups([(photo(1, 0, "")[0], flat), (photo(2, 0, "square")[0], flat), (photo(3, 0, "")[0], flat)])
    assert set(found.values()) == {"square"}


@given(
    drawn=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["", "a", "b", "c"])), max_size=12),
    data=st.data(),
)
def test_the_order_of_photos_does_not_matter(drawn: list[tuple[int, str]], data: st.DataObject) -> None:
    photos = [photo(number, *each) for number, each in enumerate(drawn)]
    found = groups(photos)
    assert groups(data.draw(st.permutations(photos))) == found
    assert all(found.values())
    for record, _ in photos:  # photos of one given group are still together
        together = {found[other.image.name] for other, _ in photos if record.group == other.group != ""}
        assert len(together) <= 1


def test_a_dataset_with_unusable_files_is_not_grouped(tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "town"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "1.jpg").touch()
    (folder / "classes.txt").write_text("garbage\n")
    (folder / "SOURCE.json").write_text('{"labelled_classes": ["garbage"]}')
    with pytest.raises(GroupError, match=r"1 files cannot be used; .*dataset check.*1\.txt: cannot be read"):
        read_grouped(tmp_path)
    (folder / "labels").mkdir()
    (folder / "labels" / "1.txt").touch()
    with pytest.raises(GroupError, match=r"1\.jpg: has no group and cannot be looked at \(cannot identify"):
        read_grouped(tmp_path)
