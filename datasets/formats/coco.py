"""COCO JSON: images, categories, annotations with `bbox` as left, top, width, height in pixels."""

import posixpath
from collections import defaultdict
from typing import Any

from streetsight.datasets.formats.export import Export, ExportPhoto, Writer, rounded, to_json
from streetsight.datasets.formats.json_files import numbers, read_json, shape_of
from streetsight.datasets.formats.labels import (
    Corners,
    ExchangeError,
    ForeignBox,
    ForeignLabels,
    Problem,
    Reading,
    Unreadable,
    enclosing,
)
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.formats.trees import Tree


def evidence(tree: Tree) -> list[str]:
    """JSON files that are COCO by their first words."""
    return [name for name in tree.files if name.lower().endswith(".json") and shape_of(tree, name) == "coco"]


def read(tree: Tree, photos: PhotoIndex, drop_crowds: bool = False) -> Reading:
    """All COCO files of the tree together.

    Raises:
        ExchangeError: when a file is not JSON of this form, or holds predictions.
    """
    labels: list[ForeignLabels] = []
    declared: list[str] = []
    problems: list[Problem] = []
    for name in evidence(tree):
        content = read_json(tree, name)
        if not isinstance(content.get("images"), list) or not isinstance(content.get("annotations"), list):
            raise ExchangeError("{file}: expected COCO with the lists `images` and `annotations`", file=name)
        categories = _categories(name, content)
        declared += categories.values()
        found, stray = _read_images(name, content, categories, photos, drop_crowds)
        labels += found
        problems += stray
    return Reading(tuple(labels), tuple(dict.fromkeys(declared)), tuple(problems))


def _categories(name: str, content: dict[str, Any]) -> dict[Any, str]:
    try:
        return {each["id"]: str(each["name"]) for each in content["categories"]}
    except (KeyError, TypeError) as error:
        raise ExchangeError(
            "{file}: expected `categories`, a list of objects with `id` and `name`", file=name
        ) from error


def _read_images(
    name: str, content: dict[str, Any], categories: dict[Any, str], photos: PhotoIndex, drop_crowds: bool
) -> tuple[list[ForeignLabels], list[Problem]]:
    stated, problems = _images_by_id(name, content)
    marks: dict[Any, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for index, mark in enumerate(content["annotations"]):
        place = f"annotation {mark.get('id', index) if isinstance(mark, dict) else index}"
        image_id = mark.get("image_id") if isinstance(mark, dict) else None
        if isinstance(mark, dict) and mark.get("score") is not None:
            message = (
                "{file}: annotations have scores: predictions, not labels; let a person check them first"
            )
            raise ExchangeError(message, file=name)
        if not isinstance(image_id, int | str) or image_id not in stated:
            problems.append(
                Problem(name, place, "belongs to image {image}, which the file does not list", image=image_id)
            )
            continue
        marks[image_id].append((place, mark))
    labels = []
    for image_id, image in stated.items():
        file_name = str(image["file_name"])
        photo = photos.find(file_name, beside=_images_folder(name))
        if photo is None:
            problems.append(
                Problem(name, f"image {image_id}", "there is no photo {photo}, or several", photo=file_name)
            )
            continue
        boxes, faults = _read_boxes(name, marks[image_id], categories, drop_crowds)
        labels.append(ForeignLabels(photo, name, boxes, "px", _size(image), faults))
    return labels, problems


def _images_by_id(name: str, content: dict[str, Any]) -> tuple[dict[Any, dict[str, Any]], list[Problem]]:
    stated: dict[Any, dict[str, Any]] = {}
    problems = []
    for index, image in enumerate(content["images"]):
        usable = isinstance(image, dict) and isinstance(image.get("id"), int | str) and image.get("file_name")
        if not usable or image["id"] in stated:
            problems.append(
                Problem(
                    name, f"images[{index}]", "expected an object with `file_name` and an `id` of its own"
                )
            )
            continue
        stated[image["id"]] = image
    return stated, problems


def _images_folder(name: str) -> str:
    """Where `annotations/instances_train.json` has its photos: beside that folder."""
    folder, _, file = name.rpartition("/")
    return posixpath.join(folder[: -len("annotations")], file) if folder.endswith("annotations") else name


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    size = numbers([image.get("width"), image.get("height")])
    return (int(size[0]), int(size[1])) if size and min(size) >= 1 else None


def _read_boxes(
    name: str, marks: list[tuple[str, dict[str, Any]]], categories: dict[Any, str], drop_crowds: bool
) -> tuple[tuple[ForeignBox, ...], tuple[Problem, ...]]:
    boxes, problems = [], []
    for place, mark in marks:
        try:
            if mark.get("iscrowd") and drop_crowds:
                continue
            boxes.append(ForeignBox(_label(mark, categories), _corners(mark), place))
        except Unreadable as error:
            problems.append(Problem(name, place, error.message, **error.values))
    return tuple(boxes), tuple(problems)


def _label(mark: dict[str, Any], categories: dict[Any, str]) -> str:
    category = mark.get("category_id")
    if not isinstance(category, int | str) or category not in categories:
        raise Unreadable("category_id {category} is not among the categories", category=category)
    return categories[category]


def _corners(mark: dict[str, Any]) -> Corners:
    if mark.get("iscrowd"):
        raise Unreadable(
            "a crowd region (iscrowd) stands for many things; draw single boxes, or add --drop-crowds"
        )
    bbox = numbers(mark.get("bbox"))
    if bbox is not None and len(bbox) == 4:
        left, top, width, height = bbox
        return left, top, left + width, top + height
    polygons = mark.get("segmentation")
    if not mark.get("bbox") and isinstance(polygons, list) and polygons:
        rings = [numbers(ring) for ring in polygons]
        points = [pair for ring in rings if ring for pair in zip(ring[::2], ring[1::2], strict=False)]
        if points and all(rings):
            return enclosing(points)
    raise Unreadable(
        "expected `bbox` with four finite numbers (left, top, width, height), got {bbox}",
        bbox=mark.get("bbox"),
    )


def write(export: Export, writer: Writer) -> None:
    """`images/<source>/` and `annotations/instances_<part>.json`; categories by the taxonomy's ids."""
    for photo in export.photos:
        writer.photo(photo, f"images/{photo.inner}")
    for part, photos in export.parts.items():
        writer.text(f"annotations/instances_{part}.json", to_json(_content(export, photos)))


def _content(export: Export, photos: list[ExportPhoto]) -> dict[str, Any]:
    licences = list(dict.fromkeys(photo.licence for photo in photos))
    annotations: list[dict[str, Any]] = []
    for index, photo in enumerate(photos, start=1):
        for name, box in zip(photo.record.class_names, photo.boxes_xyxy_px(), strict=True):
            width, height = box[2:] - box[:2]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": export.taxonomy[name].id,
                    "bbox": [*rounded(box[:2]), *rounded(box[2:] - box[:2])],
                    "area": round(float(width * height), 4),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {"description": "Streetsight labels", "taxonomy_version": export.taxonomy.version},
        "licenses": [
            {"id": index, "name": licence, "url": ""} for index, licence in enumerate(licences, start=1)
        ],
        "images": [
            {
                "id": index,
                "file_name": photo.inner,
                "width": photo.size_wh[0],
                "height": photo.size_wh[1],
                "license": licences.index(photo.licence) + 1,
                "source": photo.record.source,
                "group": photo.record.group,
                "labelled_classes": sorted(photo.record.labelled_classes),
            }
            for index, photo in enumerate(photos, start=1)
        ],
        "categories": [
            {"id": each.id, "name": each.name, "supercategory": each.condition or "context"}
            for each in export.taxonomy.classes
        ],
        "annotations": annotations,
    }
