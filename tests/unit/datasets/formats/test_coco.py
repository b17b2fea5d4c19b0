"""COCO files as tools write them, and as they should not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.datasets.formats.labels import ExchangeError
from streetsight.datasets.formats.request import TURNED

Make = Callable[..., Path]
Run = Callable[..., Any]


def coco(path: Path, annotations: list[Any], images: list[Any] | None = None, **more: Any) -> Path:
    """A COCO file for a.jpg of 100 x 50 pixels; category 7 is garbage, 90 is a pothole."""
    content = {
        "images": images or [{"id": 3, "file_name": "a.jpg", "width": 100, "height": 50}],
        "categories": [{"id": 7, "name": "garbage"}, {"id": 90, "name": "pothole"}],
        "annotations": annotations,
        **more,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def mark(**fields: Any) -> dict[str, Any]:
    return {"id": 11, "image_id": 3, "category_id": 90, "bbox": [10, 5, 50, 25], **fields}


BOX = [0.1, 0.1, 0.6, 0.6]


@pytest.mark.parametrize(
    ("image", "file", "file_name"),
    [
        ("a.jpg", "labels.json", "a.jpg"),
        ("images/a.jpg", "annotations/instances_train.json", "a.jpg"),
        ("images/north/a.jpg", "annotations.json", "north/a.jpg"),
        ("images/a.jpg", "annotations.json", "/home/me/set/images/a.jpg"),
        ("images/a.jpg", "annotations.json", r"C:\set\images\a.jpg"),
        ("images/A.JPG", "annotations.json", "a.jpg"),
    ],
)
def test_photos_are_found_where_tools_put_them(
    tmp_path: Path, photo: Make, import_from: Run, image: str, file: str, file_name: str
) -> None:
    root = tmp_path / "in"
    photo(root / image)
    coco(root / file, [mark()], [{"id": 3, "file_name": file_name, "width": 100, "height": 50}])
    found = import_from(root)
    assert found.boxes(Path(image).name) == [("pothole", BOX)]
    assert found.records[Path(image).name].labelled_classes == {"garbage", "pothole"}


def test_each_part_speaks_of_its_own_photos(tmp_path: Path, photo: Make, import_from: Run) -> None:
    """Roboflow: a file per part, beside its photos, which may share names."""
    root = tmp_path / "in"
    for part, annotations in (("train", [mark()]), ("valid", [])):
        photo(root / part / "a.jpg")
        coco(root / part / "_annotations.coco.json", annotations)
    found = import_from(root)
    assert {name: len(record) for name, record in found.records.items()} == {
        "train_a.jpg": 1,
        "valid_a.jpg": 0,
    }


def test_a_photo_of_another_folder_is_not_taken_for_it(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "val/a.jpg")
    photo(root / "train/b.jpg")
    images = [{"id": index, "file_name": f"train/{name}.jpg"} for index, name in enumerate("ab")]
    coco(root / "train.json", [], images)
    found = import_from(root)
    assert set(found.records) == {"b.jpg"}
    assert ("train.json", "image 0", "there is no photo train/a.jpg, or several") in found.problems


@pytest.mark.parametrize(
    ("annotation", "place", "complaint"),
    [
        (mark(bbox=[10, 5, float("nan"), 25]), "annotation 11", "expected `bbox` with four finite numbers"),
        (mark(bbox=[10, 5, 10**400, 25]), "annotation 11", "expected `bbox` with four finite numbers"),
        (mark(bbox=[10, 5, "50", 25]), "annotation 11", "expected `bbox` with four finite numbers"),
        (mark(bbox=[10, 5, 50]), "annotation 11", "expected `bbox` with four finite numbers"),
        (mark(bbox=[10, 5, 0, 25]), "annotation 11", "the box has no area"),
        (mark(bbox=[10, 5, -5, 25]), "annotation 11", "the box has no area"),
        (mark(bbox=[10, 5, 95, 25]), "annotation 11", "the box reaches 5 pixels out of the picture"),
        (mark(bbox=[10, 5, 1e300, 25]), "annotation 11", "the box reaches 1e+300 pixels out of the picture"),
        (mark(category_id=8), "annotation 11", "category_id 8 is not among the categories"),
        (mark(category_id=[]), "annotation 11", "category_id [] is not among the categories"),
        (mark(iscrowd=1), "annotation 11", "a crowd region (iscrowd) stands for many things"),
    ],
)
def test_a_bad_annotation_costs_its_photo_and_no_neighbour(
    tmp_path: Path, photo: Make, import_from: Run, annotation: Any, place: str, complaint: str
) -> None:
    root = tmp_path / "in"
    for name in ("a", "b"):
        photo(root / f"{name}.jpg")
    images = [
        {"id": index, "file_name": f"{name}.jpg", "width": 100, "height": 50}
        for index, name in ((3, "a"), (4, "b"))
    ]
    coco(root / "c.json", [annotation, mark(image_id=4)], images)
    found = import_from(root)
    assert set(found.records) == {"b.jpg"}
    [(file, where, said)] = found.problems
    assert (file, where) == ("c.json", place)
    assert said.startswith(complaint)


def test_a_crowd_is_dropped_when_told(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    coco(tmp_path / "in/c.json", [mark(iscrowd=1), mark()])
    assert import_from(tmp_path / "in", drop_crowds=True).boxes("a.jpg") == [("pothole", BOX)]


def test_a_polygon_serves_where_there_is_no_box(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    polygon = mark(bbox=[], segmentation=[[10, 5, 60, 10, 20, 30]])
    coco(tmp_path / "in/c.json", [polygon])
    assert import_from(tmp_path / "in").boxes("a.jpg") == [("pothole", BOX)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"images": [], "annotations": [', r"c\.json: expected JSON"),
        ('{"images": [], "annotations": [' + "[" * 100_000, r"c\.json: expected JSON"),
        ('{"images": [' + "9" * 5000 + '], "annotations": []}', r"c\.json: expected JSON"),
        ('{"images": [], "annotations": []}', "expected `categories`"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', "expected `categories`"),
        ('{"x": {"images": [], "annotations": []}}', "expected COCO with the lists"),
    ],
)
def test_a_broken_file_stops_the_import(
    tmp_path: Path, photo: Make, import_from: Run, text: str, complaint: str
) -> None:
    photo(tmp_path / "in/a.jpg")
    (tmp_path / "in/c.json").write_text(text)
    with pytest.raises(ExchangeError, match=complaint):
        import_from(tmp_path / "in")
    assert not (tmp_path / "dataset").exists()


def test_predictions_are_not_taken_for_labels(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    coco(tmp_path / "in/c.json", [mark(score=0.9)])
    with pytest.raises(ExchangeError, match="predictions, not labels; let a person check them first"):
        import_from(tmp_path / "in")


def test_stray_entries_are_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    images = [{"id": 3, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}, {"id": 4}, "nonsense"]
    coco(tmp_path / "in/c.json", [mark(), mark(image_id=99), "nonsense"], images)
    found = import_from(tmp_path / "in")
    assert found.boxes("a.jpg") == [("pothole", BOX)]
    assert sorted(place for _, place, _ in found.problems) == [
        "annotation 11", "annotation 2", "images[1]", "images[2]", "images[3]",
    ]  # fmt: skip


def test_a_photo_that_two_files_label_is_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    for name in ("a", "b"):
        photo(tmp_path / f"in/{name}.jpg")
    coco(
        tmp_path / "in/all.json", [mark()], [{"id": 3, "file_name": "a.jpg"}, {"id": 4, "file_name": "b.jpg"}]
    )
    coco(tmp_path / "in/train.json", [], [{"id": 3, "file_name": "a.jpg"}])
    found = import_from(tmp_path / "in")
    assert set(found.records) == {"b.jpg"}
    assert found.problems == [("train.json", "", "labels a.jpg again, after all.json")]


# A photo of 100 x 50 that is stored turned (EXIF 6): its raster is 50 x 100... and the other way round.
UPRIGHT_BOX = [0.1, 0.2, 0.3, 0.6]  # of the picture as shown, 50 wide and 100 high


@pytest.mark.parametrize(
    ("width", "height", "bbox", "turned"),
    [
        (50, 100, [5, 20, 10, 40], False),  # the picture as shown
        (100, 50, [20, 35, 40, 10], True),  # the raster
        (500, 1000, [50, 200, 100, 400], False),  # ten times as large when it was labelled
        (None, None, [5, 20, 10, 40], False),
    ],
)
def test_a_photo_that_is_stored_turned(
    tmp_path: Path, photo: Make, import_from: Run, width: int, height: int, bbox: list[int], turned: bool
) -> None:
    photo(tmp_path / "in/a.jpg", (100, 50), orientation=6)
    coco(
        tmp_path / "in/c.json",
        [mark(bbox=bbox)],
        [{"id": 3, "file_name": "a.jpg", "width": width, "height": height}],
    )
    found = import_from(tmp_path / "in")
    assert found.boxes("a.jpg") == [("pothole", UPRIGHT_BOX)]
    assert found.summary.notes[TURNED] == turned


def test_the_rasters_size_beside_upright_boxes(tmp_path: Path, photo: Make, import_from: Run) -> None:
    """Label Studio's COCO export: recognised where a box does not fit the raster, else to be told."""
    photo(tmp_path / "in/a.jpg", (100, 50), orientation=6)
    image = [{"id": 3, "file_name": "a.jpg", "width": 100, "height": 50}]
    coco(tmp_path / "in/c.json", [mark(bbox=[5, 20, 10, 40]), mark(bbox=[5, 20, 10, 70])], image)
    assert import_from(tmp_path / "in").boxes("a.jpg")[0] == ("pothole", UPRIGHT_BOX)
    coco(tmp_path / "in/c.json", [mark(bbox=[5, 20, 10, 20])], image)
    told = import_from(tmp_path / "in", orientation="upright", replace=True)
    assert told.boxes("a.jpg") == [("pothole", [0.1, 0.2, 0.3, 0.4])]


def test_labels_of_another_photo_are_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    for name in ("a", "b"):
        photo(tmp_path / f"in/{name}.jpg")
    images = [{"id": 3, "file_name": "a.jpg", "width": 640, "height": 480}, {"id": 4, "file_name": "b.jpg"}]
    coco(tmp_path / "in/c.json", [mark()], images)
    [(_, _, said)] = import_from(tmp_path / "in").problems
    assert said == "labels are for 640 x 480 pixels, the photo has 100 x 50: not the photo that was labelled"


def test_photos_that_lie_elsewhere(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "photos/north/a.jpg")
    path = coco(tmp_path / "labels/c.json", [mark()])
    assert import_from(path, images=tmp_path / "photos").boxes("a.jpg") == [("pothole", BOX)]


def test_a_single_file_stands_for_its_folder(tmp_path: Path, photo: Make, import_from: Run) -> None:
    photo(tmp_path / "in/a.jpg")
    path = coco(tmp_path / "in/c.json", [mark()])
    coco(tmp_path / "in/other.json", [])
    assert import_from(path).boxes("a.jpg") == [("pothole", BOX)]
