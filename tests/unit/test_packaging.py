"""The five folders import as streetsight.<folder>, hide nobody else's package, and stay light."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "training", "inference", "service", "datasets")
LIGHT = ("inference", "models", "datasets")
HEAVY = ("torch", "ultralytics")

IMPORT_ALL = """
import importlib, sys
for name in sys.argv[2:]:
    importlib.import_module(name)
print(",".join(name for name in sys.argv[1].split(",") if name in sys.modules))
"""


def modules_of(folder: str) -> list[str]:
    """Dotted names of all modules of a folder."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return [
        ".".join(["streetsight", *path.relative_to(ROOT).with_suffix("").parts]).removesuffix(".__init__")
        for path in files
    ]


def loaded_after_importing(modules: list[str], watched: tuple[str, ...]) -> list[str]:
    """Which of `watched` a fresh interpreter has loaded once it has imported `modules`."""
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(watched), *modules]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return [name for name in answer.stdout.strip().split(",") if name]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_is_linked_into_the_package(folder: str) -> None:
    assert (ROOT / "src/streetsight" / folder).resolve() == ROOT / folder


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_has_no_init_file(folder: str) -> None:
    # Without __init__.py a folder on sys.path never wins over an installed package
    # of the same name (PyPI has `datasets` and `inference`).
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("folder", ["models", "training", "inference", "datasets"])
def test_folder_imports_under_the_package_name(folder: str) -> None:
    assert find_spec(f"streetsight.{folder}") is not None


def test_running_and_reading_photos_needs_no_training_library() -> None:
    modules = [name for folder in LIGHT for name in modules_of(folder)]
    assert "streetsight.inference.session" in modules
    assert loaded_after_importing(modules, HEAVY) == []


@pytest.mark.training
def test_judging_a_release_needs_no_torch() -> None:
    # Evaluating and comparing run what is served; torch would cost seconds and gigabytes.
    pytest.importorskip("faster_coco_eval", reason="needs the training extra")
    modules = [name for name in modules_of("training") if name.startswith("streetsight.training.evaluation.")]
    assert "streetsight.training.evaluation.assessment" in modules
    assert loaded_after_importing([*modules, "streetsight.training.gate"], HEAVY) == []


def test_a_loaded_library_would_be_noticed() -> None:
    assert loaded_after_importing(["json"], ("json", *HEAVY)) == ["json"]
