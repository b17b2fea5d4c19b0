"""Every kind of problem is found where it is, said with file and line, and nothing else is found."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from streetsight.cli import app
from streetsight.datasets.quality.check import Check, check_dataset
from streetsight.datasets.quality.problems import KINDS
from streetsight.models.language import chinese

CLASSES = ("garbage", "garbage_bin", "pothole")
BOX = "0 0.5 0.5 0.2 0.2"


class Dataset:
    """A dataset that a test builds photo by photo; each photo shows another scene and is its own group."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.groups: dict[str, dict[str, str]] = {}

    def add(
        self,
        name: str,
        labels: str | None = BOX,
        group: str | None = None,
        like: int | None = None,
        source: str = "town",
        size_wh: tuple[int, int] = (320, 240),
    ) -> Path:
        folder = self.root / "sources" / source
        if not folder.exists():
            for part in ("images", "labels"):
                (folder / part).mkdir(parents=True)
            (folder / "classes.txt").write_text("\n".join(CLASSES))
            (folder / "SOURCE.json").write_text(json.dumps({"labelled_classes": CLASSES[:1]}))
            self.groups[source] = {}
        path = folder / "images" / f"{name}.jpg"
        seed = sum(map(len, self.groups.values())) if like is None else like
        scene(1000 + seed).resize(size_wh).save(path, quality=90)
        if labels is not None:
            (folder / "labels" / f"{name}.txt").write_text(labels)
            used = {
                CLASSES[int(line.split()[0])] for line in labels.splitlines() if line.strip()[:1].isdigit()
            }
            described = json.loads((folder / "SOURCE.json").read_text())
            described["labelled_classes"] = sorted({*described["labelled_classes"], *used})
            (folder / "SOURCE.json").write_text(json.dumps(described))
        self.groups[source][name] = f"place-of-{name}" if group is None else group
        rows = [f"{each},{place}" for each, place in self.groups[source].items()]
        (folder / "groups.csv").write_text("\n".join(["image,group", *rows]))
        return path

    def usual(self, count: int = 60) -> None:
        """Enough ordinary photos for a class to have a usual look."""
        rng = np.random.default_rng(3)
        for number in range(count):
            sides = rng.uniform(0.15, 0.25, 2).round(4)
            centre = rng.uniform(0.3, 0.7, 2).round(4)
            self.add(f"usual{number}", f"0 {centre[0]} {centre[1]} {sides[0]} {sides[1]}")

    def check(self, split: Path | None = None) -> Check:
        return check_dataset(self.root, split)

    def found(self, *ignored: str) -> list[tuple[str, str, int | None]]:
        """Kind, file name and line of each problem; few boxes are no surprise in a test."""
        return [
            (each.kind, each.file.name, each.line)
            for each in self.check().problems
            if each.kind not in ("class_rare", *ignored)
        ]


def scene(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.standard_normal((side, side)), (320, 240), interpolation=cv2.INTER_CUBIC) / side**0.5
        for side in (4, 8, 16, 64)
    ]
    total = np.sum(layers, axis=0)
    return Image.fromarray(np.clip(128 + 60 * total / total.std(), 0, 255).astype(np.uint8)).convert("RGB")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data")


def test_good_photos_have_no_problems(dataset: Dataset) -> None:
    dataset.usual()
    check = dataset.check()
    assert check.problems == ()
    assert (len(check.records), check.errors, check.warnings, check.counts) == (60, 0, 0, {})


@pytest.mark.parametrize(
    ("labels", "kind", "line", "message"),
    [
        (
            f"{BOX}\n\n0 0.95 0.5 0.2 0.2",
            "box_outside",
            3,
            "garbage reaches 5.0% of the picture's side beyond",
        ),
        (f"{BOX}\n0 0.3 0.3 0 0.2", "box_empty", 2, "garbage without area"),
        (f"{BOX}\n0 0.3 0.3 0.01 0.2", "box_tiny", 2, "garbage of 3.2 x 48.0 pixels"),
        (f"{BOX}\n0 0.5 0.5 0.2 0.201", "box_repeated", 2, "garbage is drawn twice"),
        (f"{BOX}\n1 0.5 0.5 0.2 0.2", "box_two_classes", 2, "one box is garbage_bin, the same is garbage"),
        (f"{BOX}\n0 0.5 0.5 2 0.2", "label_unreadable", 2, "expected a class index below 3 and four"),
        ("garbage", "label_unreadable", 1, "expected a class index below 3"),
    ],
)
def test_a_bad_box_is_said_with_file_and_line(
    dataset: Dataset, labels: str, kind: str, line: int, message: str
) -> None:
    dataset.add("a", labels)
    dataset.add("b")
    (problem,) = (each for each in dataset.check().problems if each.kind != "class_rare")
    assert (problem.kind, problem.file.name, problem.line) == (kind, "a.txt", line)
    assert message in str(problem)


@pytest.mark.parametrize(
    "labels",
    [
        "0 0.9 0.5 0.2 0.2",  # at the edge
        "0 0.903 0.5 0.2 0.2",  # rounded
        "0 0.5 0.5 1 1",
        f"{BOX}\n0 0.51 0.5 0.2 0.2",  # IoU 0.90
        "",
    ],
)
def test_a_box_in_order_is_not_complained_about(dataset: Dataset, labels: str) -> None:
    dataset.add("a", labels)
    dataset.add("b")
    assert dataset.found() == []


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("0 0.5 0.5 0.02 0.02", r"garbage covers 0\.04% of the picture, usually [34]\.\d\d%"),
        ("0 0.5 0.5 0.8 0.05", r"garbage is 16 times as wide as high, usually [01]"),
        ("0 0.5 0.92 0.15 0.15", r"garbage lies at 92% of the picture's height, usually at [45]\d%"),
    ],
)
def test_a_box_unlike_its_class_is_pointed_out(dataset: Dataset, labels: str, message: str) -> None:
    rng = np.random.default_rng(1)
    for number in range(60):
        dataset.add(f"usual{number}", f"0 {rng.uniform(0.2, 0.8):.3f} {rng.normal(0.5, 0.02):.3f} 0.2 0.2")
    dataset.add("odd", labels)
    (problem,) = dataset.check().problems
    assert (problem.kind, problem.file.name, problem.line) == ("box_unusual", "odd.txt", 1)
    assert re.search(message, str(problem))


def test_a_crowded_photo_is_pointed_out(dataset: Dataset) -> None:
    dataset.usual()
    dataset.add("crowd", "\n".join(f"0 0.{10 + 3 * n} 0.{30 + n % 9} 0.2 0.18" for n in range(25)))
    (problem,) = dataset.check().problems
    assert (problem.kind, problem.file.name) == ("photo_crowded", "crowd.jpg")
    assert str(problem) == "25 boxes of garbage, usually 1"


def test_rare_and_absent_classes_are_said(dataset: Dataset) -> None:
    dataset.usual(31)
    dataset.add("a", "2 0.5 0.5 0.1 0.1", source="village")
    problems = {each.kind: each for each in dataset.check().problems}
    assert str(problems["class_rare"]).startswith("pothole has 1 boxes in all; below 30")
    assert problems["class_absent"].file.parent.name == "village"
    assert str(problems["class_absent"]).startswith("looked for garbage in 1 photos and found none")


def odd_photo(path: Path, what: str) -> None:
    if what == "cut":
        path.write_bytes(path.read_bytes()[:3000])
    elif what == "text":
        path.write_text("no photo")
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "small":
        scene(1).resize((150, 200)).save(path)
    elif what == "narrow":
        scene(1).resize((800, 200)).save(path)
    else:
        Image.new("RGB", (320, 240), (90, 90, 92)).save(path)


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("cut", "photo_unreadable"),
        ("text", "photo_unreadable"),
        ("empty", "photo_unreadable"),
        ("small", "photo_small"),
        ("narrow", "photo_narrow"),
        ("flat", "photo_flat"),
    ],
)
def test_an_odd_photo_is_said_and_costs_no_other(dataset: Dataset, what: str, kind: str) -> None:
    odd_photo(dataset.add("odd"), what)
    dataset.add("bad", "0 0.5 0.5 0 0")
    assert sorted(dataset.found()) == sorted([("box_empty", "bad.txt", 1), (kind, "odd.jpg", None)])


def test_labels_and_photos_that_miss_each_other_are_said(dataset: Dataset) -> None:
    dataset.add("a")
    dataset.add("without labels", None)
    dataset.add("b").unlink()
    assert dataset.found() == [
        ("label_unreadable", "without labels.txt", None),
        ("photo_missing", "b.txt", None),
    ]


def test_photos_without_a_group_are_counted(dataset: Dataset) -> None:
    for name in "abc":
        dataset.add(name, group="" if name != "a" else None)
    (problem,) = (each for each in dataset.check().problems if each.kind == "group_missing")
    assert str(problem).startswith("2 of 3 photos have no group")
    assert [path.stem for path in problem.photos] == ["b", "c"]


def same_file(dataset: Dataset) -> None:
    shutil.copyfile(dataset.add("a"), dataset.add("b"))


def same_file_same_group(dataset: Dataset) -> None:
    shutil.copyfile(dataset.add("a", group="square"), dataset.add("b", group="square"))


def same_file_other_labels(dataset: Dataset) -> None:
    shutil.copyfile(dataset.add("a", group="square"), dataset.add("b", "0 0.1 0.1 0.1 0.1", group="square"))


def same_picture(dataset: Dataset) -> None:
    dataset.add("a", like=1)
    dataset.add("b", like=1, size_wh=(640, 480))


def same_picture_other_classes(dataset: Dataset) -> None:
    dataset.add("a", BOX, "square", like=1)
    dataset.add("b", "1 0.5 0.5 0.2 0.2", "square", like=1, size_wh=(640, 480))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (same_file, [("duplicate_apart", "a.jpg", None)]),
        (same_file_same_group, [("duplicate", "a.jpg", None)]),
        (same_file_other_labels, [("duplicate_contradicts", "a.jpg", None), ("duplicate", "a.jpg", None)]),
        (same_picture, [("near_duplicate_apart", "a.jpg", None)]),
        (
            same_picture_other_classes,
            [("near_duplicate_contradicts", "a.jpg", None), ("near_duplicate_contradicts", "b.jpg", None)],
        ),
    ],
)
def test_duplicates_are_told_apart(
    dataset: Dataset, make: Callable[[Dataset], None], found: list[tuple[str, str, None]]
) -> None:
    make(dataset)
    dataset.add("c")
    assert dataset.found() == found


def test_leaks_between_given_parts_are_errors(dataset: Dataset, tmp_path: Path) -> None:
    same_picture(dataset)
    shutil.copyfile(dataset.add("c"), dataset.add("d"))
    split = tmp_path / "split.csv"
    split.write_text("image,part\na,train\nb,test\nc,train\nd,test\n")
    assert [(each.kind, str(each)) for each in dataset.check(split).problems if each.severity == "error"] == [
        ("duplicate_apart", "is the same file as town/d.jpg, but they are in test, train"),
        ("near_duplicate_leaks", "shows the same as town/b.jpg, but they are in test, train"),
    ]
    dataset.add("e", group="square")
    dataset.add("f", group="square")
    split.write_text("image,part\na,train\nb,train\nc,train\nd,train\ne,train\nf,test\n")
    (problem,) = (each for each in dataset.check(split).problems if each.kind == "parts_leak")
    assert str(problem) == "group square is in train, test"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["dataset", "check", *map(str, arguments)])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("STREETSIGHT_LANG", "en")


def test_the_command_says_what_it_found_and_fails_on_errors(dataset: Dataset) -> None:
    dataset.add("a", "0 0.5 0.5 0.001 0.1")
    warned = run(dataset.root)
    assert warned.exit_code == 0, warned.output
    assert "Tiny boxes: 1\n" in warned.output
    assert warned.output.endswith("1 photos looked at: 0 errors, 2 warnings\n")
    dataset.add("b", "0 0.5 0.5 0 0.1")
    failed = run(dataset.root)
    assert failed.exit_code == 1
    label = dataset.root / "sources" / "town" / "labels" / "b.txt"
    assert f"Boxes without area: 1\n  {label}, line 1: garbage without area\n" in failed.output
    answer = json.loads(run(dataset.root, "--json", "--lang", "zh").stdout)
    assert (answer["photos"], answer["errors"], answer["warnings"]) == (2, 1, 2)
    assert answer["problems"][0]["message"] == "garbage 没有面积"
    assert (answer["problems"][0]["file"], answer["problems"][0]["line"]) == (str(label), 1)
    assert run(dataset.root.parent).exit_code == 3
    assert run(dataset.root, "--split", "no.csv").exit_code == 2


@pytest.mark.parametrize(("language", "title"), [("en", "Boxes outside the picture"), ("zh", "超出画面的框")])
def test_the_contact_sheet_needs_nothing_but_itself(
    dataset: Dataset, tmp_path: Path, language: str, title: str
) -> None:
    dataset.add("a", "0 0.95 0.5 0.2 0.2")
    odd_photo(dataset.add("<b>&"), "text")
    sheet = tmp_path / "out" / "sheet.html"
    assert run(dataset.root, "--report", sheet, "--lang", language).exit_code == 1
    text = sheet.read_text(encoding="utf-8")
    assert title in text
    assert "town/images/&lt;b&gt;&amp;.jpg" in text
    assert (
        len(re.findall(r'src="data:image/jpeg;base64,[\w+/=]{1000,}"', text)) == 2 + 1
    )  # twice, and a sample
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []


def test_every_kind_has_its_chinese() -> None:
    catalogue = chinese()
    assert [kind.title for kind in KINDS.values() if kind.title not in catalogue] == []


@pytest.mark.photos
def test_the_real_photos_have_no_errors(photos_root: Path) -> None:
    check = check_dataset(photos_root)
    assert check.errors == 0
    pairs = [each for each in check.problems if each.kind == "near_duplicate_apart"]
    assert {frozenset(path.stem for path in each.photos) for each in pairs} == {
        frozenset({"6a7e28f74049", "fed81327da78"}),  # two stretches of one road in one light
        frozenset({"db4287a092f3", "d760f873abdc"}),  # one photo in two sources
        frozenset({"214411c5fc71", "c0b55ca8cd29"}),  # one camera, seconds apart
    }
