"""YOLO datasets in all the shapes that tools give them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from streetsight.datasets.formats.labels import ExchangeError, UsageError
from streetsight.datasets.formats.request import Refused

Make = Callable[..., Path]
Run = Callable[..., Any]

HALF = "0 0.5 0.5 0.5 0.5"
HALF_BOX = [0.25, 0.25, 0.75, 0.75]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


NAMES = "names: [garbage, pothole]\n"


@pytest.mark.parametrize(
    ("image", "label", "config"),
    [
        ("images/train/a.jpg", "labels/train/a.txt", f"path: .\ntrain: images/train\n{NAMES}"),
        ("train/images/a.jpg", "train/labels/a.txt", f"train: ../train/images\n{NAMES}"),  # Roboflow
        ("images/a.jpg", "labels/a.txt", f"path: /content/datasets/x\ntrain: images\n{NAMES}"),
        ("images/a.jpg", "labels/a.txt", "names:\n  0: garbage\n  1: pothole\n"),
        ("images/images/a.jpg", "images/labels/a.txt", NAMES),  # the last `images` counts
        ("data/a.jpg", "data/a.txt", NAMES),  # beside the photo
    ],
)
def test_layouts(tmp_path: Path, photo: Make, import_from: Run, image: str, label: str, config: str) -> None:
    root = tmp_path / "in"
    photo(root / image)
    write(root / label, f"{HALF}\n")
    write(root / "data.yaml", config)
    found = import_from(root)
    assert found.boxes("a.jpg") == [("garbage", HALF_BOX)]
    assert found.records["a.jpg"].labelled_classes == {"garbage", "pothole"}
    assert not found.problems


def test_a_list_of_photos_says_which_are_meant(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    for name in ("a", "b"):
        photo(root / f"images/{name}.jpg")
        write(root / f"labels/{name}.txt", HALF)
    write(root / "train.txt", "./images/a.jpg\n")
    write(root / "data.yaml", f"train: train.txt\n{NAMES}")
    assert set(import_from(root).records) == {"a.jpg"}


def test_cvats_own_yolo_with_track_ids(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "obj_train_data/a.jpg")
    write(root / "obj_train_data/a.txt", f"{HALF} 17\n")
    write(root / "obj.names", "garbage\npothole\n")
    assert import_from(root).boxes("a.jpg") == [("garbage", HALF_BOX)]


@pytest.mark.parametrize(
    "line",
    [
        "0 0.25 0.25 0.75 0.3 0.5 0.75",  # three points
        "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75",  # four: also an oriented box
    ],
)
def test_a_polygon_has_its_enclosing_box(tmp_path: Path, photo: Make, import_from: Run, line: str) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", line)
    write(root / "data.yaml", NAMES)
    assert import_from(root).boxes("a.jpg") == [("garbage", HALF_BOX)]


def test_key_points_are_left_aside(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", f"{HALF} 0.1 0.1 2 0.9 0.9 2\n")
    write(root / "data.yaml", f"kpt_shape: [2, 3]\n{NAMES}")
    assert import_from(root).boxes("a.jpg") == [("garbage", HALF_BOX)]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0 0.5 0.5 0.1", "expected 4 numbers (cx cy w h) or a polygon after the class"),
        ("0 0.5 0.5 0.1 0.1 0.93", "a fifth number is a score: these are predictions, not labels"),
        ("x 0.5 0.5 0.1 0.1", "expected a class index and numbers"),
        ("0 0.5 0.5 nan 0.1", "expected a class index and numbers"),
        ("0 0.5 0.5 1e999 0.1", "expected a class index and numbers"),
        ("-1 0.5 0.5 0.1 0.1", "expected a class index and numbers"),
        ("2 0.5 0.5 0.1 0.1", "class index 2 is not among the 2 names that are listed"),
        ("0 320 240 64 48", "expected fractions from 0 to 1, got pixels"),
        ("0 0.99 0.5 0.1 0.1", "the box reaches 4 pixels out of the picture"),
        ("0 0.5 0.5 0 0.1", "the box has no area"),
    ],
)
def test_a_bad_line_costs_its_photo_and_no_neighbour(
    tmp_path: Path, photo: Make, import_from: Run, line: str, complaint: str
) -> None:
    root = tmp_path / "in"
    for name in ("bad", "good"):
        photo(root / f"images/{name}.jpg")
    write(root / "labels/good.txt", HALF)
    write(root / "labels/bad.txt", f"{HALF}\n\n{line}\n")
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert set(found.records) == {"good.jpg"}
    [(file, place, said)] = found.problems
    assert (file, place) == ("labels/bad.txt", "line 3")
    assert said.startswith(complaint)
    listed = (found.folder / "import-problems.csv").read_text(encoding="utf-8-sig")
    assert "labels/bad.txt,line 3," in listed
    assert listed.rstrip().endswith("images/bad.jpg")


def test_every_bad_line_is_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    for name in ("bad", "good"):
        photo(root / f"images/{name}.jpg")
    write(root / "labels/good.txt", "")
    write(root / "labels/bad.txt", "nonsense\n0 1 2\n")
    write(root / "data.yaml", NAMES)
    assert [place for _, place, _ in import_from(root).problems] == ["line 1", "line 2"]


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ("0.496 0.5 1 0.5", [0, 0.25, 0.996, 0.75]),  # 0.4 px of 100
        ("0.5 0.51 0.5 1", [0.25, 0.01, 0.75, 1]),  # half a pixel of 50
    ],
)
def test_a_box_a_little_over_the_edge_is_cut(
    tmp_path: Path, photo: Make, import_from: Run, box: str, kept: list[float]
) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", f"0 {box}")
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert found.boxes("a.jpg") == [("garbage", kept)]
    assert (
        found.summary.notes["boxes reached over the edge by less than a pixel or 0.5 % and were cut there"]
        == 1
    )


def test_a_photo_without_label_file_is_not_empty_unless_we_are_told(
    tmp_path: Path, photo: Make, import_from: Run
) -> None:
    root = tmp_path / "in"
    for name in ("a", "b"):
        photo(root / f"images/{name}.jpg")
    write(root / "labels/a.txt", "")
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert set(found.records) == {"a.jpg"}
    [(file, _, said)] = found.problems
    assert file == "images/b.jpg"
    assert "--missing-labels-are-empty" in said
    told = import_from(root, missing_are_empty=True, replace=True)
    assert (set(told.records), told.problems, told.summary.empty) == ({"a.jpg", "b.jpg"}, [], 2)


def test_labels_without_a_photo_are_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    for name in ("a", "gone"):
        write(root / f"labels/{name}.txt", HALF)
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert set(found.records) == {"a.jpg"}
    assert [(file, said[:30]) for file, _, said in found.problems] == [
        ("labels/gone.txt", "labels without a photo of this")
    ]


def test_an_unreadable_photo_is_said(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    for name in ("a", "cut", "text"):
        photo(root / f"images/{name}.jpg", (400, 300))
        write(root / f"labels/{name}.txt", HALF)
    whole = (root / "images/cut.jpg").read_bytes()
    (root / "images/cut.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "images/text.jpg").write_text("not a picture")
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert set(found.records) == {"a.jpg"}
    assert {file for file, _, said in found.problems if said.startswith("not a whole JPEG")} == {
        "images/cut.jpg",
        "images/text.jpg",
    }


def test_unknown_classes_stop_the_import_with_counts_and_the_way_out(
    tmp_path: Path, photo: Make, import_from: Run
) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", "0 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n1 0.4 0.5 0.1 0.1\n")
    write(root / "data.yaml", "names: [garbage, big dog, unused]\n")
    with pytest.raises(Refused, match=r"big dog \(2\).*--classes \"big dog=-\"") as caught:
        import_from(root)
    assert "unused" not in str(caught.value)
    assert not (tmp_path / "dataset").exists()
    found = import_from(root, "big dog=-")
    assert found.boxes("a.jpg") == [("garbage", [0.45, 0.45, 0.55, 0.55])]
    assert found.summary.dropped == {"big dog": 2}


def test_strict_writes_nothing_at_the_first_doubt(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    for name in ("a", "b"):
        photo(root / f"images/{name}.jpg")
    write(root / "labels/a.txt", HALF)
    write(root / "data.yaml", NAMES)
    with pytest.raises(Refused, match="1 problems, and --strict was given: nothing was written"):
        import_from(root, strict=True)
    assert not (tmp_path / "dataset").exists()


def test_without_names_the_index_is_the_name(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", HALF)
    with pytest.raises(Refused, match=r"0 \(1\)"):
        import_from(root)
    assert import_from(root, "0=pothole").boxes("a.jpg") == [("pothole", HALF_BOX)]


@pytest.mark.parametrize(
    "text", ["names: 7\n", "names: [[a]]\n", "names: [a\n", "names: {x: a}\n", "names:\n"]
)
def test_a_broken_configuration_is_said(tmp_path: Path, photo: Make, import_from: Run, text: str) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", HALF)
    write(root / "data.yaml", text)
    with pytest.raises(ExchangeError, match=r"data\.yaml: expected YAML with `names`"):
        import_from(root)


def test_chinese_text_of_windows_is_read(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/街道 1.jpg")
    write(root / "labels/街道 1.txt", HALF)
    (root / "classes.txt").write_bytes("垃圾\r\n道路坑洞\r\n".encode("gbk"))
    assert import_from(root).boxes("街道 1.jpg") == [("garbage", HALF_BOX)]


def test_same_names_in_two_folders_do_not_collide(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    for image in ("north/1.jpg", "south/1.jpg", "south/1.png", "south/2.jpg"):
        photo(root / "images" / image)
        write(root / "labels" / Path(image).with_suffix(".txt"), HALF)
    write(root / "data.yaml", NAMES)
    found = import_from(root)
    assert set(found.records) == {"images_north_1.jpg", "images_south_1.jpg", "images_south_1-2.png", "2.jpg"}
    assert (
        found.summary.notes["photos were renamed, because two had one name: groups.csv has both names"] == 3
    )
    rows = (found.folder / "groups.csv").read_text().splitlines()
    assert rows[0] == "image,group,original"
    assert [row.split(",")[::2] for row in rows[1:2]] == [["images_north_1.jpg", "images/north/1.jpg"]]


def test_a_source_needs_a_name(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", HALF)
    write(root / "data.yaml", NAMES)
    with pytest.raises(UsageError, match="add --name"):
        import_from(root, name=None)
    for name in ("../up", ".hidden", "a/b", ""):
        with pytest.raises(UsageError, match="expected a plain folder name"):
            import_from(root, name=name)


def test_what_is_there_is_replaced_only_when_told(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    photo(root / "images/a.jpg")
    write(root / "labels/a.txt", HALF)
    write(root / "data.yaml", NAMES)
    import_from(root)
    write(root / "labels/a.txt", "")
    with pytest.raises(ExchangeError, match="is there already; choose another name, or add --replace"):
        import_from(root)
    assert len(import_from(root, replace=True).records["a.jpg"]) == 0
    assert [each.name for each in (tmp_path / "dataset").iterdir()] == ["sources"]


def test_hard_links_when_asked(tmp_path: Path, photo: Make, import_from: Run) -> None:
    root = tmp_path / "in"
    original = photo(root / "images/a.jpg")
    write(root / "labels/a.txt", HALF)
    write(root / "data.yaml", NAMES)
    assert import_from(root, link=True).records["a.jpg"].image.samefile(original)
    assert not import_from(root, replace=True).records["a.jpg"].image.samefile(original)
