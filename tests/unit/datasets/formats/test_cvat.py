"""CVAT for images 1.1, in the words of its documentation (docs.cvat.ai, "XML annotation format")."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.datasets.formats.labels import ExchangeError

Make = Callable[..., Path]
Run = Callable[..., Any]

DOCUMENT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <{owner}>
      <id>4</id><name>patrol</name><size>2</size><mode>annotation</mode><overlap>0</overlap>
      <bugtracker></bugtracker><flipped>False</flipped>
      <labels>
        <label><name>garbage</name><color>#c06060</color><type>any</type><attributes>
          <attribute><name>size</name><mutable>False</mutable><input_type>select</input_type></attribute>
        </attributes></label>
        <label><name>pothole</name><attributes></attributes></label>
      </labels>
      <segments><segment><id>1</id><start>0</start><stop>1</stop></segment></segments>
      <owner><username>admin</username><email></email></owner>
    </{owner}>
    <dumped>2026-05-06 15:25:04.000000+03:00</dumped>
  </meta>
  <image id="0" name="{name}" subset="train" task_id="4" width="100" height="50">
    <tag label="wet" source="manual"></tag>
    {shapes}
  </image>
  <image id="1" name="b.jpg" width="100" height="50"></image>
</annotations>
"""
BOX = (
    '<box label="garbage" source="manual" occluded="0" xtl="10.00" ytl="5.00" xbr="60.00" ybr="30.00"'
    ' z_order="0"><attribute name="size">big</attribute></box>'
)


def cvat(
    root: Path,
    photo: Make,
    shapes: str,
    name: str = "a.jpg",
    owner: str = "task",
    image: str = "images/a.jpg",
) -> Path:
    photo(root / image)
    photo(root / "images/b.jpg")
    (root / "annotations.xml").write_text(
        DOCUMENT.format(shapes=shapes, name=name, owner=owner), encoding="utf-8"
    )
    return root


@pytest.mark.parametrize("owner", ["task", "project", "job"])
def test_boxes(tmp_path: Path, photo: Make, import_from: Run, owner: str) -> None:
    found = import_from(cvat(tmp_path / "in", photo, BOX, owner=owner))
    assert found.boxes("a.jpg") == [("garbage", [0.1, 0.1, 0.6, 0.6])]
    assert (len(found.records["b.jpg"]), found.summary.empty, found.problems) == (0, 1, [])
    assert found.records["a.jpg"].labelled_classes == {"garbage", "pothole"}


def test_frames_in_folders(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = cvat(tmp_path / "in", photo, BOX, name="north/a.jpg", image="images/north/a.jpg")
    assert len(import_from(root).records["a.jpg"]) == 1


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        # A box turned by 90 degrees about its centre (35, 25): 20 x 40 becomes 40 x 20.
        (
            '<box label="garbage" xtl="25" ytl="5" xbr="45" ybr="45" rotation="90.00"/>',
            [0.15, 0.3, 0.55, 0.7],
        ),
        # A square of side 20 turned by 45: its diagonal is 28.28.
        (
            '<box label="garbage" xtl="40" ytl="15" xbr="60" ybr="35" rotation="45"/>',
            [0.35858, 0.21716, 0.64142, 0.78284],
        ),
        ('<polygon label="garbage" points="10.0,5.0;60.0,10.0;20.0,30.0"/>', [0.1, 0.1, 0.6, 0.6]),
        ('<ellipse label="garbage" cx="50" cy="25" rx="30" ry="10"/>', [0.2, 0.3, 0.8, 0.7]),
        ('<ellipse label="garbage" cx="50" cy="25" rx="10" ry="30" rotation="90"/>', [0.2, 0.3, 0.8, 0.7]),
        ('<mask label="garbage" rle="3, 5" left="10" top="5" width="50" height="25"/>', [0.1, 0.1, 0.6, 0.6]),
    ],
)
def test_other_shapes_have_their_enclosing_box(
    tmp_path: Path, photo: Make, import_from: Run, shape: str, box: list[float]
) -> None:
    assert import_from(cvat(tmp_path / "in", photo, shape)).boxes("a.jpg") == [("garbage", box)]


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        ('<points label="garbage" points="1,2"/>', "a points has no box; draw a rectangle"),
        ('<polyline label="garbage" points="1,2;3,4"/>', "a polyline has no box; draw a rectangle"),
        ('<box xtl="1" ytl="1" xbr="2" ybr="2"/>', "the shape has no label"),
        ('<box label="garbage" xtl="1" ytl="1" xbr="nan" ybr="2"/>', "expected a number as xbr, got 'nan'"),
        ('<polygon label="garbage" points=""/>', "expected a number as points, got ''"),
    ],
)
def test_what_has_no_box_costs_its_photo(
    tmp_path: Path, photo: Make, import_from: Run, shape: str, complaint: str
) -> None:
    found = import_from(cvat(tmp_path / "in", photo, BOX + shape))
    assert set(found.records) == {"b.jpg"}
    [(file, place, said)] = found.problems
    assert (file, said) == ("annotations.xml", complaint)
    assert place.startswith("image 0, ")


def test_videos_and_broken_files_stop_the_import(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = cvat(tmp_path / "in", photo, BOX)
    text = (root / "annotations.xml").read_text()
    for broken, complaint in (
        (
            text.replace("</meta>", '</meta><track id="0" label="garbage"></track>'),
            "export the task as `CVAT for images",
        ),
        (text.replace("</meta>", ""), "expected XML"),
        (text.replace("<annotations>", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>'), "declares entities"),
    ):
        (root / "annotations.xml").write_text(broken)
        with pytest.raises(ExchangeError, match=complaint):
            import_from(root)
