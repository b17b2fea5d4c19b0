"""Start either side in a fresh process and read what it measured."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import onnx

from streetsight.models.releases import Release

ROOT = Path(__file__).parents[1]


def run_ours(folder: Path) -> dict[str, Any]:
    return _run("benchmarks.our_side", str(folder))


def run_ultralytics(model: str, folder: Path, size: int, conf: float, save: bool = False) -> dict[str, Any]:
    return _run(
        "benchmarks.ultralytics_side",
        model,
        str(folder),
        str(size),
        str(conf),
        after=["save"] if save else [],
    )


def torch_weights() -> str:
    """A YOLO26n checkpoint; without one, the same network with random weights (same work per photo)."""
    given = Path(
        os.environ.get("STREETSIGHT_WEIGHTS", ROOT.parent / "shared" / "weights" / "yolo26n_coco.pt")
    )
    return str(given) if given.is_file() else "yolo26n.yaml"


def onnx_for_ultralytics(release: Release, path: Path) -> str:
    """The release's ONNX with the metadata that ultralytics looks for, written to `path`.

    The file takes any size, so ultralytics too fits rectangles.
    """
    model = onnx.load(str(release.onnx))
    metadata = {
        "task": "detect", "stride": str(release.card.input.stride), "batch": "1", "dynamic": "True",
        "imgsz": str([release.card.input.size] * 2), "names": str(dict(enumerate(release.card.class_names))),
        "channels": "3", "end2end": str(release.card.output.head == "end_to_end"),
        "args": str({"dynamic": True, "nms": False}),
    }  # fmt: skip
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(path))
    return str(path)


def _run(module: str, *arguments: str, after: list[str] | None = None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run(
            [sys.executable, "-m", module, *arguments, str(out), *(after or [])], cwd=ROOT, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        answer: dict[str, Any] = json.loads(out.read_text())
    return answer
