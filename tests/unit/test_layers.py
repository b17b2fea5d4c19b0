"""Which folder may import which. Read ALLOWED as the architecture."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED: dict[str, set[str]] = {
    "models": set(),
    "datasets": {"models"},
    "inference": {"models"},
    "training": {"models", "datasets", "inference"},
    "service": {"models", "datasets", "inference"},
}


def imported_folders(path: Path) -> set[str]:
    """Folders of the package that a file imports from, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("streetsight.")}


def violations(root: Path, folder: str) -> dict[str, list[str]]:
    """File -> folders that it imports from and must not."""
    return {
        str(path.relative_to(root)): sorted(extra)
        for path in sorted((root / folder).rglob("*.py"))
        if (extra := imported_folders(path) - ALLOWED[folder] - {folder})
    }


@pytest.mark.parametrize("folder", ALLOWED)
def test_folder_imports_only_what_it_may(folder: str) -> None:
    assert not violations(ROOT, folder)


@pytest.mark.parametrize("folder", ["models", "datasets", "inference", "training"])
def test_there_is_something_to_check(folder: str) -> None:
    assert list((ROOT / folder).rglob("*.py")), f"no Python files in {folder}/"


@pytest.mark.parametrize(
    "code",
    [
        "import streetsight.training.train",
        "from streetsight import training",
        "from streetsight.training.train import train_on",
        "def late() -> None:\n    from streetsight.training import train",
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "inference" / "deep").mkdir(parents=True)
    (tmp_path / "inference" / "fine.py").write_text("from streetsight.models.boxes import iou\n")
    (tmp_path / "inference" / "deep" / "wrong.py").write_text(f"{code}\n")

    assert violations(tmp_path, "inference") == {str(Path("inference/deep/wrong.py")): ["training"]}
