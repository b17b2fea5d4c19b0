"""Which format a folder or archive has, and its reader."""

from collections.abc import Callable

from streetsight.datasets.formats import coco, cvat, labelstudio, voc, yolo
from streetsight.datasets.formats.labels import FORMATS, ExchangeError, FormatName, Reading
from streetsight.datasets.formats.photos import PhotoIndex
from streetsight.datasets.formats.trees import Tree

_EVIDENCE: dict[FormatName, Callable[[Tree], list[str]]] = {
    "yolo": yolo.evidence,
    "coco": coco.evidence,
    "voc": voc.evidence,
    "cvat": cvat.evidence,
    "labelstudio": labelstudio.evidence,
}


def detect(tree: Tree) -> FormatName:
    """The format whose files are there.

    Raises:
        ExchangeError: when there is none, with what was looked for, or more than one.
    """
    found = {form: files for form in FORMATS if (files := _EVIDENCE[form](tree))}
    if len(found) == 1:
        return next(iter(found))
    if found:
        shown = "; ".join(f"{form}: {files[0]}" for form, files in found.items())
        raise ExchangeError(
            "{path}: labels of several formats ({found}); choose one with --format",
            path=tree.title, found=shown,
        )  # fmt: skip
    raise ExchangeError(
        "{path}: no labels found among {count} files. Looked for: yolo (data.yaml, classes.txt, "
        "labels/*.txt), coco (JSON with images and annotations), voc (XML with <annotation>), "
        "cvat (XML with <annotations>), labelstudio (JSON list of tasks)",
        path=tree.title, count=len(tree.files),
    )  # fmt: skip


def read_labels(form: FormatName, tree: Tree, photos: PhotoIndex, drop_crowds: bool) -> Reading:
    """All labels of a tree, in this format.

    Raises:
        ExchangeError: when they cannot be read at all.
    """
    match form:
        case "yolo":
            return yolo.read(tree, photos)
        case "coco":
            return coco.read(tree, photos, drop_crowds)
        case "voc":
            return voc.read(tree, photos)
        case "cvat":
            return cvat.read(tree, photos)
        case "labelstudio":
            return labelstudio.read(tree, photos)
