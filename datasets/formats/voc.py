"""Pascal VOC: an XML file per photo; corners are 1-based pixel indices, both inclusive.

So the box of a whole 100 x 50 picture is 1, 1, 100, 50, as in the VOC devkit: left and top lose one when
read, right and bottom are the far edges already. Tools that count from 0 are recognised by a 0 among the left
or top corners: then a dataset is read without the shift. Written are whole numbers; the sidecar keeps what
they lose.
"""

import posixpath
from dataclasses import replace
from itertools import islice
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.formats.export import Export, ExportPhoto, Writer, corners_px
from streetsight.datasets.formats.labels import ForeignBox, ForeignLabels, Problem, Reading, Unreadable
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.formats.trees import Tree
from streetsight.datasets.formats.xml_files import number, read_xml, shape_of, size

FROM_ZERO = "photos have corners that count from 0, not 1 as in the Pascal VOC devkit: read without the shift"
_SIDES = ("xmin", "ymin", "xmax", "ymax")


def evidence(tree: Tree) -> list[str]:
    """The first XML file with the root `annotation`."""
    xml_files = (name for name in tree.files if name.lower().endswith(".xml"))
    return [*islice((name for name in xml_files if shape_of(tree, name) == "voc"), 1)]


def read(tree: Tree, photos: PhotoIndex) -> Reading:
    """All XML files that have a photo."""
    labels, problems = [], []
    for name in (each for each in tree.files if each.lower().endswith(".xml")):
        try:
            root = read_xml(tree, name)
        except Unreadable as error:
            photo, fault = photos.with_stem(name), Problem(name, "", error.message, **error.values)
            if photo:
                labels.append(ForeignLabels(photo, name, (), "px", problems=(fault,)))
            else:
                problems.append(fault)
            continue
        if root.tag != "annotation":
            continue
        stated = root.findtext("filename") or ""
        photo = photos.with_stem(name) or photos.find(stated.strip(), beside=name)
        if photo is None:
            problems.append(
                Problem(
                    name,
                    "",
                    "there is no photo {photo}, or several",
                    photo=stated or posixpath.basename(name),
                )
            )
            continue
        labels.append(_read_objects(root, name, photo))
    from_zero = any(min(box.xyxy[:2]) < 0 for each in labels for box in each.boxes)
    return Reading(
        labels=tuple(map(_unshifted, labels) if from_zero else labels),
        declared=tuple(dict.fromkeys(box.label for each in labels for box in each.boxes)),
        problems=tuple(problems),
        notes=(FROM_ZERO,) * len(labels) if from_zero else (),
    )


def _read_objects(root: Element, name: str, photo: str) -> ForeignLabels:
    boxes, problems = [], []
    for index, each in enumerate(root.findall("object"), start=1):
        try:
            boxes.append(_read_box(each, f"object {index}"))
        except Unreadable as error:
            problems.append(Problem(name, f"object {index}", error.message, **error.values))
    stated_wh = size(root.findtext("size/width"), root.findtext("size/height"))
    return ForeignLabels(photo, name, tuple(boxes), "px", stated_wh, tuple(problems))


def _read_box(each: Element, place: str) -> ForeignBox:
    label = (each.findtext("name") or "").strip()
    box = each.find("bndbox")
    if not label or box is None:
        raise Unreadable("expected an object with `name` and `bndbox`")
    left, top, right, bottom = (number(box.findtext(side), side) for side in _SIDES)
    return ForeignBox(label, (left - 1, top - 1, right, bottom), place)


def _unshifted(labels: ForeignLabels) -> ForeignLabels:
    boxes = [
        replace(box, xyxy=(box.xyxy[0] + 1, box.xyxy[1] + 1, box.xyxy[2], box.xyxy[3]))
        for box in labels.boxes
    ]
    return replace(labels, boxes=tuple(boxes))


def whole_pixels(boxes_xyxy_px: NDArray[np.float64], size_wh: tuple[int, int]) -> NDArray[np.int64]:
    """The corners that VOC writes: inside the picture, never narrower than one pixel.

    Args:
        boxes_xyxy_px: (n, 4) float64 xyxy, pixels of the upright picture.

    Returns:
        (n, 4) int64, 1-based, inclusive.
    """
    low, high = boxes_xyxy_px[:, :2], boxes_xyxy_px[:, 2:]
    first, last = np.round(low) + 1, np.round(high)
    only = np.floor((low + high) / 2) + 1  # the pixel that a narrower box lies in
    corners = np.concatenate(
        [np.where(first > last, only, first), np.where(first > last, only, last)], axis=1
    )
    inside: NDArray[np.int64] = np.clip(corners, 1, np.tile(size_wh, 2)).astype(np.int64)
    return inside


def undo_rounding(
    boxes_cxcywh_norm: NDArray[np.float32],
    found_xyxy: NDArray[np.float64],
    exact_cxcywh_norm: NDArray[np.float32] | None,
    size_wh: tuple[int, int],
) -> NDArray[np.float32]:
    """The exact boxes, if those found are what whole pixels make of them; else nobody remembers, or someone
    has edited them since, and they stay.

    Args:
        boxes_cxcywh_norm: (n, 4) float32, the boxes found, fractions of the upright picture.
        found_xyxy: (n, 4) float64, the same as they were read.
        exact_cxcywh_norm: (m, 4) float32 from the sidecar, or None.
        size_wh: of the upright picture, pixels.
    """
    if exact_cxcywh_norm is None or len(exact_cxcywh_norm) != len(found_xyxy):
        return boxes_cxcywh_norm
    exact_px = corners_px(exact_cxcywh_norm, size_wh)
    found = np.round(found_xyxy * np.tile(size_wh, 2)) + np.array([1, 1, 0, 0])
    untouched = np.array_equal(found, whole_pixels(exact_px, size_wh))
    return exact_cxcywh_norm if untouched else boxes_cxcywh_norm


def write(export: Export, writer: Writer) -> None:
    """`JPEGImages/<source>/`, `Annotations/<source>/`, and the parts in `ImageSets/Main/`."""
    for photo in export.photos:
        writer.photo(photo, f"JPEGImages/{photo.inner}")
        writer.text(f"Annotations/{posixpath.splitext(photo.inner)[0]}.xml", _content(photo))
    for part, photos in export.parts.items():
        stems = [posixpath.splitext(photo.inner)[0] for photo in photos]
        writer.text(f"ImageSets/Main/{part}.txt", "".join(f"{stem}\n" for stem in stems))


def _content(photo: ExportPhoto) -> str:
    root = Element("annotation")
    _add(root, "folder", photo.record.source)
    _add(root, "filename", photo.record.image.name)
    source = SubElement(root, "source")
    _add(source, "database", photo.record.source)
    _add(source, "group", photo.record.group)
    _add(source, "labelled_classes", ",".join(sorted(photo.record.labelled_classes)))
    stated = SubElement(root, "size")
    for key, length in zip(("width", "height", "depth"), (*photo.size_wh, 3), strict=True):
        _add(stated, key, str(length))
    _add(root, "segmented", "0")
    corners = whole_pixels(photo.boxes_xyxy_px(), photo.size_wh)
    for name, box in zip(photo.record.class_names, corners.tolist(), strict=True):
        each = SubElement(root, "object")
        _add(each, "name", name)
        for key, value in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
            _add(each, key, value)
        sides = SubElement(each, "bndbox")
        for key, side in zip(_SIDES, box, strict=True):
            _add(sides, key, str(side))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _add(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text
