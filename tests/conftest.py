"""What several test files need: the shipped release, the real photos, rendered datasets."""

import hashlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import settings

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import read_patrol, simulate_patrol
from streetsight.models.card import Card, write_card
from streetsight.models.releases import Release, load_release
from streetsight.models.trained_on import write_trained_on

ROOT = Path(__file__).parents[1]

# Tests measure with `benchmarks`, yet the root must stay off the path: its folders would hide PyPI's.
_benchmarks = importlib.machinery.ModuleSpec("benchmarks", None, is_package=True)
_benchmarks.submodule_search_locations = [str(ROOT / "benchmarks")]
sys.modules.setdefault("benchmarks", importlib.util.module_from_spec(_benchmarks))

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
def write_source() -> Callable[[Path, Sequence[LabelRecord]], Path]:
    """Writes records of simulated frames as the only source of a dataset, and returns the dataset."""

    def write(dataset: Path, records: Sequence[LabelRecord]) -> Path:
        source = dataset / "sources" / "rendered"
        for part in ("images", "labels"):
            (source / part).mkdir(parents=True)
        names = sorted(records[0].labelled_classes)
        rows = ["image,group"]
        for record in records:
            group = record.group.rpartition(":")[2]
            image = f"{group}-{record.image.name}"
            (source / "images" / image).write_bytes(record.image.read_bytes())
            lines = [
                f"{names.index(each)} " + " ".join(f"{value:.6f}" for value in box)
                for each, box in zip(record.class_names, record.boxes_cxcywh_norm.tolist(), strict=True)
            ]
            (source / "labels" / f"{Path(image).stem}.txt").write_text("\n".join(lines))
            rows.append(f"{image},{group}")
        (source / "groups.csv").write_text("\n".join(rows))
        (source / "classes.txt").write_text("\n".join(names))
        (source / "SOURCE.json").write_text(json.dumps({"labelled_classes": names, "license": "ours"}))
        return dataset

    return write


@pytest.fixture(scope="session")
def render_dataset(
    write_source: Callable[[Path, Sequence[LabelRecord]], Path],
) -> Callable[[Path, int, tuple[int, int]], Path]:
    """Renders six simulated patrols, a group each, into a dataset."""

    def render(root: Path, frames: int, size_wh: tuple[int, int]) -> Path:
        records = []
        for seed in range(6):
            folder = root / "patrols" / str(seed)
            deque(simulate_patrol(folder, seed, frames, Camera(size_wh), step_m=20), maxlen=0)
            records += read_patrol(folder)
        return write_source(root, records)

    return render


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


@pytest.fixture(scope="session")
def copy_with(release: Release) -> Callable[..., Release]:
    """Writes the release in force again: noisier weights, other class names, or training photos."""

    def copy(
        folder: Path,
        noise: float = 0.0,
        names: dict[str, str] | None = None,
        trained_on: Sequence[tuple[str, str]] | None = None,
        train_digest: str | None = None,
    ) -> Release:
        import onnx
        from onnx import numpy_helper

        folder.mkdir(parents=True)
        model, random = onnx.load(release.onnx), np.random.default_rng(0)
        for weights in model.graph.initializer:
            values = numpy_helper.to_array(weights)
            if values.ndim == 4 and values.dtype == np.float32:
                noisy = values + random.normal(0, noise * values.std(), values.shape).astype(np.float32)
                weights.CopyFrom(numpy_helper.from_array(noisy, weights.name))
        model.doc_string = folder.name
        onnx.save(model, folder / "model.onnx")
        content = json.loads(release.card.model_dump_json())
        content |= {
            "name": folder.name,
            "onnx_sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
            "classes": [
                {**each, "name": (names or {}).get(each["name"], each["name"])} for each in content["classes"]
            ],
        }
        content["training"]["trained_on_sha256"] = (
            None if trained_on is None else write_trained_on(trained_on, folder)
        )
        if train_digest is not None:
            content["training"]["train_digest"] = train_digest
        write_card(Card.model_validate(content), folder / "card.json")
        return load_release(folder)

    return copy
