"""Source folders read as they are, and a fault is said with file, line and what was expected."""

import json
from pathlib import Path

import numpy as np
import pytest

from streetsight.datasets.sources import (
    LabelError,
    read_source,
    read_sources,
    read_yolo_labels,
    scan_source,
    scan_sources,
)

GARBAGE, BIN = "0 0.5 0.5 0.25 0.5", "1 0.25 0.75 0.5 0.125"


def make_source(root: Path, name: str = "town", labels: dict[str, str] | None = None) -> Path:
    """A source folder with one photo per label file; the photos are never opened."""
    folder = root / "sources" / name
    labels = {"b": f"{GARBAGE}\n{BIN}\n", "a": ""} if labels is None else labels
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for stem, text in labels.items():
        (folder / "images" / f"{stem}.jpg").touch()
        (folder / "labels" / f"{stem}.txt").write_text(text, encoding="utf-8")
    (folder / "classes.txt").write_text("garbage\ngarbage_bin\n", encoding="utf-8")
    groups = "".join(f"{stem}.jpg,{number}\n" for number, stem in enumerate(labels))
    (folder / "groups.csv").write_text(f"image,group\n{groups}", encoding="utf-8")
    described = {"labelled_classes": ["garbage", "garbage_bin"], "licence": "CC BY 4.0"}
    (folder / "SOURCE.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def test_a_source_reads_in_order_of_its_photos(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    empty, full = read_source(folder)
    assert [record.image.name for record in (empty, full)] == ["a.jpg", "b.jpg"]
    assert (empty.source, empty.group, full.group) == ("town", "town:1", "town:0")
    assert empty.labelled_classes == full.labelled_classes == {"garbage", "garbage_bin"}
    assert (len(empty), empty.boxes_cxcywh_norm.shape) == (0, (0, 4))
    assert full.class_names == ("garbage", "garbage_bin")
    np.testing.assert_array_equal(
        full.boxes_cxcywh_norm, np.array([[0.5, 0.5, 0.25, 0.5], [0.25, 0.75, 0.5, 0.125]], np.float32)
    )


def test_sources_read_in_order_of_their_names(tmp_path: Path) -> None:
    make_source(tmp_path, "b")
    make_source(tmp_path, "a")
    assert [record.source for record in read_sources(tmp_path)] == ["a", "a", "b", "b"]


def test_groups_named_by_hash_are_shared_between_sources_and_numbers_are_not(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = make_source(tmp_path, name, {"1": "", "2": ""})
        (folder / "groups.csv").write_text("image,group\n1.jpg,7\n2.jpg,0f3a9c\n", encoding="utf-8")
    assert [record.group for record in read_sources(tmp_path)] == ["a:7", "0f3a9c", "b:7", "0f3a9c"]


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    for path in (*folder.glob("*.*"), *folder.glob("labels/*.txt")):
        path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert read_source(folder)[1].class_names == ("garbage", "garbage_bin")


def test_windows_line_ends_and_blank_lines_are_harmless(tmp_path: Path) -> None:
    path = tmp_path / "1.txt"
    path.write_bytes(f"{GARBAGE}\r\n\r\n{BIN}\r\n".encode())
    indices, boxes = read_yolo_labels(path, 2)
    assert indices == [0, 1]
    assert boxes.shape == (2, 4)
    assert boxes.dtype == np.float32


@pytest.mark.parametrize(
    "line",
    [
        "2 0.5 0.5 0.1 0.1",  # no such class
        "-1 0.5 0.5 0.1 0.1",
        "0 0.5 0.5 0.1",  # too short
        "0 0.5 0.5 0.1 0.1 0.9",  # a score: predictions, not labels
        "0.0 0.5 0.5 0.1 0.1",
        "garbage 0.5 0.5 0.1 0.1",
        "0 0.5 0,5 0.1 0.1",
        "0 0.5 0.5 nan 0.1",
        "0 320 240 64 48",  # pixels
        "0 -0.1 0.5 0.1 0.1",
    ],
)
def test_a_wrong_line_is_refused_with_file_line_and_expectation(tmp_path: Path, line: str) -> None:
    folder = make_source(tmp_path, labels={"a": f"{GARBAGE}\n\n{line}\n"})
    with pytest.raises(LabelError) as caught:
        read_source(folder)
    assert str(caught.value) == (
        f"{folder / 'labels' / 'a.txt'}, line 3: expected a class index below 2 and four "
        f"numbers (cx cy w h) from 0 to 1, got {line!r}"
    )


def test_a_photo_without_label_file_is_refused_because_that_does_not_mean_empty(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    (folder / "labels" / "a.txt").unlink()
    with pytest.raises(LabelError, match=r"labels/a\.txt: cannot be read as UTF-8 text"):
        read_source(folder)


def test_a_photo_without_group_is_refused(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    (folder / "images" / "c.jpg").touch()
    (folder / "labels" / "c.txt").touch()
    with pytest.raises(LabelError, match=r"town/groups\.csv: no group for c\.jpg"):
        read_source(folder)


@pytest.mark.parametrize("listed", ["classes.txt", "SOURCE.json"])
def test_an_unknown_class_is_refused(tmp_path: Path, listed: str) -> None:
    path = make_source(tmp_path) / listed
    path.write_text(path.read_text(encoding="utf-8").replace("garbage_bin", "unicorn"), encoding="utf-8")
    with pytest.raises(LabelError, match=r"town: classes \['unicorn'\] are not in taxonomy version 1"):
        read_source(path.parent)


@pytest.mark.parametrize("content", ["{", "{}", "[]", "3"])
def test_a_description_without_labelled_classes_is_refused(tmp_path: Path, content: str) -> None:
    folder = make_source(tmp_path)
    (folder / "SOURCE.json").write_text(content, encoding="utf-8")
    with pytest.raises(LabelError, match=r"SOURCE\.json: expected JSON with a list `labelled_classes`"):
        read_source(folder)


@pytest.mark.parametrize("content", ["", "photo,place\na.jpg,1\n"])
def test_groups_without_their_columns_are_refused(tmp_path: Path, content: str) -> None:
    folder = make_source(tmp_path)
    (folder / "groups.csv").write_text(content, encoding="utf-8")
    with pytest.raises(LabelError, match=r"groups\.csv: expected the columns image,group"):
        read_source(folder)


def test_a_source_without_groups_is_refused(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    (folder / "groups.csv").unlink()
    with pytest.raises(LabelError, match=r"town/groups\.csv: no group for a\.jpg"):
        read_source(folder)


def test_a_group_left_blank_is_refused(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    (folder / "groups.csv").write_text("image,group\na.jpg,\nb.jpg\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"town/groups\.csv: no group for a\.jpg"):
        read_source(folder)


@pytest.mark.parametrize("name", ["SOURCE.json", "classes.txt"])
def test_a_missing_file_is_said(tmp_path: Path, name: str) -> None:
    folder = make_source(tmp_path)
    (folder / name).unlink()
    with pytest.raises(LabelError, match=f"{name}: cannot be read as UTF-8 text"):
        read_source(folder)


def test_a_folder_without_sources_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="sources: no source folders; expected <source>/images, /labels"):
        read_sources(tmp_path)


def test_a_scan_keeps_the_good_neighbours_of_a_bad_file(tmp_path: Path) -> None:
    folder = make_source(tmp_path, labels={"a": GARBAGE, "b": "0 7 7 7 7", "c": "", "d": f"{BIN}\nno"})
    (folder / "labels" / "c.txt").unlink()
    scan = scan_source(folder)
    assert [record.image.stem for record in scan.records] == ["a"]
    labels = folder / "labels"
    found = [(fault.path, fault.line) for fault in scan.faults]
    assert found == [(labels / "b.txt", 1), (labels / "c.txt", None), (labels / "d.txt", 2)]


def test_a_scan_keeps_the_good_neighbours_of_a_bad_source(tmp_path: Path) -> None:
    make_source(tmp_path, "good")
    (make_source(tmp_path, "bad") / "classes.txt").unlink()
    scan = scan_sources(tmp_path)
    assert {record.source for record in scan.records} == {"good"}
    assert [fault.path for fault in scan.faults] == [tmp_path / "sources" / "bad" / "classes.txt"]


def test_a_scan_says_nothing_where_no_group_is_given(tmp_path: Path) -> None:
    folder = make_source(tmp_path)
    (folder / "groups.csv").write_text("image,group\na.jpg,\n", encoding="utf-8")
    assert [record.group for record in scan_source(folder).records] == ["", ""]
    (folder / "groups.csv").unlink()
    assert [record.group for record in scan_source(folder).records] == ["", ""]


def test_a_fault_is_said_in_chinese_with_its_place(tmp_path: Path) -> None:
    folder = make_source(tmp_path, labels={"a": "no"})
    (fault,) = scan_source(folder).faults
    place = f"{folder / 'labels' / 'a.txt'} 第 1 行"
    assert fault.say("zh") == f"{place}:应为小于 2 的类别序号和四个 0 到 1 的数(cx cy w h),实际为 'no'"
    assert fault.say("en") == str(fault)
