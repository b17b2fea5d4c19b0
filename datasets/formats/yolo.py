"""YOLO: a text file per photo, a line per box: class index, then cx cy w h as fractions.

Read are `data.yaml` (names as list or dict), `classes.txt`, `obj.names`; labels in a `labels` folder where
photos are in `images`, or beside the photos; polygons (as their enclosing box), CVAT's track ids.
"""

import math
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from streetsight.datasets.formats.export import Export, Writer
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
from streetsight.datasets.formats.trees import Tree, read_text
from streetsight.models.taxonomy import Taxonomy

_NAME_LISTS = ("classes.txt", "obj.names", "_darknet.labels")
_LABEL_FOLDER = re.compile(r"(^|/)(labels|obj_[^/]*_data)/")
_YAML_NAMES = re.compile(r"^[\"']?names[\"']?\s*:", re.MULTILINE)
_SPLIT_KEYS = ("train", "val", "valid", "test")


@dataclass(frozen=True, slots=True)
class _Config:
    """Class names by index, the photos that are listed (None: all), fields of a pose label (0: none)."""

    names: dict[int, str]
    scope: frozenset[str] | None = None
    pose_fields: int = 0


def evidence(tree: Tree) -> list[str]:
    """Files that show that this is a YOLO dataset."""
    return [
        *_yaml_files(tree),
        *(name for name in tree.files if posixpath.basename(name) in _NAME_LISTS),
    ] or [name for name in tree.files if name.endswith(".txt") and _LABEL_FOLDER.search(name)][:1]


def read(tree: Tree, photos: PhotoIndex) -> Reading:
    """All label files and the photos they belong to.

    Raises:
        ExchangeError: when the class names cannot be read.
    """
    config = _read_config(tree, photos)
    texts = {name for name in tree.files if name.endswith(".txt")}
    labels, used = [], set()
    for photo in photos.photos:
        label_file = next((each for each in _label_paths(photo) if each in texts), None)
        if label_file is None or (config.scope is not None and photo not in config.scope):
            continue
        used.add(label_file)
        labels.append(_read_labels(tree, label_file, photo, config))
    orphans = sorted(each for each in texts - used if _LABEL_FOLDER.search(each))
    return Reading(
        labels=tuple(labels),
        declared=tuple(config.names.values()),
        problems=tuple(
            Problem(each, "", "labels without a photo of this name; add the photo or remove the file")
            for each in orphans
            if not any(_belongs(each, photo) for photo in (photos.with_stem(each),) if photo)
        ),
        scope=config.scope,
    )


def _belongs(label_file: str, photo: str) -> bool:
    return label_file in _label_paths(photo)


def _label_paths(photo: str) -> list[str]:
    """Where labels of a photo may be: `images` replaced by `labels` (the last one counts), or beside it."""
    stem = posixpath.splitext(photo)[0]
    head, found, tail = f"/{stem}".rpartition("/images/")
    return [*([f"{head}/labels/{tail}.txt".lstrip("/")] if found else []), f"{stem}.txt"]


def _read_labels(tree: Tree, label_file: str, photo: str, config: _Config) -> ForeignLabels:
    boxes: list[ForeignBox] = []
    problems: list[Problem] = []
    try:
        lines = re.split(r"\r\n|\r|\n", read_text(tree, label_file))
    except Unreadable as error:
        lines, problems = [], [Problem(label_file, "", error.message, **error.values)]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            boxes.append(_read_line(line, number, config))
        except Unreadable as error:
            problems.append(Problem(label_file, f"line {number}", error.message, **error.values))
    return ForeignLabels(photo, label_file, tuple(boxes), "fraction", problems=tuple(problems))


def _read_line(line: str, number: int, config: _Config) -> ForeignBox:
    """One line.

    Raises:
        Unreadable: saying what was expected.
    """
    fields = line.split()
    try:
        index, values = int(fields[0]), [float(each) for each in fields[1:]]
    except ValueError:
        index, values = -1, []
    if index < 0 or not all(map(math.isfinite, values)):
        raise Unreadable("expected a class index and numbers (cx cy w h), got {line}", line=repr(line[:80]))
    if config.names and index not in config.names:
        raise Unreadable(
            "class index {index} is not among the {count} names that are listed",
            index=index, count=len(config.names),
        )  # fmt: skip
    corners = _corners(values, is_track_id=fields[-1].isdigit(), pose_fields=config.pose_fields)
    if corners is None:
        raise Unreadable(
            "expected 4 numbers (cx cy w h) or a polygon after the class, got {line}", line=repr(line[:80])
        )
    if max(values[:4]) > 2:
        raise Unreadable("expected fractions from 0 to 1, got pixels: {line}", line=repr(line[:80]))
    return ForeignBox(config.names.get(index, str(index)), corners, f"line {number}")


def _corners(values: list[float], is_track_id: bool, pose_fields: int) -> Corners | None:
    if len(values) == 5 and not is_track_id:
        raise Unreadable(
            "a fifth number is a score: these are predictions, not labels; remove it if a person drew them"
        )
    if len(values) in (4, 5) or (pose_fields and len(values) == pose_fields):
        cx, cy, width, height = values[:4]
        return cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2
    if len(values) >= 6 and len(values) % 2 == 0:
        return enclosing(list(zip(values[::2], values[1::2], strict=True)))
    return None


def _yaml_files(tree: Tree) -> list[str]:
    """YAML files with class names, the shortest path first."""
    found = []
    for name in sorted(tree.files, key=lambda each: (each.count("/"), each)):
        if name.lower().endswith((".yaml", ".yml")):
            try:
                text = read_text(tree, name)
            except Unreadable:
                continue
            found += [name] if _YAML_NAMES.search(text) else []
    return found


def _read_config(tree: Tree, photos: PhotoIndex) -> _Config:
    for name in _yaml_files(tree)[:1]:
        return _read_yaml(tree, name, photos)
    for name in sorted(tree.files, key=lambda each: (each.count("/"), each)):
        if posixpath.basename(name) in _NAME_LISTS:
            try:
                lines = read_text(tree, name).splitlines()
            except Unreadable as error:
                raise ExchangeError("{file}: {reason}", file=name, reason=error) from error
            return _Config(dict(enumerate(line.strip() for line in lines if line.strip())))
    return _Config({})


def _read_yaml(tree: Tree, name: str, photos: PhotoIndex) -> _Config:
    try:
        content = yaml.safe_load(read_text(tree, name))
        listed = content["names"]
        pairs = listed.items() if isinstance(listed, dict) else enumerate(listed)
        names = {int(index): _plain_name(label) for index, label in pairs}
        points, values = content.get("kpt_shape") or (0, 0)
        pose_fields = 4 + int(points) * int(values) if points else 0
    except (
        yaml.YAMLError,
        Unreadable,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ExchangeError(
            "{file}: expected YAML with `names`, a list or `0: name` lines ({reason})",
            file=name,
            reason=error,
        ) from error
    return _Config(names, _scope(tree, name, content, photos), pose_fields)


def _plain_name(label: object) -> str:
    if isinstance(label, dict | list) or label is None:
        raise ValueError(f"a class name cannot be {type(label).__name__}")
    return str(label)


def _scope(tree: Tree, name: str, content: dict[str, object], photos: PhotoIndex) -> frozenset[str] | None:
    """Photos that the parts list; None when no part leads anywhere (paths of another machine)."""
    roots = [posixpath.dirname(name), posixpath.join(posixpath.dirname(name), str(content.get("path") or ""))]
    listed: set[str] = set()
    for key in _SPLIT_KEYS:
        entries = content.get(key)
        for entry in entries if isinstance(entries, list) else [entries]:
            if isinstance(entry, str):
                listed.update(_photos_of(tree, entry, roots, photos))
    return frozenset(listed) or None


def _photos_of(tree: Tree, entry: str, roots: list[str], photos: PhotoIndex) -> Iterator[str]:
    for root in roots:
        place = posixpath.normpath(posixpath.join(root, entry))
        while place.startswith("../"):  # Roboflow writes ../train/images and means ./train/images
            place = place[3:]
        if place in tree.files and place.endswith(".txt"):
            lines = (line.strip() for line in read_text(tree, place).splitlines())
            yield from filter(None, (photos.find(line, beside=place) for line in lines if line))
        under = "" if place == "." else f"{place}/"
        yield from (photo for photo in photos.photos if photo.startswith(under))


def write(export: Export, writer: Writer) -> None:
    """`images/<part>/<source>/`, `labels/...` and a `data.yaml` of all classes by their stable ids."""
    for photo in export.photos:
        inner = f"{photo.part}/{photo.record.source}/{photo.record.image.name}"
        writer.photo(photo, f"images/{inner}")
        rows = zip(photo.record.class_names, photo.record.boxes_cxcywh_norm, strict=True)
        # str of a float32 is the shortest text that reads back as the same float32
        lines = [" ".join([str(export.taxonomy[name].id), *map(str, box)]) for name, box in rows]
        writer.text(f"labels/{posixpath.splitext(inner)[0]}.txt", "".join(f"{line}\n" for line in lines))
    folders = [f"{part}: images/{part}" for part in export.parts]
    writer.text("data.yaml", "\n".join(["path: .", *folders, "names:", *_yaml_names(export.taxonomy), ""]))


def _yaml_names(taxonomy: Taxonomy) -> list[str]:
    """Every id from 0 on: trainers want no gaps, and leaving classes out would renumber the others."""
    by_id = {each.id: each.name for each in taxonomy.classes}
    return [f"  {index}: {by_id.get(index, f'unused_{index}')}" for index in range(max(by_id) + 1)]
