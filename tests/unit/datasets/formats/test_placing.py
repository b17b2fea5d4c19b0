"""Killed while placing, for real: the next command finds the old state or the new one, and no litter."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from streetsight.datasets.formats.placing import PREFIX, clear_abandoned, drafts, place

TWO = """
import os, signal, sys
from pathlib import Path
from streetsight.datasets.formats import placing
parent, at = Path(sys.argv[1]), int(sys.argv[2])
rename, calls = os.rename, 0
def dying(old, new):
    global calls
    calls += 1
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(old, new)
os.rename = dying
with placing.drafts(parent) as draft:
    pairs = []
    for name in ("town", "village"):
        (draft / name).mkdir()
        (draft / name / "new.txt").write_text(name)
        pairs.append((draft / name, parent / "sources" / name))
    placing.place(pairs, draft)
    os.kill(os.getpid(), signal.SIGKILL)
"""
IMPORT = """
import sys, time
from streetsight.cli import app
from streetsight.datasets.formats import drafting
def never_ending(*arguments):
    print("busy", flush=True)
    time.sleep(600)
drafting.put_photo = never_ending
app(sys.argv[1:])
"""
OLD = {"town/old.txt", "village/old.txt"}
NEW = {"town/new.txt", "village/new.txt"}


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def left(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.name.startswith(PREFIX)]


@pytest.mark.parametrize("replaced", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 99])
def test_killed_at_any_rename_all_is_old_or_all_is_new(tmp_path: Path, at: int, replaced: bool) -> None:
    if replaced:
        for name in ("town", "village"):
            (tmp_path / "sources" / name).mkdir(parents=True)
            (tmp_path / "sources" / name / "old.txt").write_text(name)
    done = subprocess.run([sys.executable, "-c", TWO, str(tmp_path), str(at)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(left(tmp_path)) == 1
    assert clear_abandoned(tmp_path) == 1
    assert left(tmp_path) == []
    renames = 4 if replaced else 2
    assert files(tmp_path / "sources") == (NEW if at > renames else OLD if replaced else set())
    assert clear_abandoned(tmp_path) == 0


def test_a_draft_in_use_and_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".draft-of-a-letter").mkdir()
    with drafts(tmp_path) as draft:
        (draft / "new").write_text("x")
        assert clear_abandoned(tmp_path) == 0
        place([(draft / "new", tmp_path / "new")], draft)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft-of-a-letter", "new"]


def test_where_nothing_is_nothing_is_cleared(tmp_path: Path) -> None:
    assert clear_abandoned(tmp_path / "nowhere") == 0


def test_the_import_after_a_killed_one_clears_up_and_says_so(tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    Image.new("RGB", (64, 48)).save(tmp_path / "in" / "images" / "a.jpg")
    (tmp_path / "in" / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "in" / "data.yaml").write_text("names: [garbage]\n")
    arguments = ["dataset", "import", str(tmp_path / "in"), "--to", str(tmp_path / "data"), "--lang", "en"]

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "streetsight", *arguments, "--name", name]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True)

    killed = subprocess.Popen(
        [sys.executable, "-c", IMPORT, *arguments, "--name", "one"], stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "busy\n"
    beside = run("two")
    assert "cleared away" not in beside.stdout, "the first is still at work"
    assert len(left(tmp_path / "data")) == 1
    killed.kill()
    killed.wait()
    killed.stdout.close()
    after = run("one")
    assert "1 drafts that killed commands had left behind were cleared away" in after.stdout
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["sources"]
    again = run("three")
    assert "cleared away" not in again.stdout
