"""Label Studio exports, in the words of its documentation (labelstud.io, tag RectangleLabels)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]
Run = Callable[..., Any]

BOX = [0.1, 0.1, 0.6, 0.6]


def region(kind: str = "rectanglelabels", **value: Any) -> dict[str, Any]:
    shape = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["garbage"]}
    return {
        "id": "r1", "from_name": "label", "to_name": "image", "type": kind, "origin": "manual",
        "original_width": 100, "original_height": 50, "image_rotation": 0, "value": {**shape, **value},
    }  # fmt: skip


def task(*regions: Any, image: str = "/data/upload/3/0a1b2c3d-a.jpg", **more: Any) -> dict[str, Any]:
    annotation = {
        "id": 5, "completed_by": 1, "result": [*regions], "was_cancelled": False, "ground_truth": False,
        "lead_time": 3.2, "updated_at": "2026-05-06T08:00:00Z",
    }  # fmt: skip
    return {"id": 7, "data": {"image": image}, "annotations": [annotation], "predictions": [], **more}


def write(root: Path, photo: Make, *tasks: Any, image: str = "a.jpg") -> Path:
    photo(root / image)
    (root / "project.json").write_text(json.dumps(tasks), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("0a1b2c3d-a.jpg", "/data/upload/3/0a1b2c3d-a.jpg"),
        ("a.jpg", "/data/upload/3/0a1b2c3d-a.jpg"),
        ("images/a.jpg", "/data/upload/3/0a1b2c3d-a.jpg"),
        ("photos/街 1.jpg", "/data/local-files/?d=photos/%E8%A1%97%201.jpg"),
        ("a.jpg", "/data/local-files/?d=home/me/photos/a.jpg"),
        ("photos/a.jpg", "https://host:8080/data/local-files/?d=photos/a.jpg"),
        ("a b.jpg", "http://host/photos/a%20b.jpg"),
        ("photos/a.jpg", "s3://bucket/photos/a.jpg"),
        ("a.jpg", "a.jpg"),
        ("images/0a1b2c3d-a.jpg", "upload/3/0a1b2c3d-a.jpg"),
    ],
)
def test_photos_are_found(tmp_path: Path, photo: Make, import_from: Run, image: str, reference: str) -> None:
    root = write(tmp_path / "in", photo, task(region(), image=reference), image=image)
    assert import_from(root).boxes(Path(image).name) == [("garbage", BOX)]


@pytest.mark.parametrize(
    ("value", "box"),
    [
        # Clockwise by 90 degrees about the top left corner (50, 5) px: 40 x 20 reaches 20 left and 40 down.
        ({"x": 50, "y": 10, "width": 40, "height": 40, "rotation": 90}, [0.3, 0.1, 0.5, 0.9]),
        # Counter-clockwise by 90: from (50, 45) px 40 up, and 20 right.
        ({"x": 50, "y": 90, "width": 40, "height": 40, "rotation": 270}, [0.5, 0.1, 0.7, 0.9]),
        (
            {"points": [[10, 10], [60, 20], [20, 60]], "polygonlabels": ["garbage"], "rectanglelabels": []},
            BOX,
        ),
    ],
)
def test_shapes(
    tmp_path: Path, photo: Make, import_from: Run, value: dict[str, Any], box: list[float]
) -> None:
    root = write(tmp_path / "in", photo, task(region(**value)))
    assert import_from(root).boxes("a.jpg") == [("garbage", box)]


def test_label_and_rectangle_as_two_results(tmp_path: Path, photo: Make, import_from: Run) -> None:
    """Projects with the tags Rectangle and Labels: the same region twice, one of them with the label."""
    plain = region("rectangle")
    del plain["value"]["rectanglelabels"]
    labelled = region("labels", labels=["garbage"])
    del labelled["value"]["rectanglelabels"]
    assert import_from(write(tmp_path / "in", photo, task(plain, labelled))).boxes("a.jpg") == [
        ("garbage", BOX)
    ]


def test_json_min(tmp_path: Path, photo: Make, import_from: Run) -> None:
    flat = {"x": 10, "y": 10, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["garbage"],
            "original_width": 100, "original_height": 50}  # fmt: skip
    rows = {
        "id": 7,
        "image": "/data/upload/3/0a1b2c3d-a.jpg",
        "label": [flat],
        "annotator": 1,
        "lead_time": 2.0,
    }
    assert import_from(write(tmp_path / "in", photo, rows)).boxes("a.jpg") == [("garbage", BOX)]


def test_choices_and_texts_are_no_boxes(tmp_path: Path, photo: Make, import_from: Run) -> None:
    choice = {
        "id": "c",
        "type": "choices",
        "from_name": "weather",
        "to_name": "image",
        "value": {"choices": ["wet"]},
    }
    assert import_from(write(tmp_path / "in", photo, task(choice, region()))).boxes("a.jpg") == [
        ("garbage", BOX)
    ]


def test_of_several_annotations_the_truth_counts_then_the_last(
    tmp_path: Path, photo: Make, import_from: Run
) -> None:
    def done(label: str, day: int, **more: Any) -> dict[str, Any]:
        return {"result": [region(rectanglelabels=[label])], "updated_at": f"2026-05-0{day}", **more}

    first = task(annotations=[done("sign", 1), done("pothole", 3), done("car", 4, was_cancelled=True)])
    second = task(image="b.jpg", annotations=[done("sign", 1, ground_truth=True), done("pothole", 3)])
    photo(tmp_path / "in/b.jpg")
    found = import_from(write(tmp_path / "in", photo, first, second))
    assert (found.boxes("a.jpg"), found.boxes("b.jpg")) == ([("pothole", BOX)], [("sign", BOX)])


@pytest.mark.parametrize(
    "annotations", [[], [{"result": [], "was_cancelled": True}], None], ids=["none", "cancelled", "null"]
)
def test_a_task_that_nobody_did_is_not_empty(
    tmp_path: Path, photo: Make, import_from: Run, annotations: list[Any] | None
) -> None:
    guess = [{"model_version": "m", "result": [region()]}]
    todo = task(image="b.jpg", annotations=annotations, predictions=guess)
    photo(tmp_path / "in/b.jpg")
    found = import_from(write(tmp_path / "in", photo, task(region()), todo))
    assert set(found.records) == {"a.jpg"}
    assert [file for file, _, _ in found.problems] == ["b.jpg"]


def test_a_task_that_was_done_and_shows_nothing_is_empty(
    tmp_path: Path, photo: Make, import_from: Run
) -> None:
    found = import_from(write(tmp_path / "in", photo, task()), labelled=frozenset({"garbage"}))
    assert (len(found.records["a.jpg"]), found.problems) == (0, [])


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (region(x=float("nan")), "expected a rectangle or polygon with finite numbers in percent"),
        (region(x="10"), "expected a rectangle or polygon with finite numbers in percent"),
        (region(x=60), "the box reaches 10 pixels out of the picture"),
        (region(width=0), "the box has no area"),
        (region(rectanglelabels=[]), "the region has no label"),
        ({**region(), "image_rotation": 90}, "the photo was turned in Label Studio"),
        ({**region(rotation=30), "original_width": None}, "a turned box needs `original_width`"),
        ("nonsense", "expected a region: an object with `type` and `value`"),
    ],
)
def test_a_bad_region_costs_its_photo_and_no_neighbour(
    tmp_path: Path, photo: Make, import_from: Run, bad: Any, complaint: str
) -> None:
    photo(tmp_path / "in/b.jpg")
    found = import_from(write(tmp_path / "in", photo, task(bad), task(region(), image="b.jpg")))
    assert set(found.records) == {"b.jpg"}
    [(file, place, said)] = found.problems
    assert file == "project.json"
    assert place == "task 7, region 1"
    assert said.startswith(complaint)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (task(image="text.txt"), "the task names no photo"),
        (task(image="gone.jpg"), "there is no photo gone.jpg, or several"),
        ({"id": 1, "data": {"image": "b.jpg"}, "annotations": [{"result": 3}]}, "expected `result`"),
        (3, "expected an object with `data` and `annotations`"),
    ],
)
def test_a_bad_task_is_said(tmp_path: Path, photo: Make, import_from: Run, bad: Any, complaint: str) -> None:
    found = import_from(write(tmp_path / "in", photo, task(region()), bad))
    assert set(found.records) == {"a.jpg"}
    assert found.problems[0][2].startswith(complaint)
