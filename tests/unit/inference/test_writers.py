"""Every format holds every photo, also the failed and the empty, and other tools can read it."""

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streetsight.inference.pipeline import FrameResult
from streetsight.inference.quality import Quality
from streetsight.inference.reading import PhotoError
from streetsight.inference.writers import FILE_NAMES, WRITERS, Format, to_json, write
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.frame import FrameMetadata, Position
from streetsight.models.taxonomy import default_taxonomy

BuildCard = Callable[..., Card]

SHARP = Quality(120.0, 0.01, 0.02, 9.0, 0.9, ())
DARK = Quality(9.0, 0.97, 0.0, 0.4, 0.1, ("too_dark",))
TAKEN = datetime(2026, 5, 6, 8, 30, tzinfo=timezone(timedelta(hours=8)))
PLACE = Position(lon=114.26, lat=30.54, source="exif", accuracy_m=3.0, heading_deg=90.0)
FOUND = Detections(
    np.array([[100, 50, 300, 150], [10, 20, 30.126, 40]], np.float32),
    np.array([0.87654321, 0.5], np.float32),
    np.array([1, 0], np.int64),
)


def seen(name: str = "a.jpg", **fields: Any) -> FrameResult:
    """A photo of 400 x 200 pixels that could be read."""
    known = {"size_wh": (400, 200), "sha256": "ab" * 32, "quality": SHARP, "detections": Detections.empty()}
    return FrameResult(name, **{**known, **fields})


def failed(name: str = "bad.jpg") -> FrameResult:
    return FrameResult(name, PhotoError("truncated", "the copy was cut off"))


RESULTS = [
    seen("街道/a.jpg", detections=FOUND, metadata=FrameMetadata(TAKEN, PLACE, "Maker", ("odd time",))),
    seen("empty.jpg"),
    seen("dark.jpg", quality=DARK),
    failed(),
]


@pytest.fixture
def card(build_card: BuildCard) -> Card:
    return build_card(names=("pothole", "garbage"))


def written(results: list[FrameResult], card: Card, form: Format) -> str:
    out = io.StringIO(newline="")
    write(iter(results), card, form, out)
    return out.getvalue()


def test_one_json_object_per_photo(card: Card) -> None:
    lines = written(RESULTS, card, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [json.loads(json.dumps(to_json(r, card))) for r in RESULTS]
    assert "街道" in lines[0], "readable, not escaped"


def test_the_json_object(card: Card) -> None:
    assert to_json(RESULTS[0], card) == {
        "image": "街道/a.jpg",
        "sha256": "ab" * 32,
        "outcome": "accepted",
        "reason": None,
        "width": 400,
        "height": 200,
        "taken_at": "2026-05-06T08:30:00+08:00",
        "position": {
            "lon": 114.26, "lat": 30.54, "source": "exif", "accuracy_m": 3.0, "heading_deg": 90.0,
            "altitude_m": None,
        },
        "metadata_problems": ["odd time"],
        "release": "hand-made@000000000000",
        "quality": {
            "scorable": True, "brightness": 120.0, "dark_share": 0.01, "bright_share": 0.02, "sharpness": 9.0,
            "detail": 0.9, "faults": (),
        },
        "detections": [
            {"class": "garbage", "condition": "exposed_garbage", "score": 0.8765,
             "box_xyxy_px": [100.0, 50.0, 300.0, 150.0]},
            {"class": "pothole", "condition": "broken_facility", "score": 0.5,
             "box_xyxy_px": [10.0, 20.0, 30.13, 40.0]},
        ],
    }  # fmt: skip


def test_a_failed_photo_has_the_same_keys_and_a_reason(card: Card) -> None:
    row = to_json(failed(), card)
    assert row.keys() == to_json(RESULTS[0], card).keys()
    assert (row["outcome"], row["reason"]) == ("truncated", "the copy was cut off")
    assert (row["width"], row["quality"], row["sha256"], row["detections"]) == (None, None, None, [])


def test_a_photo_that_cannot_be_judged_says_so(card: Card) -> None:
    row = to_json(RESULTS[2], card)
    assert row["outcome"] == "accepted"
    assert row["quality"]["scorable"] is False
    assert row["quality"]["faults"] == ("too_dark",)


def test_coco(card: Card) -> None:
    content = json.loads(written(RESULTS, card, "coco"))
    taxonomy = default_taxonomy()
    assert [(each["id"], each["name"]) for each in content["categories"]] == [
        (taxonomy[name].id, name) for name in ("pothole", "garbage")
    ]
    assert [each["file_name"] for each in content["images"]] == [each.name for each in RESULTS]
    assert content["images"][3]["outcome"] == "truncated"
    first, second = content["annotations"]
    assert first["bbox"] == [100.0, 50.0, 200.0, 100.0], "left, top, width, height"
    assert (first["area"], first["image_id"], first["id"], second["id"]) == (20_000.0, 1, 1, 2)
    assert first["category_id"] == taxonomy["garbage"].id
    assert content["info"]["release"] == card.address


@pytest.mark.training
def test_coco_tools_read_it(card: Card, tmp_path: Path) -> None:
    from faster_coco_eval import COCO

    path = tmp_path / FILE_NAMES["coco"]
    path.write_text(written(RESULTS, card, "coco"), encoding="utf-8")
    coco = COCO(str(path))
    assert sorted(coco.getImgIds()) == [1, 2, 3, 4]
    names = {entry["id"]: entry["name"] for entry in coco.loadCats(coco.getCatIds())}
    found = coco.loadAnns(coco.getAnnIds([1]))
    assert [names[each["category_id"]] for each in found] == ["garbage", "pothole"]


def test_csv_has_a_row_per_detection_and_one_for_a_photo_without(card: Card) -> None:
    rows = list(csv.DictReader(io.StringIO(written(RESULTS, card, "csv"))))
    assert [row["image"] for row in rows] == ["街道/a.jpg", "街道/a.jpg", "empty.jpg", "dark.jpg", "bad.jpg"]
    assert rows[0]["class"] == "garbage"
    assert [float(rows[0][side]) for side in ("x1", "y1", "x2", "y2")] == [100, 50, 300, 150]
    assert (rows[0]["lon"], rows[0]["lat"]) == ("114.26", "30.54")
    assert (rows[2]["class"], rows[2]["x1"], rows[2]["scorable"]) == ("", "", "True")
    assert rows[3]["scorable"] == "False"
    assert (rows[4]["outcome"], rows[4]["reason"], rows[4]["width"]) == (
        "truncated",
        "the copy was cut off",
        "",
    )


@pytest.mark.parametrize(
    "name",
    ["=1+1.jpg", "+a.jpg", "-a.jpg", "@SUM(A1).jpg", "\ta.jpg", '=HYPERLINK("x").jpg', "\ra.jpg", "\n=a.jpg"],
)
def test_a_name_is_no_formula(name: str, card: Card) -> None:
    (row,) = csv.DictReader(io.StringIO(written([seen(name)], card, "csv"), newline=""))
    assert row["image"] == f"'{name}"


def test_odd_names_stay_in_their_cell(card: Card) -> None:
    name = 'a, "b"\nc;d.jpg'
    (row,) = csv.DictReader(io.StringIO(written([seen(name)], card, "csv"), newline=""))
    assert row["image"] == name


def test_no_byte_order_mark_in_a_stream(card: Card) -> None:
    assert written(RESULTS, card, "csv").startswith("image,")


def test_geojson(card: Card) -> None:
    content = json.loads(written(RESULTS, card, "geojson"))
    assert content["type"] == "FeatureCollection"
    assert [each["type"] for each in content["features"]] == ["Feature"] * 4
    first, *others = content["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [114.26, 30.54]}, "longitude first"
    assert first["properties"]["camera_position"]["heading_deg"] == 90.0
    assert first["properties"]["image"] == "街道/a.jpg"
    assert [each["geometry"] for each in others] == [None, None, None]


def test_labelstudio_boxes_are_percents(card: Card) -> None:
    tasks = json.loads(written(RESULTS, card, "labelstudio"))
    (prediction,) = tasks[0]["predictions"]
    assert prediction["model_version"] == card.address
    first, second = prediction["result"]
    value = first["value"]
    assert (value["x"], value["y"], value["width"], value["height"]) == (25.0, 25.0, 50.0, 50.0)
    assert value["rectanglelabels"] == ["garbage"]
    assert (first["type"], first["from_name"], first["to_name"]) == ("rectanglelabels", "label", "image")
    assert first["id"] != second["id"]
    for region, box in zip(prediction["result"], FOUND.boxes_xyxy_px.tolist(), strict=True):
        value = region["value"]
        x, y = value["x"] * region["original_width"] / 100, value["y"] * region["original_height"] / 100
        width = value["width"] * region["original_width"] / 100
        height = value["height"] * region["original_height"] / 100
        assert [x, y, x + width, y + height] == pytest.approx(box, abs=1e-3)
    assert tasks[1]["predictions"][0]["result"] == []
    assert tasks[3]["data"] == {"image": "bad.jpg", "outcome": "truncated", "reason": "the copy was cut off"}


@pytest.mark.parametrize("form", WRITERS)
def test_no_photos_is_a_valid_file_too(form: Format, card: Card) -> None:
    text = written([], card, form)
    if form not in ("jsonl", "csv"):
        json.loads(text)
    assert FILE_NAMES.keys() == WRITERS.keys()


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_lines_come_as_photos_are_done(form: Format, card: Card) -> None:
    out = io.StringIO()

    def results() -> Any:
        yield RESULTS[0]
        assert "街道/a.jpg" in out.getvalue(), "the first photo must be written before the second is done"
        yield RESULTS[1]

    write(results(), card, form, out)
