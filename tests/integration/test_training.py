"""From photos to a release that detects, for real and small: rendered frames, one epoch, 64 pixels."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

from typer.testing import CliRunner
from ultralytics import YOLO

from streetsight.cli import app
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.datasets.versions import Version, freeze, store
from streetsight.inference.pipeline import detect_photos
from streetsight.inference.session import Detector
from streetsight.inference.sources import find_photos
from streetsight.models.card import PARITY_TOLERANCES, Head
from streetsight.models.promotion import lacks
from streetsight.models.releases import Release, load_release
from streetsight.models.trained_on import read_trained_on
from streetsight.training.export import MAX_BOX_DIFFERENCE_PX, MAX_SCORE_DIFFERENCE
from streetsight.training.progress import PROGRESS_NAME, RESUME_NAME, read_progress
from streetsight.training.recipe import Recipe
from streetsight.training.release import make_release
from streetsight.training.train import RunError, train

pytestmark = pytest.mark.training

RECIPE = Recipe(
    name="tiny", reason="a test", epochs=1, learning_rate=0.001, image_size=64, batch=8, close_mosaic=0
)


@pytest.fixture(scope="module")
def photos(
    render_dataset: Callable[[Path, int, tuple[int, int]], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A dataset of rendered frames, a group for each patrol."""
    return render_dataset(tmp_path_factory.mktemp("photos"), 4, (256, 144))


@pytest.fixture(scope="module")
def version(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The photos as `dataset build` freezes them."""
    manifest = freeze(split_by_group(read_sources(photos)), photos)
    return store(manifest, tmp_path_factory.mktemp("versions"))[0]


@pytest.fixture(scope="module")
def run(photos: Path, version: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    start = folder / "start.pt"
    YOLO("yolo26n.yaml").save(str(start))
    train(RECIPE, photos, start, start, folder / "run", version.folder)
    return folder / "run"


def test_a_run_describes_itself(run: Path, version: Version) -> None:
    description = json.loads((run / "run.json").read_text())
    assert description["recipe"]["name"] == "tiny"
    assert len(description["train_digest"]) == 64
    assert description["version_address"] == version.address
    assert set(description["versions"]) >= {"torch", "ultralytics"}


@pytest.mark.parametrize("head", ["one_to_many", "end_to_end"])
def test_a_release_comes_out_and_detects(
    run: Path, photos: Path, version: Version, tmp_path: Path, head: Head
) -> None:
    name = f"tiny-{head.replace('_', '-')}"
    folder = make_release(run, name, photos, head, 64, tmp_path, version=version.folder)
    release = load_release(folder)
    assert release.card.output.head == head
    assert release.card.parity is not None
    assert release.card.parity.max_score_difference <= MAX_SCORE_DIFFERENCE
    assert release.card.parity.max_box_difference_px <= MAX_BOX_DIFFERENCE_PX
    assert {each.part for each in release.card.evaluations} == {"val", "test"}
    assert lacks(release.card) == (), "promotion misses nothing"
    learned = read_trained_on(release)
    assert learned is not None
    assert release.card.training is not None
    assert 0 < len(learned.photos) <= release.card.training.train_photos
    assert release.card.training.version_address == version.address
    shown = CliRunner().invoke(app, ["models", "show", str(folder), "--lang", "en"])
    assert version.address in shown.output
    frames = find_photos([str(photos / "sources" / "rendered" / "images")])
    results = list(detect_photos(frames, Detector(release), 2))
    assert all(result.error is None for result in results)


def test_a_killed_run_goes_on_after_its_last_whole_epoch(photos: Path, run: Path, tmp_path: Path) -> None:
    start, folder = run.parent / "start.pt", tmp_path / "run"
    recipe = tmp_path / "short.toml"
    recipe.write_text(
        'reason = "a test"\nepochs = 3\nlearning_rate = 0.001\nimage_size = 64\nbatch = 8\n'
        'close_mosaic = 1\nheads = "one_to_many"\nbalance_share = 0.5\n[camera_faults]\nrain = 0.5\n'
    )
    command = [
        sys.executable, "-m", "streetsight", "train", "--weights", str(start), "--run", str(folder),
        "--photos", str(photos), "--recipe", str(recipe),
    ]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    checkpoint = folder / "weights" / RESUME_NAME
    while not checkpoint.is_file() and child.poll() is None:
        time.sleep(0.05)
    child.kill()
    child.wait()
    before = read_progress(folder / PROGRESS_NAME)
    assert checkpoint.is_file()

    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    after = read_progress(folder / PROGRESS_NAME)
    assert [row["epoch"] for row in after] == [1, 2, 3]
    assert after[: len(before)] == before[: len(after)]  # what was done is not done again
    assert (folder / "samples.jpg").is_file()
    assert (folder / "curves.png").is_file()


def test_a_run_folder_belongs_to_one_run(photos: Path, version: Version, run: Path) -> None:
    start = run.parent / "start.pt"
    with pytest.raises(RunError, match="another recipe"):
        train(replace(RECIPE, epochs=2), photos, start, start, run, version.folder)
    before = (run / "weights" / "last.pt").read_bytes()
    train(RECIPE, photos, start, start, run, version.folder)  # finished: nothing is done twice
    assert (run / "weights" / "last.pt").read_bytes() == before


def test_a_release_is_never_overwritten(run: Path, photos: Path, version: Version, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(FileExistsError, match="immutable"):
        make_release(run, "taken", photos, "one_to_many", 64, tmp_path, version=version.folder)


def test_a_run_is_exported_beside_what_it_learned_from(
    run: Path, photos: Path, version: Version, tmp_path: Path
) -> None:
    with pytest.raises(RunError, match=f"learned from the dataset version {version.address}; name its"):
        make_release(run, "other", photos, "one_to_many", 64, tmp_path / "out")
    described = json.loads((run / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**described, "version_address": None}))
    with pytest.raises(RunError, match="learned from the split of all sources; leave out --version"):
        make_release(tmp_path, "other", photos, "one_to_many", 64, tmp_path / "out", version=version.folder)
    with pytest.raises(RunError, match=r"run\.json: no such file; expected the folder of a training run"):
        make_release(tmp_path / "nowhere", "other", photos, "one_to_many", 64, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_int8_variant_is_a_release_of_its_own(photos: Path, release: Release, tmp_path: Path) -> None:
    """The shipped release, quantised on the command line with a few rendered frames."""
    make = [sys.executable, "-m", "streetsight", "quantise", "--photos", str(photos)]
    common = ["--output", str(tmp_path), "--calibration", "4", "--lang", "en"]
    subprocess.run([*make, release.card.name, "--name", "int8", *common], check=True, capture_output=True)
    variant = load_release(tmp_path / "int8")
    card = variant.card
    assert (card.precision, card.quantised_from) == ("int8", release.address)
    assert card.class_names == release.card.class_names
    assert card.parity is not None
    assert card.parity.max_score_difference <= PARITY_TOLERANCES["int8"].score
    assert {each.part for each in card.evaluations} == {"val", "test"}
    assert len(card.limits) == len(release.card.limits) + 1, "says where it runs"
    frames = find_photos([str(photos / "sources" / "rendered" / "images")])
    assert all(result.error is None for result in detect_photos(frames, Detector(variant), 2))
    again = subprocess.run(
        [*make, str(tmp_path / "int8"), "--name", "twice", *common],
        check=False,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 3
    assert "is INT8 already" in again.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["int8"], "nothing half-written"
