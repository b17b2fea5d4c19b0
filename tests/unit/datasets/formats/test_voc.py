"""Pascal VOC: corners are 1-based and inclusive, unless a file shows that it counts from 0."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.datasets.formats.voc import FROM_ZERO, whole_pixels

Make = Callable[..., Path]
Run = Callable[..., Any]


def voc(
    path: Path, *corners: tuple[object, ...], size: str = "<size><width>100</width><height>50</height></size>"
) -> None:
    objects = "".join(
        "<object><name>garbage</name><difficult>1</difficult><bndbox>"
        f"<xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for x1, y1, x2, y2 in corners
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"<annotation><filename>other.jpg</filename>{size}{objects}</annotation>", encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("corners", "box", "from_zero"),
    [
        ((1, 1, 100, 50), [0, 0, 1, 1], False),  # the whole picture
        ((11, 11, 20, 20), [0.1, 0.2, 0.2, 0.4], False),
        ((11.5, 11, 20.5, 20), [0.105, 0.2, 0.205, 0.4], False),  # VOC 2012 has decimals too
        ((0, 10, 20, 20), [0, 0.2, 0.2, 0.4], True),
    ],
)
def test_corners(
    tmp_path: Path,
    photo: Make,
    import_from: Run,
    corners: tuple[float, ...],
    box: list[float],
    from_zero: bool,
) -> None:
    photo(tmp_path / "in/JPEGImages/a.jpg")
    voc(tmp_path / "in/Annotations/a.xml", corners)
    found = import_from(tmp_path / "in")
    assert found.boxes("a.jpg") == [("garbage", box)]
    assert (found.summary.notes[FROM_ZERO] > 0) == from_zero


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height></size>", "<size/>"])
def test_without_a_size_the_photos_own_counts(
    tmp_path: Path, photo: Make, import_from: Run, size: str
) -> None:
    photo(tmp_path / "in/a.jpg")
    voc(tmp_path / "in/a.xml", (11, 11, 20, 20), size=size)
    assert import_from(tmp_path / "in").boxes("a.jpg") == [("garbage", [0.1, 0.2, 0.2, 0.4])]


@pytest.mark.parametrize(
    ("text", "place", "complaint"),
    [
        ("<annotation><object><name>garbage</name>", "", "expected XML"),
        ("<annotation><object/></annotation>", "object 1", "expected an object with `name` and `bndbox`"),
        (
            "<annotation><object><name>garbage</name><bndbox><xmin>a</xmin></bndbox></object></annotation>",
            "object 1",
            "expected a number as xmin, got 'a'",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><annotation><x>&b;</x></annotation>',
            "",
            "the XML declares entities",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><annotation><folder>&a;</folder></annotation>',
            "",
            "the XML declares entities",
        ),
    ],
)
def test_a_bad_file_costs_its_photo_and_no_neighbour(
    tmp_path: Path, photo: Make, import_from: Run, text: str, place: str, complaint: str
) -> None:
    for name in ("bad", "good"):
        photo(tmp_path / f"in/{name}.jpg")
    voc(tmp_path / "in/good.xml", (11, 11, 20, 20))
    (tmp_path / "in/bad.xml").write_text(text)
    found = import_from(tmp_path / "in")
    assert set(found.records) == {"good.jpg"}
    [(file, where, said)] = found.problems
    assert (file, where) == ("bad.xml", place)
    assert said.startswith(complaint)


def test_a_photo_found_by_its_file_name(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/images/other.jpg")
    voc(tmp_path / "in/xml/000001.xml", (11, 11, 20, 20))
    assert len(import_from(tmp_path / "in").records["other.jpg"]) == 1


def test_labels_and_photos_without_each_other_are_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    for name in ("a", "b"):
        photo(tmp_path / f"in/{name}.jpg")
    voc(tmp_path / "in/a.xml")
    voc(tmp_path / "in/c.xml")
    assert sorted(file for file, _, _ in import_from(tmp_path / "in").problems) == ["b.jpg", "c.xml"]


def test_a_chinese_file_of_windows_is_read(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    voc(tmp_path / "in/a.xml", (11, 11, 20, 20))
    text = (tmp_path / "in/a.xml").read_text().replace("garbage", "垃圾")
    (tmp_path / "in/a.xml").write_bytes(f'<?xml version="1.0" encoding="gb2312"?>{text}'.encode("gbk"))
    assert import_from(tmp_path / "in").boxes("a.jpg") == [("garbage", [0.1, 0.2, 0.2, 0.4])]


sides = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(xs=sides, ys=sides, width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_whole_pixels_are_in_the_picture_and_near_the_box(
    xs: list[float], ys: list[float], width: int, height: int
) -> None:
    box = np.array([[xs[0] * width, ys[0] * height, xs[1] * width, ys[1] * height]])
    [[x1, y1, x2, y2]] = whole_pixels(box, (width, height)).tolist()
    assert 1 <= x1 <= x2 <= width
    assert 1 <= y1 <= y2 <= height
    assert np.all(np.abs(np.array([x1 - 1, y1 - 1, x2, y2]) - box) <= 1)
