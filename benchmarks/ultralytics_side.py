"""The named alternative, run as a process of its own: ultralytics on the same photos.

    python -m benchmarks.ultralytics_side MODEL FOLDER SIZE CONF OUT.json [save]

Prints nothing but a JSON file: seconds for the folder (model loaded, first photo run beforehand), and
per photo boxes, scores and classes.
"""

import json
import sys
import time
from pathlib import Path

import streetsight.training.quiet  # noqa: F401

from ultralytics import YOLO


def main() -> None:
    model_path, folder, size, conf, out, *rest = sys.argv[1:]
    photos = sorted(Path(folder).glob("*.jpg"))
    model = YOLO(model_path, task="detect")
    options = {
        "imgsz": int(size), "conf": float(conf), "iou": 0.7, "max_det": 300, "device": "cpu",
        "verbose": False, "save": "save" in rest, "project": str(Path(out).parent / "yolo"), "exist_ok": True,
    }  # fmt: skip
    model.predict(str(photos[0]), **options)
    started = time.perf_counter()
    rows = {
        Path(result.path).name: {
            "boxes": result.boxes.xyxy.tolist(), "scores": result.boxes.conf.tolist(),
            "classes": result.boxes.cls.int().tolist(),
        }
        for result in model.predict(folder, stream=True, **options)
    }  # fmt: skip
    seconds = time.perf_counter() - started
    Path(out).write_text(json.dumps({"seconds": seconds, "photos": len(photos), "rows": rows}))


if __name__ == "__main__":
    main()
