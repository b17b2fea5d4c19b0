"""The format is found out, or the message says what was looked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streetsight.datasets.formats.detection import detect
from streetsight.datasets.formats.labels import ExchangeError
from streetsight.datasets.formats.trees import open_tree

FILES = {
    "yolo": {"data.yaml": "nc: 1\nnames: [a]\n"},
    "coco": {"x.json": '{"info": {}, "images": [], "annotations": []}'},
    "voc": {"Annotations/a.xml": "<annotation verified='yes'><folder/></annotation>"},
    "cvat": {"annotations.xml": '<?xml version="1.0"?>\n<annotations>\n<version>1.1</version></annotations>'},
    "labelstudio": {"project.json": ' [{"id": 1, "annotations": [], "data": {}}]'},
}


def detected(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with open_tree(root) as tree:
        return detect(tree)


@pytest.mark.parametrize("form", FILES)
def test_each_is_known_by_its_files(tmp_path: Path, form: str) -> None:
    beside = {"notes.json": '{"categories": []}', "README.txt": "images: [ ]", "train.yaml": "lr: 0.1"}
    assert detected(tmp_path, {**FILES[form], **beside}) == form


@pytest.mark.parametrize("name", ["classes.txt", "obj.names", "labels/train/a.txt"])
def test_yolo_without_yaml(tmp_path: Path, name: str) -> None:
    assert detected(tmp_path, {name: "a"}) == "yolo"


def test_two_formats_are_a_question(tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"yolo: data\.yaml; coco: x\.json\); choose one with --format"):
        detected(tmp_path, FILES["yolo"] | FILES["coco"])


def test_none_is_said_with_what_was_looked_for(tmp_path: Path, photo: Callable[..., Path]) -> None:
    photo(tmp_path / "a.jpg")
    with pytest.raises(
        ExchangeError, match=r"no labels found among 1 files\. Looked for: yolo \(data\.yaml.*labelstudio"
    ):
        detected(tmp_path, {})
