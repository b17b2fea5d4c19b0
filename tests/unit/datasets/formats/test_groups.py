"""Groups by file, folder, pattern; and what is not known says so."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.datasets.formats.groups import renamed_group
from streetsight.datasets.formats.labels import UsageError
from streetsight.datasets.formats.request import STRAY_GROUPS, WITHOUT_GROUP
from streetsight.datasets.groups import read_grouped

Make = Callable[..., Path]
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, photo: Make) -> Path:
    root = tmp_path / "in"
    for name in ("north/p7_001", "north/p7_002", "south/p8_001"):
        photo(root / f"images/{name}.jpg")
        label = root / f"labels/{name}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("")
    (root / "data.yaml").write_text("names: [garbage]")
    return root


def groups(found: Any) -> dict[str, str]:
    return {name: record.group for name, record in found.records.items()}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("folder", ["town:images/north", "town:images/north", "town:images/south"]),
        (r"(p\d+)_", ["town:p7", "town:p7", "town:p8"]),
        (r"p\d+_00", ["town:p7_00", "town:p7_00", "town:p8_00"]),
    ],
)
def test_by_path_and_never_across_sources(
    folder: Path, import_from: Run, by: str, expected: list[str]
) -> None:
    assert list(groups(import_from(folder, group_by=by)).values()) == expected


def test_by_file(tmp_path: Path, folder: Path, import_from: Run) -> None:
    listed = tmp_path / "groups.csv"
    listed.write_text("image,group\nnorth/p7_001.jpg,7\np8_001.jpg,Harbour Road\ngone.jpg,9\n")
    found = import_from(folder, groups_csv=listed)
    assert groups(found)["p7_001.jpg"] == "town:7"
    assert groups(found)["p8_001.jpg"] == "Harbour Road"  # long names are shared between sources
    assert (found.summary.notes[STRAY_GROUPS], found.summary.notes[WITHOUT_GROUP]) == (1, 1)


def test_a_photo_of_unknown_group_is_looked_at_when_the_dataset_is_split(
    folder: Path, import_from: Run
) -> None:
    found = import_from(folder)
    assert all(len(group) == 12 for group in groups(found).values())
    assert all(record.group.startswith("near:") for record in read_grouped(found.folder.parents[1]))
    with (found.folder / "groups.csv").open(encoding="utf-8") as file:
        assert [row["original"] for row in csv.DictReader(file)] == [
            "images/north/p7_001.jpg", "images/north/p7_002.jpg", "images/south/p8_001.jpg",
        ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "photo,place\na,1\n", "image,group\na.jpg,\n"])
def test_a_wrong_file_is_said(tmp_path: Path, folder: Path, import_from: Run, text: str) -> None:
    listed = tmp_path / "groups.csv"
    listed.write_text(text)
    with pytest.raises(UsageError, match="expected the columns image,group, filled in each row"):
        import_from(folder, groups_csv=listed)


def test_a_wrong_pattern_is_said(folder: Path, import_from: Run) -> None:
    with pytest.raises(UsageError, match=r"--group-by .*: not a regular expression"):
        import_from(folder, group_by="(p")


@pytest.mark.parametrize(
    ("group", "cell"),
    [
        ("old:7", "7"),
        ("old:p7/north", "new:p7/north"),
        ("0f3a9c", "0f3a9c"),
        ("other:7", "other:7"),
        ("", ""),
    ],
)
def test_groups_of_a_source_that_is_renamed(group: str, cell: str) -> None:
    assert renamed_group(group, "old", "new") == cell
