"""What several test files need: the shipped release, the real photos."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from streetsight.models.releases import Release, load_release

ROOT = Path(__file__).parents[1]

# A busy machine is no failure: no test is judged by how long it takes.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def release() -> Release:
    """The release in force."""
    return load_release()


@pytest.fixture(scope="session")
def photos_root() -> Path:
    """Folder with `sources/` of real, labelled photos; they are not part of the repository."""
    root = Path(os.environ.get("STREETSIGHT_DATA") or ROOT.parent / "shared" / "streetphotos")
    if not (root / "sources").is_dir():
        pytest.skip("real photos are absent: set STREETSIGHT_DATA")
    return root


@pytest.fixture(scope="session")
def docs_script() -> Callable[[str], ModuleType]:
    """Loads a script of `docs/`, which is no package, by name."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
