"""CVAT for images 1.1: one XML file; boxes as left, top, right, bottom in pixels."""

import math
import posixpath
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from streetsight.datasets.formats.export import Export, Writer, rounded
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
from streetsight.datasets.formats.xml_files import number, read_xml, shape_of, size

_NO_SHAPES = ("tag", "attribute")


def evidence(tree: Tree) -> list[str]:
    """XML files with the root `annotations`."""
    return [name for name in tree.files if name.lower().endswith(".xml") and shape_of(tree, name) == "cvat"]


def read(tree: Tree, photos: PhotoIndex) -> Reading:
    """All CVAT files of the tree together.

    Raises:
        ExchangeError: when a file is no XML, or is the format for videos.
    """
    labels: list[ForeignLabels] = []
    declared: list[str] = []
    problems: list[Problem] = []
    for name in evidence(tree):
        root = _read_root(tree, name)
        declared += [each.text.strip() for each in root.iterfind("./meta//labels/label/name") if each.text]
        for image in root.findall("image"):
            stated = image.get("name") or ""
            photo = photos.find(stated, beside=name)
            if photo is None:
                place = f"image {image.get('id')}"
                problems.append(Problem(name, place, "there is no photo {photo}, or several", photo=stated))
            else:
                labels.append(_read_image(image, name, photo))
    return Reading(tuple(labels), tuple(dict.fromkeys(declared)), tuple(problems))


def _read_root(tree: Tree, name: str) -> Element:
    try:
        root = read_xml(tree, name)
    except Unreadable as error:
        raise ExchangeError("{file}: {reason}", file=name, reason=error) from error
    if root.find("track") is not None:
        raise ExchangeError(
            "{file}: this is CVAT for video; export the task as `CVAT for images 1.1`", file=name
        )
    return root


def _read_image(image: Element, name: str, photo: str) -> ForeignLabels:
    boxes, problems = [], []
    for index, shape in enumerate((each for each in image if each.tag not in _NO_SHAPES), start=1):
        place = f"image {image.get('id')}, {shape.tag} {index}"
        try:
            boxes.append(ForeignBox(_label(shape), _corners(shape), place))
        except Unreadable as error:
            problems.append(Problem(name, place, error.message, **error.values))
    stated_wh = size(image.get("width"), image.get("height"))
    return ForeignLabels(photo, name, tuple(boxes), "px", stated_wh, tuple(problems))


def _label(shape: Element) -> str:
    label = (shape.get("label") or "").strip()
    if not label:
        raise Unreadable("the shape has no label")
    return label


def _corners(shape: Element) -> Corners:
    """The upright box of a shape; a rotated one has its enclosing box.

    Raises:
        Unreadable: for shapes that have no extent, and numbers that are none.
    """
    if shape.tag == "box":
        left, top, right, bottom = _numbers(shape, "xtl", "ytl", "xbr", "ybr")
        turn = math.radians(number(shape.get("rotation", "0"), "rotation"))
        return _turned((left, top, right, bottom), turn)
    if shape.tag == "polygon":
        pairs = [point.split(",") for point in (shape.get("points") or "").split(";")]
        return enclosing([(number(pair[0], "points"), number(pair[-1], "points")) for pair in pairs])
    if shape.tag == "ellipse":
        cx, cy, rx, ry = _numbers(shape, "cx", "cy", "rx", "ry")
        turn = math.radians(number(shape.get("rotation", "0"), "rotation"))
        half_w = math.hypot(rx * math.cos(turn), ry * math.sin(turn))
        half_h = math.hypot(rx * math.sin(turn), ry * math.cos(turn))
        return cx - half_w, cy - half_h, cx + half_w, cy + half_h
    if shape.tag == "mask":
        left, top, width, height = _numbers(shape, "left", "top", "width", "height")
        return left, top, left + width, top + height
    raise Unreadable("a {shape} has no box; draw a rectangle", shape=shape.tag)


def _turned(box: Corners, turn: float) -> Corners:
    """The enclosing upright box after turning about the centre, as CVAT does."""
    if not turn:
        return box
    left, top, right, bottom = box
    cx, cy, half_w, half_h = (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2
    reach_x = abs(half_w * math.cos(turn)) + abs(half_h * math.sin(turn))
    reach_y = abs(half_w * math.sin(turn)) + abs(half_h * math.cos(turn))
    return cx - reach_x, cy - reach_y, cx + reach_x, cy + reach_y


def _numbers(shape: Element, *names: str) -> tuple[float, float, float, float]:
    first, second, third, fourth = (number(shape.get(name), name) for name in names)
    return first, second, third, fourth


def write(export: Export, writer: Writer) -> None:
    """`images/<source>/` and `annotations.xml`, ready to be uploaded to CVAT as one archive."""
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    task = SubElement(SubElement(root, "meta"), "task")
    for key, text in (("name", "streetsight"), ("size", str(len(export.photos))), ("mode", "annotation")):
        SubElement(task, key).text = text
    labels = SubElement(task, "labels")
    for each in export.taxonomy.classes:
        label = SubElement(labels, "label")
        for key, text in (("name", each.name), ("color", each.colour.lower()), ("type", "any")):
            SubElement(label, key).text = text
        SubElement(label, "attributes")
    for index, photo in enumerate(export.photos):
        writer.photo(photo, posixpath.join("images", photo.inner))
        image = SubElement(
            root, "image", id=str(index), name=photo.inner, subset=photo.part,
            width=str(photo.size_wh[0]), height=str(photo.size_wh[1]),
            source=photo.record.source, group=photo.record.group,
            labelled_classes=",".join(sorted(photo.record.labelled_classes)),
        )  # fmt: skip
        for name, box in zip(photo.record.class_names, photo.boxes_xyxy_px(), strict=True):
            sides = dict(zip(("xtl", "ytl", "xbr", "ybr"), map(str, rounded(box)), strict=True))
            SubElement(
                image, "box", {"label": name, "source": "manual", "occluded": "0", **sides, "z_order": "0"}
            )
    indent(root)
    text = tostring(root, encoding="unicode")
    writer.text("annotations.xml", f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n')
