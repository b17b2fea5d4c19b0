"""What is exported comes back the same, and readers that are not ours see the same boxes."""

import errno
import json
import os
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.datasets.classes import read_class_map
from streetsight.datasets.formats import drafting
from streetsight.datasets.formats.exporting import export_labels
from streetsight.datasets.formats.importing import import_labels
from streetsight.datasets.formats.labels import FORMATS, ExchangeError, FormatName
from streetsight.datasets.formats.request import ImportRequest
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_source, read_sources, scan_sources
from streetsight.models.taxonomy import default_taxonomy

TAXONOMY = default_taxonomy()
CLASSES = ("garbage", "pothole", "street_vendor", "sign")
SIZE_WH = (120, 90)
PARTS = ("train", "val", "test")

Rows = list[tuple[str, tuple[float, float, float, float]]]


# --- building datasets --------------------------------------------------------------------------------


def write_source(
    root: Path, source: str, photos: dict[str, Rows], groups: dict[str, str] | None = None
) -> None:
    """A source folder with one rendered photo per entry; rows are class and cxcywh."""
    folder = root / "sources" / source
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for index, (name, rows) in enumerate(photos.items()):
        colour = (index * 37 % 256, index * 11 % 256, len(source))
        Image.new("RGB", SIZE_WH, colour).save(folder / "images" / name)
        lines = [" ".join([str(CLASSES.index(cls)), *map(repr, box)]) + "\n" for cls, box in rows]
        (folder / "labels" / f"{Path(name).stem}.txt").write_text("".join(lines), encoding="utf-8")
    (folder / "classes.txt").write_text("".join(f"{each}\n" for each in CLASSES), encoding="utf-8")
    cells = "".join(f'"{name}",{(groups or {}).get(name, index)}\n' for index, name in enumerate(photos))
    (folder / "groups.csv").write_text(f"image,group\n{cells}", encoding="utf-8")
    about = {"labelled_classes": [*CLASSES], "license": "CC BY 4.0", "notes": "街道"}
    (folder / "SOURCE.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def small(root: Path) -> list[LabelRecord]:
    """Two sources that share a file name."""
    half = (0.5, 0.5, 0.5, 0.5)
    write_source(
        root,
        "town",
        {
            "街道 1.jpg": [("garbage", half), ("sign", (0.125, 0.5, 0.25, 1.0))],
            "empty.png": [],
            "tiny.webp": [("pothole", (0.3333, 0.7777, 0.001, 0.002))],
        },
    )
    write_source(root, "village", {"empty.png": [("street_vendor", half)]}, {"empty.png": "0f3a9c"})
    return read_sources(root)


def parted(records: list[LabelRecord]) -> dict[str, list[LabelRecord]]:
    return {part: records[index::3] for index, part in enumerate(PARTS)}


def comparable(records: list[LabelRecord]) -> list[tuple[object, ...]]:
    return [
        (
            each.source, each.image.name, each.group, each.labelled_classes, each.class_names,
            each.boxes_cxcywh_norm.tolist(), each.image.read_bytes(),
        )
        for each in sorted(records, key=lambda each: (each.source, each.image.name))
    ]  # fmt: skip


def import_back(path: Path, dataset: Path, **fields: Any) -> list[LabelRecord]:
    request = ImportRequest(path=path, dataset=dataset, classes=read_class_map([], TAXONOMY), **fields)
    summary = import_labels(request)
    assert summary.problems == []
    return read_sources(dataset)


def corners_px(record: LabelRecord) -> NDArray[np.float64]:
    boxes = record.boxes_cxcywh_norm.astype(float)
    half = boxes[:, 2:] / 2
    corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
    pixels: NDArray[np.float64] = corners * np.tile(SIZE_WH, 2)
    return pixels


# --- round trips --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("target", ["out", "out.zip"])
def test_what_is_exported_comes_back_the_same(tmp_path: Path, form: FormatName, target: str) -> None:
    records = small(tmp_path / "data")
    summary = export_labels(parted(records), tmp_path / target, form, TAXONOMY)
    assert (sum(summary.photos.values()), summary.boxes) == (4, 4)
    again = import_back(tmp_path / target, tmp_path / "again")
    assert comparable(again) == comparable(records)
    about = json.loads((tmp_path / "again/sources/town/SOURCE.json").read_text(encoding="utf-8"))
    assert (about["license"], about["notes"], about["images"]) == ("CC BY 4.0", "街道", 3)


@pytest.mark.parametrize("form", FORMATS)
def test_folder_and_archive_hold_the_same_and_are_the_same_each_time(
    tmp_path: Path, form: FormatName
) -> None:
    parts = parted(small(tmp_path / "data"))
    for target in ("out", "one.zip", "two.zip"):
        export_labels(parts, tmp_path / target, form, TAXONOMY)
    files = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def fraction(low: float = 0.0) -> st.SearchStrategy[float]:
    return st.floats(low, 1.0, width=32, allow_subnormal=False)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Inside the picture, of any size down to a millionth, often at an edge."""
    sides: list[float] = []
    for _ in range(2):
        length = float(np.float32(draw(st.one_of(fraction(2**-20), st.sampled_from((1.0, 0.5, 2**-20))))))
        start = draw(st.one_of(st.sampled_from((0.0, 1.0)), st.floats(0, 1))) * (1 - length)
        sides += [float(np.float32(start + length / 2)), length]
    return sides[0], sides[2], sides[1], sides[3]


stems = st.text(
    st.one_of(
        st.characters(categories=("Lu", "Ll", "Nd", "Lo"), max_codepoint=0x9FFF),
        st.sampled_from(" _-.'&#%+,;=()[]{}$!@~^`"),
    ),
    min_size=1,
    max_size=12,
).filter(lambda stem: not stem.startswith("."))
photo_names = st.builds(
    lambda stem, suffix: stem + suffix, stems, st.sampled_from((".jpg", ".png", ".JPEG", ".webp"))
)
collections = st.dictionaries(
    photo_names, st.lists(st.tuples(st.sampled_from(CLASSES), boxes()), max_size=4), min_size=1, max_size=4
).filter(lambda photos: len({Path(name).stem for name in photos}) == len(photos))


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    photos=collections,
    zipped=st.booleans(),
    groups=st.lists(st.sampled_from(("", "7", "0f3a9c", "town:1", "place 12")), min_size=4, max_size=4),
)
def test_any_dataset_comes_back_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    form: FormatName,
    photos: dict[str, Rows],
    zipped: bool,
    groups: list[str],
) -> None:
    root = tmp_path_factory.mktemp("trip")
    write_source(root / "data", "town", photos, dict(zip(photos, groups, strict=False)))
    records = list(scan_sources(root / "data").records)
    assert len(records) == len(photos)
    target = root / ("out.zip" if zipped else "out")
    export_labels({"train": records}, target, form, TAXONOMY)
    request = ImportRequest(path=target, dataset=root / "again", classes=read_class_map([], TAXONOMY))
    assert import_labels(request).problems == []
    assert comparable(list(scan_sources(root / "again").records)) == comparable(records)


@pytest.mark.parametrize("form", FORMATS)
def test_without_its_sidecar_an_export_is_still_a_dataset(tmp_path: Path, form: FormatName) -> None:
    records = [each for each in small(tmp_path / "data") if each.source == "town"]
    export_labels({"train": records}, tmp_path / "out", form, TAXONOMY)
    (tmp_path / "out/streetsight.json").unlink()
    import_back(tmp_path / "out", tmp_path / "again", name="copy", group_by="folder")
    again = {each.image.name: each for each in read_source(tmp_path / "again/sources/copy")}
    tolerance = 0.51 if form == "voc" else 1e-4
    for record in records:
        assert again[record.image.name].class_names == record.class_names
        difference = corners_px(again[record.image.name]) - corners_px(record)
        if record.image.name != "tiny.webp":  # a tenth of a pixel, which whole pixels make one
            assert np.all(np.abs(difference) < tolerance)


def test_labels_that_were_edited_since_count(tmp_path: Path) -> None:
    records = small(tmp_path / "data")
    export_labels({"train": records}, tmp_path / "out", "voc", TAXONOMY)
    path = tmp_path / "out/Annotations/town/街道 1.xml"
    text = path.read_text(encoding="utf-8")
    assert "<xmin>31</xmin>" in text  # left edge at 30
    path.write_text(text.replace("<xmin>31</xmin>", "<xmin>25</xmin>"), encoding="utf-8")
    edited = next(each for each in import_back(tmp_path / "out", tmp_path / "again") if len(each) == 2)
    assert corners_px(edited)[0].round(3).tolist() == [24, 22, 90, 68]  # whole pixels, as the file says


def test_one_source_may_take_another_name(tmp_path: Path) -> None:
    records = [each for each in small(tmp_path / "data") if each.source == "town"]
    export_labels({"train": records}, tmp_path / "out.zip", "coco", TAXONOMY)
    again = import_back(tmp_path / "out.zip", tmp_path / "again", name="harbour")
    assert {(each.source, each.group.split(":")[0]) for each in again} == {("harbour", "harbour")}


def test_chosen_classes_keep_their_ids(tmp_path: Path) -> None:
    records = small(tmp_path / "data")
    export_labels({"train": records}, tmp_path / "out", "yolo", TAXONOMY, classes=frozenset({"sign"}))
    labels = (tmp_path / "out/labels/train/town/街道 1.txt").read_text(encoding="utf-8")
    assert labels == f"{TAXONOMY['sign'].id} 0.125 0.5 0.25 1.0\n"
    again = import_back(tmp_path / "out", tmp_path / "again")
    assert {each.labelled_classes for each in again} == {frozenset({"sign"})}


# --- readers that are not ours ------------------------------------------------------------------------


def supervision_boxes(dataset: Any) -> dict[str, list[tuple[str, NDArray[np.float64]]]]:
    found = {}
    for path, _, detections in dataset:
        names = [dataset.classes[index] for index in detections.class_id]
        found[Path(path).name] = list(zip(names, detections.xyxy.astype(float), strict=True))
    return found


def read_by_supervision(
    root: Path, form: str, source: str
) -> dict[str, list[tuple[str, NDArray[np.float64]]]]:
    import supervision as sv

    if form == "yolo":
        dataset = sv.DetectionDataset.from_yolo(
            images_directory_path=str(root / "images/train" / source),
            annotations_directory_path=str(root / "labels/train" / source),
            data_yaml_path=str(root / "data.yaml"),
        )
    elif form == "coco":
        dataset = sv.DetectionDataset.from_coco(
            images_directory_path=str(root / "images"),
            annotations_path=str(root / "annotations/instances_train.json"),
        )
    else:
        dataset = sv.DetectionDataset.from_pascal_voc(
            images_directory_path=str(root / "JPEGImages" / source),
            annotations_directory_path=str(root / "Annotations" / source),
        )
    return supervision_boxes(dataset)


@pytest.mark.parametrize(("form", "tolerance_px"), [("yolo", 1e-3), ("coco", 1e-3), ("voc", 0.51)])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_supervision_sees_the_same_boxes(
    tmp_path_factory: pytest.TempPathFactory, form: FormatName, tolerance_px: float, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("supervision")
    photos = data.draw(collections)
    write_source(root / "data", "town", photos)
    records = read_sources(root / "data")
    export_labels({"train": records}, root / "out", form, TAXONOMY)
    seen = read_by_supervision(root / "out", form, "town")
    for record in records:
        names, expected = record.class_names, corners_px(record)
        found = seen[record.image.name]
        assert [name for name, _ in found] == list(names)
        for (_, box), wanted in zip(found, expected, strict=True):
            wide = np.all(wanted[2:] - wanted[:2] >= 1)  # VOC cannot be narrower than a pixel
            assert np.all(np.abs(box - wanted) <= (tolerance_px if wide else max(tolerance_px, 1.01)))


def test_supervisions_own_exports_are_read(tmp_path: Path) -> None:
    """The other way round: what an independent writer makes, we read."""
    import supervision as sv

    records = [each for each in small(tmp_path / "data") if each.source == "town"]
    paths = [str(each.image) for each in records]
    detections = {
        str(each.image): sv.Detections(
            xyxy=corners_px(each).astype(np.float32).reshape(-1, 4),
            class_id=np.array([CLASSES.index(name) for name in each.class_names], dtype=int),
        )
        for each in records
    }
    dataset = sv.DetectionDataset(classes=[*CLASSES], images=paths, annotations=detections)
    out = tmp_path / "out"
    dataset.as_yolo(str(out / "yolo/images"), str(out / "yolo/labels"), str(out / "yolo/data.yaml"))
    dataset.as_coco(str(out / "coco/images"), str(out / "coco/annotations.json"))
    dataset.as_pascal_voc(str(out / "voc/JPEGImages"), str(out / "voc/Annotations"))
    for form, tolerance_px in (("yolo", 0.01), ("coco", 0.01), ("voc", 0.51)):
        import_back(out / form, tmp_path / "again", name=form, group_by="folder")
        again = {each.image.name: each for each in read_source(tmp_path / "again/sources" / form)}
        for record in records:
            assert again[record.image.name].class_names == record.class_names
            if record.image.name != "tiny.webp":
                assert np.all(
                    np.abs(corners_px(again[record.image.name]) - corners_px(record)) < tolerance_px
                )


# --- trouble ------------------------------------------------------------------------------------------


def no_room(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disc_leaves_nothing_of_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_labels({"train": small(tmp_path / "data")}, tmp_path / "out.zip", "yolo", TAXONOMY)
    monkeypatch.setattr(drafting, "put_photo", no_room)
    with pytest.raises(ExchangeError, match=r"no room left in .*again: nothing was kept; free some space"):
        import_back(tmp_path / "out.zip", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("target", ["out", "out.zip", "deep/er/out.zip"])
def test_a_full_disc_leaves_nothing_of_an_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    records = small(tmp_path / "data")
    monkeypatch.setattr(shutil, "copyfile", no_room)
    monkeypatch.setattr(shutil, "copyfileobj", no_room)
    with pytest.raises(ExchangeError, match="no room left in"):
        export_labels({"train": records}, tmp_path / target, "yolo", TAXONOMY)
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_a_fault_while_placing_leaves_the_old_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_labels({"train": small(tmp_path / "data")}, tmp_path / "out.zip", "yolo", TAXONOMY)
    before = comparable(import_back(tmp_path / "out.zip", tmp_path / "again"))
    rename, calls = os.rename, []

    def failing(old: Path, new: Path) -> None:
        calls.append(new)
        if len(calls) == 4:  # town is in place, village's old folder is away
            raise OSError(errno.EIO, "Input/output error")
        rename(old, new)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(ExchangeError, match=r"cannot write to .*Input/output error"):
        import_back(tmp_path / "out.zip", tmp_path / "again", replace=True)
    assert comparable(read_sources(tmp_path / "again")) == before
    assert [each.name for each in (tmp_path / "again").iterdir()] == ["sources"]


@pytest.mark.parametrize("fault", ["gone", "cut"])
def test_an_export_without_a_photo_fails_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    records = small(tmp_path / "data")
    if fault == "gone":
        records[1].image.unlink()
    else:
        records[1].image.write_bytes(records[1].image.read_bytes()[:-20])
    with pytest.raises(ExchangeError, match=r"the photo cannot be read .* complete or not at all"):
        export_labels({"train": records}, tmp_path / "out.zip", "coco", TAXONOMY)
    assert [each.name for each in tmp_path.iterdir()] == ["data"]


def test_photos_lost_or_changed_since_the_export_are_said(tmp_path: Path) -> None:
    export_labels({"train": small(tmp_path / "data")}, tmp_path / "out", "coco", TAXONOMY)
    (tmp_path / "out/images/town/empty.png").unlink()
    Image.new("RGB", SIZE_WH).save(tmp_path / "out/images/town/tiny.webp")
    Image.new("RGB", SIZE_WH).save(tmp_path / "out/images/town/new.png")
    request = ImportRequest(tmp_path / "out", tmp_path / "again", read_class_map([], TAXONOMY))
    said = {problem.file: str(problem) for _, problem in import_labels(request).problems}
    assert "is in streetsight.json, and not here" in said["images/town/empty.png"]
    assert "is not the photo that was exported" in said["images/town/tiny.webp"]
    assert "no labels for this photo" in said["images/town/new.png"]


# --- the command line ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["dataset", *arguments, "--lang", "en"])


def test_the_verbs(tmp_path: Path) -> None:
    data, out = str(tmp_path / "data"), str(tmp_path / "out.zip")
    small(tmp_path / "data")
    done = run("export", data, "--format", "coco", "--to", out, "--sources", "town")
    assert done.exit_code == 0, done.output
    assert "3 photos (" in done.output
    assert f"with 3 boxes are in {out}" in done.output
    done = run("import", out, "--to", str(tmp_path / "again"))
    assert done.exit_code == 0, done.output
    assert "town (read as coco)" in done.output
    assert "garbage: 1" in done.output
    done = run("import", out, "--to", str(tmp_path / "again"), "--replace", "--json")
    assert json.loads(done.stdout)["boxes"] == {"garbage": 1, "sign": 1, "pothole": 1}
    done = run("import", out, "--to", str(tmp_path / "again"))
    assert (done.exit_code, "is there already" in done.output) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (("import", "{out}", "--to", "x", "--format", "tfrecord"), 2, "format tfrecord is not available"),
        (("import", "{out}", "--to", "x", "--classes", "a=unicorn"), 2, "no class unicorn in the taxonomy"),
        (("import", "{out}", "--to", "x", "--labelled", "unicorn"), 2, "no class unicorn in the taxonomy"),
        (("import", "{out}", "--to", "x", "--orientation", "left"), 2, "choose auto, upright or stored"),
        (("import", "{out}", "--to", "x", "--name", "one"), 2, "holds the sources town, village"),
        (("import", "nowhere.zip", "--to", "x", "--name", "a"), 3, "no such file or folder"),
        (("export", "{data}", "--format", "coco", "--to", "{out}"), 3, "is there already"),
        (
            ("export", "{data}", "--format", "coco", "--to", "y", "--sources", "city"),
            2,
            "no source city here; there are town, vil",
        ),
        (
            ("export", "{data}", "--format", "coco", "--to", "y", "--part", "holdout"),
            2,
            "no part holdout here",
        ),
        (("export", "{data}", "--format", "coco", "--to", "y", "--classes", "bus"), 2, "nothing to export"),
        (("export", "nowhere", "--format", "coco", "--to", "y"), 3, "no source folders"),
        (
            ("export", "{data}", "--format", "coco", "--to", "y", "--split", "no.csv"),
            3,
            "cannot be read as UTF-8 text",
        ),
    ],
)
def test_wrong_use_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], status: int, complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    export_labels({"train": small(tmp_path / "data")}, tmp_path / "out.zip", "coco", TAXONOMY)
    done = run(*(each.format(out=tmp_path / "out.zip", data=tmp_path / "data") for each in arguments))
    assert done.exit_code == status, done.output
    assert complaint in " ".join(done.output.split())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "out.zip"]


def test_problems_are_listed_and_give_status_1(tmp_path: Path) -> None:
    (tmp_path / "in/images").mkdir(parents=True)
    (tmp_path / "in/labels").mkdir()
    for name in ("a", "b"):
        Image.new("RGB", SIZE_WH).save(tmp_path / f"in/images/{name}.jpg")
    (tmp_path / "in/labels/a.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (tmp_path / "in/labels/b.txt").write_text("0 0.5 0.5\n")
    (tmp_path / "in/data.yaml").write_text("names: [rubbish]\n")
    done = run("import", str(tmp_path / "in"), "--to", str(tmp_path / "d"), "--name", "n")
    assert done.exit_code == 3
    assert '--classes "rubbish=-"' in done.output
    rule = ("--classes", "rubbish=garbage")
    done = run("import", str(tmp_path / "in"), "--to", str(tmp_path / "d"), "--name", "n", *rule)
    assert done.exit_code == 1
    assert "1 problems; 1 photos were left out:" in done.output
    assert "labels/b.txt, line 1: expected 4 numbers" in done.output
    assert "1 photos come without a licence" in done.output
    chinese = CliRunner().invoke(
        app,
        [
            "dataset",
            "import",
            str(tmp_path / "in"),
            "--to",
            str(tmp_path / "e"),
            "--name",
            "n",
            *rule,
            "--lang",
            "zh",
        ],
    )
    assert "类别之后应为 4 个数字" in chinese.output


# --- real photos --------------------------------------------------------------------------------------


def reaches_over(record: LabelRecord) -> bool:
    corners = corners_px(record) / np.tile(SIZE_WH, 2)
    return bool(np.any((corners < -1e-3) | (corners > 1.001)))


@pytest.mark.photos
@pytest.mark.parametrize("form", FORMATS)
def test_real_photos_come_back_the_same(tmp_path: Path, photos_root: Path, form: FormatName) -> None:
    """Sources whose boxes were rounded to few decimals; some reach a little over the edge."""
    sources = [photos_root / "sources" / name for name in ("kr_manholes", "au_signs")]
    records = [record for source in sources for record in read_source(source)]
    records += [each for each in read_source(photos_root / "sources/phone_potholes") if reaches_over(each)]
    export_labels({"train": records}, tmp_path / "out.zip", form, TAXONOMY)
    again = import_back(tmp_path / "out.zip", tmp_path / "again")
    assert Counter(name for each in again for name in each.class_names) == Counter(
        name for each in records for name in each.class_names
    )
    assert comparable(again) == comparable(records)
    assert sum(map(len, again)) > 103
