"""From labelled photos to frozen versions and back, on the command line and as training reads them."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner, Result

from streetsight.cli import app
from streetsight.datasets.manifest import Manifest, canonical_boxes, decode
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import LeakError, Parts, split_by_group
from streetsight.datasets.version_diff import KINDS, diff_versions
from streetsight.datasets.versions import (
    VersionError,
    freeze,
    open_version,
    read_version,
    store,
    version_address,
)

CLASSES = ("garbage", "garbage_bin")
SAME, DIFFERENT, USAGE, DATA = 0, 1, 2, 3


def make_dataset(root: Path, photos: int = 12, source: str = "town", licence: str = "CC BY 4.0") -> Path:
    """A dataset of small noise pictures, three to a group, with one to three boxes each."""
    folder = root / "sources" / source
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(len(source))
    for number in range(photos):
        pixels = rng.integers(0, 256, (24, 32, 3)).astype(np.uint8)
        Image.fromarray(pixels).resize((64, 48)).save(folder / "images" / f"{number:02d}.jpg")
        lines = [
            f"{index % 2} 0.{index + 3}01234 0.5 0.25 0.{number + 10}" for index in range(1 + number % 3)
        ]
        (folder / "labels" / f"{number:02d}.txt").write_text("\n".join(lines))
    rows = [f"{number:02d}.jpg,{number // 3}" for number in range(photos)]
    (folder / "groups.csv").write_text("\n".join(["image,group", *rows]))
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    described = {"labelled_classes": CLASSES, "licence": licence, "upstream": "a drawer", "notes": "none"}
    (folder / "SOURCE.json").write_text(json.dumps(described))
    return root


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETSIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("STREETSIGHT_LANG", "en")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return make_dataset(tmp_path / "data")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["dataset", *map(str, arguments)])


def built(dataset: Path, versions: Path, *more: str | Path) -> Path:
    result = run("build", dataset, "--to", versions, "--json", *more)
    assert result.exit_code == 0, result.output
    return Path(json.loads(result.stdout)["folder"])


def frozen(dataset: Path) -> Manifest:
    return freeze(split_by_group(read_sources(dataset)), dataset)


def relabel(dataset: Path, name: str, text: str) -> None:
    (dataset / "sources" / "town" / "labels" / f"{name}.txt").write_text(text)


def content(parts: Parts) -> dict[str, list[Any]]:
    """What counts of a split, for comparison: boxes are a set, their order is none."""
    return {
        part: [
            (
                each.image,
                each.source,
                each.group,
                each.labelled_classes,
                canonical_boxes(each.class_names, each.boxes_cxcywh_norm),
            )
            for each in records
        ]
        for part, records in parts.items()
    }


def test_a_version_gives_back_what_was_frozen(dataset: Path, tmp_path: Path) -> None:
    folder = built(dataset, tmp_path / "versions")
    parts = read_version(folder, dataset)
    assert content(parts) == content(split_by_group(read_sources(dataset)))
    assert all(record.boxes_cxcywh_norm.dtype == np.float32 for kept in parts.values() for record in kept)
    assert version_address(folder) == version_address(folder / "manifest.jsonl") == folder.name
    assert version_address(folder.parent / folder.name[:8]) == folder.name
    assert sorted(path.name for path in folder.iterdir()) == ["about.json", "manifest.jsonl"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_address_depends_on_nothing_but_the_content(dataset: Path, tmp_path: Path) -> None:
    first = built(dataset, tmp_path / "versions", "--note", "the first")
    moved = Path(shutil.copytree(dataset, tmp_path / "elsewhere" / "photos"))
    for path in (moved / "sources" / "town" / "labels").glob("*.txt"):  # other lines, other line ends
        path.write_bytes("\r\n".join(reversed(path.read_text().splitlines())).encode())
    again = built(moved, tmp_path / "others")
    assert (again.name, (again / "manifest.jsonl").read_bytes()) == (
        first.name,
        (first / "manifest.jsonl").read_bytes(),
    )
    read_version(first, moved)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_order_of_records_and_boxes_does_not_matter(dataset: Path, data: st.DataObject) -> None:
    parts = split_by_group(read_sources(dataset))

    def mixed(record: LabelRecord) -> LabelRecord:
        order = data.draw(st.permutations(range(len(record))))
        names = tuple(record.class_names[index] for index in order)
        boxes = record.boxes_cxcywh_norm[list(order)]
        return replace(record, class_names=names, boxes_cxcywh_norm=boxes)

    shuffled = {
        part: [mixed(record) for record in data.draw(st.permutations(records))]
        for part, records in data.draw(st.permutations(list(parts.items())))
    }
    assert freeze(shuffled, dataset).encode() == freeze(parts, dataset).encode()


@given(
    numbers=st.lists(st.tuples(*[st.floats(0, 1, width=32)] * 4), max_size=4),
    decimals=st.integers(1, 9),
)
def test_boxes_keep_every_bit(numbers: list[tuple[float, ...]], decimals: int) -> None:
    for boxes in (
        np.array(numbers, np.float32).reshape(-1, 4),
        np.array(numbers).reshape(-1, 4).round(decimals).astype(np.float32),
    ):
        ours = canonical_boxes(["car"] * len(boxes), boxes)
        text = json.loads(json.dumps(ours))
        back = np.array([box[1:] for box in text], np.float32).reshape(-1, 4)
        assert sorted(map(tuple, back.tolist())) == sorted(map(tuple, boxes.tolist()))


def test_building_again_changes_nothing(dataset: Path, tmp_path: Path) -> None:
    folder = built(dataset, tmp_path / "versions", "--note", "the first")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    result = run("build", dataset, "--to", tmp_path / "versions", "--note", "another")
    assert result.exit_code == 0
    assert f"{folder.name} was there already; nothing was changed" in result.output
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert open_version(folder).note == "the first"


@pytest.mark.parametrize("place", [0, 500, -2])
def test_tampering_is_seen(dataset: Path, tmp_path: Path, place: int) -> None:
    folder = built(dataset, tmp_path / "versions")
    text = bytearray((folder / "manifest.jsonl").read_bytes())
    text[place] ^= 1
    (folder / "manifest.jsonl").write_bytes(text)
    for action in (
        lambda: version_address(folder),
        lambda: read_version(folder, dataset),
        lambda: store(frozen(dataset), tmp_path / "versions"),
    ):
        with pytest.raises(VersionError, match=r"the content has the address [0-9a-f]{64}; it was changed"):
            action()
    assert run("show", folder).exit_code == DATA


def test_photos_that_are_missing_or_changed_are_listed(dataset: Path, tmp_path: Path) -> None:
    folder = built(dataset, tmp_path / "versions")
    images = dataset / "sources" / "town" / "images"
    (images / "03.jpg").unlink()
    shutil.copyfile(images / "05.jpg", images / "04.jpg")
    with pytest.raises(VersionError) as caught:
        read_version(folder, dataset)
    first, second = caught.value.offenders
    assert first == "sources/town/images/03.jpg: No such file or directory"
    assert re.fullmatch(r"sources/town/images/04\.jpg: sha256 \w{12}, expected \w{12}", second)
    assert str(caught.value).startswith(f"2 photos below {dataset} are not those of the version:\n  {first}")


def test_a_lying_cache_is_found_out_by_verifying(dataset: Path, tmp_path: Path) -> None:
    folder = built(dataset, tmp_path / "versions")
    image = dataset / "sources" / "town" / "images" / "04.jpg"
    expected = next(p.sha256 for p in open_version(folder).manifest.photos if p.file.endswith("04.jpg"))
    image.write_bytes(image.read_bytes() + b"more")
    status = image.stat()
    state = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    with PhotoCache(tmp_path / "lies") as cache:
        cache.keep_digests([(str(image.parent), image.name, state, expected)])
        read_version(folder, dataset, cache=cache)
        with pytest.raises(VersionError, match="1 photos below"):
            read_version(folder, dataset, verify=True, cache=cache)


def test_a_split_that_leaks_is_not_built(dataset: Path, tmp_path: Path) -> None:
    assert run("split", dataset, "--to", tmp_path / "split.csv").exit_code == 0
    rows = (tmp_path / "split.csv").read_text().splitlines()
    assert rows[0] == "source,image,group,part"
    other = "test" if rows[1].endswith("train") else "train"
    rows[1] = rows[1].rsplit(",", 1)[0] + f",{other}"
    (tmp_path / "split.csv").write_text("\n".join(rows))
    for result in (
        run("split", dataset, "--from", tmp_path / "split.csv"),
        run("build", dataset, "--to", tmp_path / "versions", "--split", tmp_path / "split.csv"),
    ):
        assert result.exit_code == DATA
        assert "1 groups straddle parts: town:0" in result.output
        assert f"town:0 ({other}: 00.jpg)" in result.output
        assert re.search(r"town:0 \(\w+: 01.jpg, 02.jpg\)", result.output)
    assert not (tmp_path / "versions").exists()


def test_a_split_that_is_given_is_kept(dataset: Path, tmp_path: Path) -> None:
    lines = [f"{number:02d},{'learn' if number < 6 else 'judge'}" for number in range(12)]
    (tmp_path / "split.csv").write_text("\n".join(["image,part", *lines]))
    parts = read_version(built(dataset, tmp_path / "versions", "--split", tmp_path / "split.csv"), dataset)
    assert {part: len(records) for part, records in parts.items()} == {"judge": 6, "learn": 6}


def test_one_photo_in_two_parts_is_refused(dataset: Path) -> None:
    records = read_sources(dataset)
    images = dataset / "sources" / "town" / "images"
    shutil.copyfile(images / "00.jpg", images / "09.jpg")  # of another group
    parts = {"train": records[:6], "test": records[6:]}
    with pytest.raises(
        VersionError, match=r"1 photos are in more than one part:\n  .*00\.jpg \(train\) = .*09"
    ):
        freeze(parts, dataset)


def test_one_photo_with_two_truths_is_refused(dataset: Path) -> None:
    images = dataset / "sources" / "town" / "images"
    shutil.copyfile(images / "00.jpg", images / "01.jpg")
    with pytest.raises(
        VersionError, match=r"1 photos are there more than once with different labels:\n  .*00"
    ):
        freeze({"train": read_sources(dataset)}, dataset)
    relabel(dataset, "00", "1 0.5 0.5 0.1 0.1")
    relabel(dataset, "01", "1 0.5 0.5 0.1 0.1")
    assert len(freeze({"train": read_sources(dataset)}, dataset).photos) == 12


def test_one_photo_that_two_sources_label_for_different_things_is_welcome(dataset: Path) -> None:
    record, *_ = read_sources(dataset)
    make_dataset(dataset, 1, "signs")
    image = dataset / "sources" / "signs" / "images" / "00.jpg"
    shutil.copyfile(record.image, image)
    other = LabelRecord(image, "signs", record.group, frozenset({"sign"}), (), np.empty((0, 4), np.float32))
    assert len(freeze({"train": [record, other]}, dataset).photos) == 2


def test_a_photo_that_cannot_be_read_or_lies_elsewhere_is_refused(dataset: Path, tmp_path: Path) -> None:
    parts = {"train": read_sources(dataset)}
    with pytest.raises(VersionError, match="lies outside the dataset folder"):
        freeze(parts, tmp_path / "other")
    parts["train"][0].image.unlink()
    with pytest.raises(VersionError, match=r"1 photos cannot be read:\n  .*00\.jpg: No such file"):
        freeze(parts, dataset)


def test_a_leak_is_refused_by_the_programming_interface_too(dataset: Path) -> None:
    records = read_sources(dataset)
    with pytest.raises(LeakError, match="straddle parts: town:0"):
        freeze({"train": records[:1], "test": records[1:]}, dataset)


def test_nothing_half_written_is_left(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(draft: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("streetsight.datasets.versions.place_folder", full)
    result = run("build", dataset, "--to", tmp_path / "versions")
    assert result.exit_code == DATA
    assert "cannot be written (No space left on device)" in result.output
    assert list((tmp_path / "versions").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{}\n", "expected a manifest of the format"),
        (b'{"format": "else/9"}\n', "expected the format streetsight-dataset-version/1, got else/9"),
        (b"\xff\n", "codec can't decode"),
        (b"", "not enough values"),
        (
            b'{"format":"streetsight-dataset-version/1","taxonomy":"1","parts":[],"origins":{}}\n{"x":1}\n',
            "expected a man",
        ),
    ],
)
def test_what_is_no_manifest_is_said(content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode(content)


def test_a_shortened_address_must_name_one_version(dataset: Path, tmp_path: Path) -> None:
    built(dataset, tmp_path)
    with pytest.raises(VersionError, match="not a dataset version"):
        open_version(tmp_path / "versions" / "xyz")
    other = tmp_path / "many"
    for number in range(17):
        relabel(dataset, "00", f"0 0.5 0.5 0.5 0.{number + 10}")
        built(dataset, other)
    first = min(
        path.name[0]
        for path in other.iterdir()
        if sum(o.name[0] == path.name[0] for o in other.iterdir()) > 1
    )
    with pytest.raises(VersionError, match="more than one version begins like this"):
        open_version(other / first)


def test_what_changed_is_said_photo_by_photo(dataset: Path, tmp_path: Path) -> None:
    before = built(dataset, tmp_path / "versions")
    make_dataset(dataset, 3, "village")
    town = dataset / "sources" / "town"
    relabel(dataset, "00", "0 0.5 0.5 0.25 0.25")
    for path in (town / "images" / "11.jpg", town / "labels" / "11.txt"):
        path.unlink()
    after = built(dataset, tmp_path / "versions", "--seed", "3")

    result = run("diff", before, after)
    assert result.exit_code == DIFFERENT
    assert "photos added: 3\n  sources/village/images/00.jpg: - -> " in result.output
    assert "photos removed: 1\n  sources/town/images/11.jpg" in result.output
    assert (
        "photos relabelled: 1\n  sources/town/images/00.jpg: garbage 0.301234 0.5 0.25 0.1; no"
        in result.output
    )
    changes = json.loads(run("diff", before, after, "--json").stdout)
    assert [each["file"] for each in changes["removed"]] == ["sources/town/images/11.jpg"]
    assert changes["boxes"]["garbage"] == [16, 18]
    assert run("diff", before, before).exit_code == SAME
    assert run("diff", before, before).output == "no difference\n"
    assert run("diff", before, tmp_path / "nowhere").exit_code == DATA


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_difference_reads_backwards_as_forwards(dataset: Path, data: st.DataObject) -> None:
    def some(photos: list[Any]) -> Any:
        chosen = data.draw(st.lists(st.sampled_from(photos), unique_by=lambda photo: photo.file))
        return tuple(
            replace(
                photo,
                part=data.draw(st.sampled_from(["train", "test"])),
                boxes=data.draw(st.sampled_from([photo.boxes, ()])),
                group=data.draw(st.sampled_from([photo.group, "other"])),
            )
            for photo in chosen
        )

    whole = frozen(dataset)
    a, b = (replace(whole, photos=some(list(whole.photos))) for _ in range(2))
    forth, back = diff_versions(a, b), diff_versions(b, a)
    assert {change.file for change in forth.added} == {change.file for change in back.removed}
    for kind in KINDS[2:]:
        turned = [replace(each, before=each.after, after=each.before) for each in getattr(back, kind)]
        assert list(getattr(forth, kind)) == turned
    assert forth.boxes == {name: pair[::-1] for name, pair in back.boxes.items()}
    assert bool(forth) == bool(back) == (a.encode() != b.encode())
    assert not diff_versions(a, a)


def test_a_renamed_file_is_the_same_photo(dataset: Path) -> None:
    before = frozen(dataset)
    town = dataset / "sources" / "town"
    (town / "images" / "00.jpg").rename(town / "images" / "zero.jpg")
    (town / "labels" / "00.txt").rename(town / "labels" / "zero.txt")
    (town / "groups.csv").write_text((town / "groups.csv").read_text().replace("00.jpg", "zero.jpg"))
    changes = diff_versions(before, frozen(dataset))
    assert [(each.before[-6:], each.after[-8:]) for each in changes.renamed] == [("00.jpg", "zero.jpg")]
    assert not changes.added + changes.removed + changes.relabelled


def test_show_counts_photos_boxes_and_licences(dataset: Path, tmp_path: Path) -> None:
    make_dataset(dataset, 3, "village", licence="")
    folder = built(dataset, tmp_path / "versions", "--note", "spring")
    row = json.loads(run("show", folder, "--json").stdout)
    assert (row["address"], row["note"], row["photos"], row["groups"]) == (folder.name, "spring", 15, 5)
    assert row["licences"] == {"CC BY 4.0": 12, "unstated": 3}
    assert row["sources"]["village"] == {"photos": 3, "origin": {"upstream": "a drawer"}}
    assert sum(each["photos"] for each in row["parts"].values()) == 15
    assert sum(each["boxes"].get("garbage", 0) for each in row["parts"].values()) == 20
    text = run("show", folder, "--lang", "zh").output
    assert folder.name in text
    assert "照片" in text
    assert "许可" in text


def test_photos_without_groups_are_grouped_by_what_they_show(dataset: Path, tmp_path: Path) -> None:
    town = dataset / "sources" / "town"
    (town / "groups.csv").unlink()
    picture = Image.open(town / "images" / "00.jpg")
    for number in range(1, 7):
        picture.save(town / "images" / f"{number:02d}.jpg", quality=60 + 5 * number)
    manifest = open_version(built(dataset, tmp_path / "versions")).manifest
    group_of = {photo.file[-6:-4]: photo.group for photo in manifest.photos}
    assert len({group_of[f"{number:02d}"] for number in range(7)}) == 1
    assert len(set(group_of.values())) == 6


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["split", "nowhere"], DATA, "no source folders"),
        (["split", "data", "--fractions", "1,1"], USAGE, "expected three numbers from 0 to 1"),
        (["split", "data", "--fractions", "a,b,c"], USAGE, "expected three numbers from 0 to 1"),
        (["split", "data", "--fractions", "0.5,0.1,0.1"], USAGE, "fractions must sum to 1"),
        (["split", "data", "--from", "no.csv"], USAGE, "cannot be read as UTF-8 text"),
        (["split", "data", "--from", "x", "--fractions", "1,0,0"], USAGE, "either given or made"),
        (["split", "data", "--lang", "fr"], USAGE, "language 'fr' is not available"),
        (["show", "data"], DATA, "not a dataset version"),
        (["build", "data"], USAGE, "Missing option"),
    ],
)
def test_wrong_requests_are_told(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], status: int, complaint: str
) -> None:
    monkeypatch.chdir(dataset.parent)
    result = run(*arguments)
    assert (result.exit_code, complaint in result.output) == (status, True), result.output


def test_the_installed_command_speaks_chinese(dataset: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "LC_ALL": "zh_CN.UTF-8", "STREETSIGHT_LANG": "zh", "PYTHONUTF8": "1"}
    answer = subprocess.run(
        [sys.executable, "-m", "streetsight", "dataset", "show", str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == DATA
    assert "不是数据集版本" in answer.stderr


@pytest.mark.photos
def test_the_real_photos_freeze_and_come_back(photos_root: Path, tmp_path: Path) -> None:
    parts = split_by_group(read_sources(photos_root))
    version, new = store(freeze(parts, photos_root), tmp_path)
    assert new
    assert content(read_version(version.folder, photos_root)) == content(parts)
