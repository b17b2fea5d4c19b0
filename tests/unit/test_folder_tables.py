"""Each folder's README names every file of the folder and none that is not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "datasets", "training", "training/evaluation", "service")
UNNAMED = {"__init__.py", "README.md"}


def named(readme: str) -> set[str]:
    """Files and folders in the first column of its tables."""
    first_cells = re.findall(r"^\| (`[^|]+) \|", readme, re.MULTILINE)
    return {name.rstrip("/") for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(("__", "."))} - UNNAMED


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_table_names_every_file_and_no_other(folder: str) -> None:
    files = there(ROOT / folder)
    assert len(files) > 5
    assert named((ROOT / folder / "README.md").read_text(encoding="utf-8")) == files


def test_several_files_in_a_row_are_read() -> None:
    table = "| file | idea |\n|---|---|\n| `a.py`, `b/` | one, as `c.py` |\n| plain | `d.py` |\n"
    assert named(table) == {"a.py", "b"}
