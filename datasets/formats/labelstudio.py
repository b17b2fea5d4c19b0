"""Label Studio JSON (full and JSON-MIN): boxes as left, top, width, height in percent of the picture."""

import math
import posixpath
import re
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from streetsight.datasets.formats.export import Export, ExportPhoto, Writer, rounded, to_json
from streetsight.datasets.formats.json_files import numbers, read_json, shape_of
from streetsight.datasets.formats.labels import (
    Corners,
    ForeignBox,
    ForeignLabels,
    Problem,
    Reading,
    Unreadable,
    enclosing,
)
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.formats.trees import Tree, is_photo

# Label Studio puts this before the name of an uploaded file.
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")
_UPLOAD = re.compile(r"(^|/)(data/)?upload/")


def evidence(tree: Tree) -> list[str]:
    """JSON files that are lists of tasks by their first words."""
    return [
        name
        for name in tree.files
        if name.lower().endswith(".json") and shape_of(tree, name) == "labelstudio"
    ]


def read(tree: Tree, photos: PhotoIndex) -> Reading:
    """All task lists of the tree together.

    Of several annotations of one task the one marked as ground truth counts, else the last that was not
    cancelled. A task without any was not labelled: its photo counts as one without labels.

    Raises:
        ExchangeError: when a file is not JSON.
    """
    labels: list[ForeignLabels] = []
    problems: list[Problem] = []
    for name in evidence(tree):
        for index, task in enumerate(read_json(tree, name)):
            place = f"task {task.get('id', index)}" if isinstance(task, dict) else f"task {index}"
            try:
                found = _read_task(task, name, place, photos)
            except Unreadable as error:
                problems.append(Problem(name, place, error.message, **error.values))
                continue
            labels += [found] if found else []
    declared = dict.fromkeys(box.label for each in labels for box in each.boxes)
    return Reading(tuple(labels), tuple(declared), tuple(problems))


def _read_task(task: Any, name: str, place: str, photos: PhotoIndex) -> ForeignLabels | None:
    """The labels of a task, or None when nobody has annotated it."""
    if not isinstance(task, dict):
        raise Unreadable("expected an object with `data` and `annotations`")
    regions = _regions(task)
    reference = _image_reference(task)
    photo = _find(reference, name, photos)
    if photo is None:
        raise Unreadable("there is no photo {photo}, or several", photo=reference)
    if regions is None:
        return None
    boxes, problems, size_wh = [], [], None
    labelled_ids = {each.get("id") for each in regions if isinstance(each, dict) and _labels_of(each)}
    for index, region in enumerate(regions, start=1):
        try:
            size_wh = _size(region) or size_wh
            boxes += _read_region(region, f"{place}, region {index}", labelled_ids)
        except Unreadable as error:
            problems.append(Problem(name, f"{place}, region {index}", error.message, **error.values))
    return ForeignLabels(photo, name, tuple(boxes), "fraction", size_wh, tuple(problems))


def _regions(task: dict[str, Any]) -> list[Any] | None:
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None and "data" not in task:  # JSON-MIN: the regions lie in the task itself
        lists = [value for value in task.values() if isinstance(value, list)]
        return [{"value": each, **each} for each in chain(*lists) if isinstance(each, dict) and _named(each)]
    done = [each for each in annotations or [] if isinstance(each, dict) and not each.get("was_cancelled")]
    if not done:
        return None
    chosen = max(done, key=lambda each: (bool(each.get("ground_truth")), str(each.get("updated_at") or "")))
    result = chosen.get("result")
    if not isinstance(result, list):
        raise Unreadable("expected `result`, a list of regions")
    return result


def _named(value: dict[str, Any]) -> bool:
    return any(key.endswith("labels") for key in value)


def _image_reference(task: dict[str, Any]) -> str:
    data = task.get("data", task)
    values = [data.get("image"), *data.values()] if isinstance(data, dict) else []
    paths = [_path_of(value) for value in values if isinstance(value, str)]
    reference = next((path for path in paths if is_photo(path)), None)
    if reference is None:
        raise Unreadable("the task names no photo (jpg, jpeg, png or webp)")
    return reference


def _path_of(value: str) -> str:
    """The path in a reference: local storage (`/data/local-files/?d=...`), an upload, a URL, or plain."""
    if "local-files/" in value and "?" in value:
        return parse_qs(urlsplit(value).query).get("d", [""])[0]
    return unquote(urlsplit(value).path) if "://" in value else value


def _find(reference: str, name: str, photos: PhotoIndex) -> str | None:
    """The photo, under the name it has in Label Studio, or had before it was uploaded."""
    folder, _, file = reference.rpartition("/")
    uploaded = bool(_UPLOAD.search(f"{folder}/")) or not folder
    plain = posixpath.join(folder, _UPLOAD_PREFIX.sub("", file))
    for each in dict.fromkeys((reference, unquote(reference), plain, unquote(plain))):
        found = photos.find(each, beside=name) or (
            photos.find(each, beside=name, by_name=True) if uploaded else None
        )
        if found:
            return found
    return None


def _size(region: Any) -> tuple[int, int] | None:
    if not isinstance(region, dict):
        raise Unreadable("expected a region: an object with `type` and `value`")
    size = numbers([region.get("original_width"), region.get("original_height")])
    return (int(size[0]), int(size[1])) if size and min(size) >= 1 else None


def _labels_of(region: dict[str, Any]) -> list[str]:
    value = region.get("value")
    if not isinstance(value, dict):
        return []
    lists = [each for key, each in value.items() if key.endswith("labels") and isinstance(each, list)]
    return [str(label) for label in chain(*lists)]


def _read_region(region: dict[str, Any], place: str, labelled_ids: set[Any]) -> list[ForeignBox]:
    """The boxes of a region: one per label, none for what has no place in the picture (choices, texts)."""
    value = region.get("value")
    shaped = isinstance(value, dict) and bool({"x", "points", "rle", "format"} & set(value))
    if not shaped or not isinstance(value, dict):
        return []
    labels = _labels_of(region)
    if not labels:
        if region.get("id") in labelled_ids:  # the label comes in a region of its own, with the same shape
            return []
        raise Unreadable("the region has no label")
    if region.get("image_rotation"):
        raise Unreadable(
            "the photo was turned in Label Studio, which its export does not undo; turn the file instead"
        )
    corners = _corners(value, _size(region))
    return [ForeignBox(label, corners, place) for label in labels]


def _corners(value: dict[str, Any], size_wh: tuple[int, int] | None) -> Corners:
    """Fractions of the upright box around a region."""
    if isinstance(value.get("points"), list):
        points = [numbers(point) for point in value["points"]]
        if points and all(point is not None and len(point) == 2 for point in points):
            return _fractions(enclosing([(point[0], point[1]) for point in points if point]))
    box = numbers([value.get(key) for key in ("x", "y", "width", "height")])
    turn = numbers([value.get("rotation", 0)])
    if box is not None and turn is not None:
        return _fractions(_turned(box, turn[0], size_wh))
    raise Unreadable(
        "expected a rectangle or polygon with finite numbers in percent, got {value}", value=str(value)[:120]
    )


def _turned(box: list[float], degrees: float, size_wh: tuple[int, int] | None) -> Corners:
    """Percent: the upright box around one that is turned about its top left corner, clockwise, in pixels."""
    x, y, width, height = box
    if not degrees:
        return x, y, x + width, y + height
    if size_wh is None:
        raise Unreadable("a turned box needs `original_width` and `original_height`")
    aspect = size_wh[0] / size_wh[1]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(0.0, 0.0), (width, 0.0), (0.0, height), (width, height)]
    return enclosing([(x + u * cos - v * sin / aspect, y + u * sin * aspect + v * cos) for u, v in corners])


def _fractions(percent: Corners) -> Corners:
    left, top, right, bottom = percent
    return left / 100, top / 100, right / 100, bottom / 100


def write(export: Export, writer: Writer) -> None:
    """`images/<source>/`, `tasks.json` for local storage, `label_config.xml` for the project's settings."""
    tasks = []
    for index, photo in enumerate(export.photos, start=1):
        place = f"images/{photo.inner}"
        writer.photo(photo, place)
        data = {
            "image": f"/data/local-files/?d={quote(place)}",
            "source": photo.record.source,
            "group": photo.record.group,
            "part": photo.part,
            "labelled_classes": sorted(photo.record.labelled_classes),
        }
        tasks.append({"id": index, "data": data, "annotations": [{"result": _results(photo)}]})
    writer.text("tasks.json", to_json(tasks))
    writer.text("label_config.xml", _config(export))


def _results(photo: ExportPhoto) -> list[dict[str, Any]]:
    size_wh = photo.size_wh
    percent = photo.boxes_xyxy_px() / (*size_wh, *size_wh) * 100
    return [
        {
            "id": f"{photo.sha256[:8]}-{index}",
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": size_wh[0],
            "original_height": size_wh[1],
            "image_rotation": 0,
            "value": {
                **dict(
                    zip(
                        ("x", "y", "width", "height"),
                        [*rounded(box[:2]), *rounded(box[2:] - box[:2])],
                        strict=True,
                    )
                ),
                "rotation": 0,
                "rectanglelabels": [name],
            },
        }
        for index, (name, box) in enumerate(zip(photo.record.class_names, percent, strict=True))
    ]


def _config(export: Export) -> str:
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image")
    labels = SubElement(view, "RectangleLabels", name="label", toName="image")
    for each in export.taxonomy.classes:
        SubElement(labels, "Label", value=each.name, hint=each.zh, background=each.colour)
    indent(view)
    return tostring(view, encoding="unicode") + "\n"
