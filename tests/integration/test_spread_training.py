"""A run over two real Ray workers: as good as one process, and none the worse for a worker that is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytest.importorskip("torch", reason="needs the training extra")
pytest.importorskip("ray", reason="needs the cluster extra")

import streetsight.training.quiet  # noqa: F401

import torch
from ultralytics import YOLO

from streetsight.training.progress import PROGRESS_NAME, RESUME_NAME, read_progress

pytestmark = pytest.mark.training

RECIPE = """
reason = "a test"
epochs = 4
learning_rate = 0.001
image_size = 64
batch = 8
nominal_batch = 8
close_mosaic = 0
heads = "one_to_many"
"""


@pytest.fixture(scope="module")
def photos(
    render_dataset: Callable[[Path, int, tuple[int, int]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return render_dataset(tmp_path_factory.mktemp("photos"), 4, (256, 144))


def command(photos: Path, folder: Path, *more: str) -> list[str]:
    start, recipe = folder / "start.pt", folder / "short.toml"
    if not start.is_file():
        YOLO("yolo26n.yaml").save(str(start))
        recipe.write_text(RECIPE)
    return [
        sys.executable, "-m", "streetsight", "train", "--weights", str(start), "--run",
        str(folder / "run"), "--photos", str(photos), "--recipe", str(recipe), *more,
    ]  # fmt: skip


def learning(child: "subprocess.Popen[bytes]", run: Path) -> list[psutil.Process]:
    """The workers of a run, once an epoch is safe."""
    while not (run / "weights" / RESUME_NAME).is_file() and child.poll() is None:
        time.sleep(0.05)
    family = psutil.Process(child.pid).children(recursive=True)
    return [each for each in family if "TrainWorker" in "".join(each.cmdline())]


def test_two_workers_learn_together_and_one_may_be_lost(photos: Path, tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            command(photos, tmp_path, "--workers", "2"), stdout=output, stderr=subprocess.STDOUT
        )
        found = learning(child, run)
        assert len(found) == 2, log.read_text()[-3000:]
        before = read_progress(run / PROGRESS_NAME)
        found[1].kill()
        assert child.wait(400) == 0, log.read_text()[-3000:]
    after = read_progress(run / PROGRESS_NAME)
    assert [row["epoch"] for row in after] == [1, 2, 3, 4]
    assert after[: len(before)] == before  # what was done is not done again
    described = json.loads((run / "run.json").read_text())
    trained = torch.load(run / "weights" / "last.pt", map_location="cpu", weights_only=False)["ema"]
    assert list(trained.names.values()) == described["classes"]
    assert all(value.isfinite().all() for value in trained.state_dict().values())


def test_a_cluster_that_is_not_there_is_named(photos: Path, tmp_path: Path) -> None:
    asked = command(photos, tmp_path, "--workers", "2", "--ray", "127.0.0.1:1")
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "127.0.0.1:1" in answer.stderr
