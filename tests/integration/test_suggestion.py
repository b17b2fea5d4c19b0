"""`streetsight dataset suggest` as a user runs it, with the release in force on rendered frames."""

import csv
import json
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

pytest.importorskip("onnx", reason="needs the training extra")

from streetsight.cli import app
from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol

pytestmark = pytest.mark.training

FRAMES = 8


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated patrol of eight small frames, far apart."""
    folder = tmp_path_factory.mktemp("rendered")
    deque(simulate_patrol(folder, seed=3, frames=FRAMES, camera=Camera((320, 180)), step_m=15), maxlen=0)
    return folder


@pytest.fixture
def pool(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a user: `pool` holds the frames, a copy, a darker one, and three bad photos."""
    monkeypatch.chdir(tmp_path)
    folder = Path("pool")
    shutil.copytree(rendered / "frames", folder)
    shutil.copy(folder / "0001.jpg", folder / "x-copy.jpg")
    with Image.open(folder / "0002.jpg") as image:
        image.point([min(255, value + 12) for value in range(256)] * 3).save(
            folder / "x-brighter.jpg", quality=80
        )
    (folder / "=cut.jpg").write_bytes((folder / "0001.jpg").read_bytes()[:2000])
    (folder / "text.jpg").write_text("no picture")
    Image.new("RGB", (320, 180)).save(folder / "black.png")
    return folder


@pytest.fixture
def labelled(
    rendered: Path, write_source: Callable[[Path, Sequence[LabelRecord]], Path], tmp_path: Path
) -> Path:
    """A dataset of the first three frames with their true labels, each a place of its own."""
    records = [
        replace(record, group=f"place:{index}") for index, record in enumerate(read_patrol(rendered)[:3])
    ]
    return write_source(tmp_path / "labelled", records)


def suggest(*arguments: object, lang: str = "en") -> Result:
    command = ["dataset", "suggest", *map(str, arguments), "--lang", lang]
    return CliRunner().invoke(app, command, env={"COLUMNS": "200", "NO_COLOR": "1"})


def answer(*arguments: object, lang: str = "en") -> Any:
    result = suggest(*arguments, "--json", lang=lang)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_each_photo_is_suggested_or_left_out_with_a_reason(pool: Path) -> None:
    said = answer(pool, "-n", 100)
    reasons = {each["image"]: each["outcome"] for each in said["left_out"]}
    assert reasons == {
        "pool/=cut.jpg": "truncated",
        "pool/text.jpg": "invalid_image",
        "pool/black.png": "not_scorable",
        "pool/x-copy.jpg": "duplicate",
        "pool/x-brighter.jpg": "near_duplicate",
    }
    chosen = [each["image"] for each in said["suggestions"]]
    assert said["photos"] == FRAMES + 5
    assert sorted(chosen) == sorted(set(chosen)), "none twice"
    assert set(chosen) <= {f"pool/{number:04d}.jpg" for number in range(1, FRAMES + 1)}
    assert [each["rank"] for each in said["suggestions"]] == list(range(1, len(chosen) + 1))
    assert all(each["reason"] for each in said["suggestions"])


def test_the_same_photos_and_seed_give_the_same_list(pool: Path) -> None:
    assert answer(pool, "-n", 4, "--seed", 7) == answer(pool, "-n", 4, "--seed", 7)
    assert answer(pool, "-n", 4)["suggestions"] == answer(pool, "-n", 6)["suggestions"][:4]


def test_labelled_photos_are_counted_and_never_suggested(pool: Path, labelled: Path) -> None:
    said = answer(pool, "-n", 100, "--labelled", labelled)
    assert said["counted"] == "photos"
    assert max(said["known"].values()) <= 3
    reasons = {each["image"]: each["reason"] for each in said["left_out"]}
    for number in (1, 2, 3):
        assert reasons[f"pool/{number:04d}.jpg"].startswith("is labelled already: ")
    assert not {f"pool/{number:04d}.jpg" for number in (1, 2, 3)} & {e["image"] for e in said["suggestions"]}


def test_one_source_folder_is_labels_too(pool: Path, labelled: Path) -> None:
    whole = answer(pool, "--labelled", labelled)
    assert answer(pool, "--labelled", labelled / "sources" / "rendered")["known"] == whole["known"]


def test_a_list_opens_in_a_spreadsheet_without_running(pool: Path) -> None:
    (pool / "=1+1.jpg").write_bytes((pool / "0004.jpg").read_bytes())
    (pool / "0004.jpg").unlink()
    result = suggest(pool / "=1+1.jpg", "-n", 1, "--to", "lists/next.csv", lang="zh")
    assert result.exit_code == 0, result.output
    assert "结果已写入 lists/next.csv" in result.stdout
    with Path("lists/next.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["rank"] == "1"
    assert not row["image"].startswith("=")
    assert any("一" <= letter <= "鿿" for letter in row["reason"]), "the reason is in Chinese"
    assert [path.name for path in Path("lists").iterdir()] == ["next.csv"], "no draft is left"


def test_label_studio_gets_tasks_with_boxes_to_correct(pool: Path) -> None:
    assert suggest(pool, "-n", 5, "--to", "tasks.json").exit_code == 0
    tasks = json.loads(Path("tasks.json").read_text())
    said = answer(pool, "-n", 5)
    assert [task["data"]["image"] for task in tasks] == [each["image"] for each in said["suggestions"]]
    assert [task["data"]["reason"] for task in tasks] == [each["reason"] for each in said["suggestions"]]
    regions = [region for task in tasks for region in task["predictions"][0]["result"]]
    assert regions
    for region in regions:
        assert (region["from_name"], region["to_name"]) == ("label", "image")
        assert 0 <= region["value"]["x"] <= 100


def test_results_of_detect_are_a_list_of_photos(pool: Path) -> None:
    lines = [{"image": "pool/0005.jpg"}, {"image": "pool/gone.jpg"}, {"image": "pool/0005.jpg"}]
    Path("detections.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = answer("detections.jsonl")
    assert [each["image"] for each in said["suggestions"]] == ["pool/0005.jpg"]
    assert [(each["image"], each["outcome"]) for each in said["left_out"]] == [
        ("pool/gone.jpg", "unreadable")
    ]


def test_only_what_is_asked_for(pool: Path) -> None:
    said = answer(pool, "--classes", "street_vending,car")
    assert said["classes"] == ["street_vendor", "car"]
    assert {each["class"] for each in said["suggestions"]} <= {"street_vendor", "car", None}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["empty"], 2, "no photos in this folder"),
        (["nowhere"], 2, "no such file or folder"),
        (["pool", "--classes", "unicorn"], 2, "no class or condition unicorn"),
        (["pool", "--to", "list.xlsx"], 2, "end the name in .csv"),
        (["pool", "--labelled", "empty"], 2, "no source folders"),
        (["pool", "--release", "nothing"], 3, "no release named nothing"),
        (["pool", "--count", "0"], 2, "--count"),
        (["bad.jsonl"], 2, "bad.jsonl, line 2"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    pool: Path, arguments: list[str], status: int, says: str
) -> None:
    Path("empty").mkdir()
    Path("bad.jsonl").write_text('{"image": "pool/0001.jpg"}\nnot json\n')
    result = suggest(*arguments)
    assert result.exit_code == status
    assert says in " ".join(result.stderr.split())
    assert not list(Path().glob("*.csv"))
