"""The command line as a user runs it: exit status, what goes where, in both languages, with nothing faked."""

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.inference.writers import FILE_NAMES, Format
from streetsight.models.card import write_card
from streetsight.models.releases import CARD_NAME, ONNX_NAME, Release

ODD_NAME = "<b>x&.jpg"
GOOD, ALL_READ, SOME_FAILED, USAGE, MODEL = "patrol/0001.jpg", 0, 1, 2, 3


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated frames of 320 x 180 pixels."""
    folder = tmp_path_factory.mktemp("rendered")
    for _ in simulate_patrol(folder, frames=3, camera=Camera((320, 180))):
        pass
    return folder / "frames"


@pytest.fixture
def workplace(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a user: `patrol` is good, `mixed` has an odd name and two bad photos."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(rendered, "patrol")
    mixed = Path("mixed")
    mixed.mkdir()
    whole = (rendered / "0001.jpg").read_bytes()
    (mixed / ODD_NAME).write_bytes(whole)
    (mixed / "街道.jpg").write_bytes(whole)
    (mixed / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (mixed / "text.jpg").write_text("no picture")
    return tmp_path


def streetsight(*arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STREETSIGHT_LANG": language, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-m", "streetsight", *arguments],
        capture_output=True, encoding="utf-8", env=environment, check=False, timeout=300,
    )  # fmt: skip


def rows(text: str) -> dict[str, dict[str, object]]:
    """JSON lines by image; fails on anything else between them."""
    found = [json.loads(line) for line in text.splitlines()]
    return {row["image"]: row for row in found}


@pytest.mark.usefixtures("workplace")
def test_a_good_folder() -> None:
    done = streetsight("detect", "patrol", "--quiet")
    assert (done.returncode, done.stderr) == (ALL_READ, "")
    found = rows(done.stdout)
    assert list(found) == ["patrol/0001.jpg", "patrol/0002.jpg", "patrol/0003.jpg"]
    first = found[GOOD]
    assert (first["outcome"], first["width"], first["height"]) == ("accepted", 320, 180)
    assert str(first["taken_at"]).startswith("2026-05-06T08:30:00")
    assert first["position"] is not None


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("language", "title", "reason"), [("en", "Photos", "truncated"), ("zh", "照片", "文件不完整")]
)
def test_bad_photos_are_counted_and_cost_nobody_else(language: str, title: str, reason: str) -> None:
    done = streetsight("detect", "mixed", language=language)
    assert done.returncode == SOME_FAILED
    found = rows(done.stdout)
    assert {Path(name).name: row["outcome"] for name, row in found.items()} == {
        ODD_NAME: "accepted", "街道.jpg": "accepted", "cut.jpg": "truncated", "text.jpg": "invalid_image",
    }  # fmt: skip
    assert "cut off" in str(found["mixed/cut.jpg"]["reason"])
    assert title in done.stderr, "the summary goes to standard error"
    assert reason in done.stderr


# Each message is asked for in one language; that all have a Chinese form is tested with the catalogue.
USAGE_ERRORS = [
    (["nowhere"], "en", "Error: nowhere: no such file or folder"),
    (["nowhere"], "zh", "错误: nowhere:没有这个文件或文件夹"),
    (["*.tiff"], "zh", "没有照片匹配此通配符"),
    (["empty"], "en", "no photos in this folder"),
    ([GOOD, "-f", "xml"], "en", "choose one of jsonl, coco, csv, geojson, labelstudio"),
    ([GOOD, "--annotated"], "zh", "输出图片或报告需要指定文件夹:请加 --output"),
    ([GOOD, "--report"], "en", "pictures and reports need a folder: add --output DIR"),
    ([GOOD, "--classes", "unicorn"], "zh", "没有类别或问题类型 unicorn"),
    ([GOOD, "-o", GOOD], "en", f"cannot write to {GOOD}"),
]


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(("arguments", "language", "message"), USAGE_ERRORS, ids=[e[2] for e in USAGE_ERRORS])
def test_what_cannot_be_done_is_said(arguments: list[str], language: str, message: str) -> None:
    Path("empty").mkdir()
    done = streetsight("detect", *arguments, language=language)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["detect"], "Missing argument"),
        (["detect", GOOD, "--min-score", "2"], "--min-score"),
        (["detect", GOOD, "--lang", "fr"], "language 'fr' is not available; choose zh-CN or en"),
        (["detekt", GOOD], "No such command"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str) -> None:
    done = streetsight(*arguments)
    assert (done.returncode, done.stdout) == (USAGE, "")
    assert says in done.stderr


def test_the_option_wins_over_the_locale() -> None:
    assert "没有这个文件或文件夹" in streetsight("detect", "nowhere", "--lang", "zh-CN", language="en").stderr


@pytest.fixture
def damaged(workplace: Path, release: Release) -> Path:
    """A release whose model is not the one its card describes."""
    folder = workplace / "damaged"
    folder.mkdir()
    write_card(release.card, folder / CARD_NAME)
    (folder / ONNX_NAME).write_bytes(release.onnx.read_bytes()[:-1])
    return folder


MODEL_ERRORS = [
    (["--release", "unknown-1"], "en", "no release named unknown-1"),
    (["--release", "damaged"], "en", "the file is damaged"),
    (["--release", "damaged"], "zh", "文件损坏"),
    (["--provider", "abacus"], "zh", "此处没有推理后端 abacus"),
]


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize(("arguments", "language", "message"), MODEL_ERRORS, ids=[e[2] for e in MODEL_ERRORS])
def test_a_release_that_cannot_run_has_its_own_exit_status(
    arguments: list[str], language: str, message: str
) -> None:
    done = streetsight("detect", GOOD, *arguments, language=language)
    assert (done.returncode, done.stdout) == (MODEL, "")
    assert message in done.stderr


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(("language", "says"), [("en", "leads, not confirmed"), ("zh", "须经人工核实")])
def test_everything_into_a_folder(language: str, says: str) -> None:
    # The folder's name looks like markup of the library that prints it.
    done = streetsight("detect", "mixed", "patrol", "-o", "out[/x]", "--annotated", "--report",
                       language=language)  # fmt: skip
    out = Path("out[/x]")
    assert (done.returncode, done.stdout) == (SOME_FAILED, "")
    assert "out[/x]" in done.stderr
    assert len(rows((out / "detections.jsonl").read_text(encoding="utf-8"))) == 7
    pictures = sorted(path.relative_to(out / "annotated").as_posix() for path in out.rglob("*.jpg"))
    assert pictures == [
        f"mixed/{ODD_NAME}", "mixed/街道.jpg", "patrol/0001.jpg", "patrol/0002.jpg", "patrol/0003.jpg",
    ]  # fmt: skip
    for picture in pictures:
        with Image.open(out / "annotated" / picture) as opened:
            assert opened.size == (320, 180)
    _check_report((out / "report.html").read_text(encoding="utf-8"), says)


def _check_report(page: str, says: str) -> None:
    assert says in page
    assert not re.search(r"https?://", page), "the report needs no network"
    assert not re.search(r"""(src|href)=["'](?!data:)""", page), "nothing beside the file"
    assert page.count('src="data:image/jpeg;base64,') == 5
    for name in [f"mixed/{ODD_NAME}", "mixed/街道.jpg", "mixed/cut.jpg", "mixed/text.jpg", "patrol/0003.jpg"]:
        assert html.escape(name) in page
    assert "<b>x" not in page


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize("form", FILE_NAMES)
def test_formats_in_files(form: Format) -> None:
    done = streetsight("detect", GOOD, "mixed/cut.jpg", "-o", "out", "-f", form, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (SOME_FAILED, "", "")
    assert [path.name for path in Path("out").iterdir()] == [FILE_NAMES[form]]
    data = (Path("out") / FILE_NAMES[form]).read_bytes()
    # The mark tells spreadsheets that a CSV is UTF-8; JSON must not have one.
    assert data.startswith(b"\xef\xbb\xbf") == (form == "csv")
    text = data.decode("utf-8-sig")
    assert GOOD in text
    assert "mixed/cut.jpg" in text
    if form == "csv":
        assert {row["image"] for row in csv.DictReader(text.splitlines())} == {GOOD, "mixed/cut.jpg"}
    elif form != "jsonl":
        json.loads(text)


@pytest.mark.usefixtures("workplace")
def test_archives_tiles_and_choices(release: Release) -> None:
    """A class by name, and a condition that stands for its classes."""
    with zipfile.ZipFile("photos.zip", "w") as archive:
        archive.write(GOOD, "day/0001.jpg")
    name = release.card.class_names[0]
    done = streetsight("detect", "photos.zip", "--tile", "--tile-size", "160", "--min-score", "0.001",
                       "--classes", f"{name}, broken_facility", "--provider", "onnx", "--quiet")  # fmt: skip
    assert (done.returncode, done.stderr) == (ALL_READ, "")
    (row,) = rows(done.stdout).values()
    assert row["image"] == "photos.zip/day/0001.jpg"
    assert isinstance(row["detections"], list)
    assert all(each["class"] == name or each["condition"] == "broken_facility" for each in row["detections"])


@pytest.mark.usefixtures("workplace")
def test_a_name_in_another_encoding_is_no_end() -> None:
    try:
        shutil.copy(GOOD.encode(), b"mixed/" + "路口.jpg".encode("gbk"))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    done = streetsight("detect", "mixed", "-o", "out", "--annotated", "--report", "--quiet")
    assert (done.returncode, done.stderr) == (SOME_FAILED, "")
    assert len(rows((Path("out") / "detections.jsonl").read_text(encoding="utf-8"))) == 5


def test_models_list(release: Release) -> None:
    done = streetsight("models", "list")
    assert (done.returncode, done.stderr) == (ALL_READ, "")
    (line,) = (line for line in done.stdout.splitlines() if release.card.address in line)
    assert "*" in line, "the release in force is marked"


def test_models_show(release: Release) -> None:
    as_json = streetsight("models", "show", "--json")
    assert json.loads(as_json.stdout) == json.loads(release.card.model_dump_json())
    done = streetsight("models", "show", release.card.name, language="zh")
    assert done.returncode == ALL_READ
    assert release.card.address in done.stdout
    assert "垃圾" in done.stdout


def test_models_show_of_an_unknown_release() -> None:
    done = streetsight("models", "show", "unknown-1")
    assert (done.returncode, done.stdout) == (MODEL, "")
    assert "no release named unknown-1" in done.stderr


@pytest.mark.usefixtures("workplace")
def test_sample_writes_a_patrol() -> None:
    done = streetsight("sample", "sim", "--frames", "1")
    assert (done.returncode, done.stderr) == (ALL_READ, "")
    assert sorted(path.name for path in Path("sim").iterdir()) == ["frames", "track.gpx", "truth.json"]
    with Image.open("sim/frames/0001.jpg") as frame:
        assert frame.size == (1280, 720)


def test_without_a_verb_there_is_help() -> None:
    done = streetsight()
    assert "detect" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "verb", [[], ["detect"], ["sample"], ["models"], ["models", "list"], ["models", "show"]]
)
def test_help(verb: list[str]) -> None:
    done = streetsight(*verb, "--help")
    assert (done.returncode, done.stderr) == (ALL_READ, "")
    assert "Usage" in done.stdout


@pytest.mark.training
@pytest.mark.parametrize("verb", ["train", "export", "evaluate"])
def test_help_of_the_training_verbs(verb: str) -> None:
    assert "Usage" in streetsight(verb, "--help").stdout


HEAVY = {"onnxruntime", "openvino", "torch", "ultralytics", "cv2", "numpy", "PIL", "jinja2"}


@pytest.mark.parametrize("verb", ["detect", pytest.param("evaluate", marks=pytest.mark.training)])
def test_help_does_not_load_what_it_does_not_need(verb: str) -> None:
    """`--help` answers at once because nothing heavy is imported."""
    script = (
        "import sys\nfrom streetsight.cli import app\n"
        f"try:\n    app(['{verb}', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, timeout=300
    )
    assert "Usage" in done.stdout
    assert set(done.stderr.split()) & HEAVY == set()
