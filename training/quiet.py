"""Import this before ultralytics: no telemetry, no downloads, no settings in the user's home.

Ultralytics reads these variables at import. Without them it reports usage, installs missing packages
at run time, and looks for a git root to decide where `datasets/` lives (which would be our code folder).
"""

import os
import tempfile
from pathlib import Path

from PIL import Image

CONFIG_DIR = Path(tempfile.gettempdir()) / f"streetsight-ultralytics-{os.getuid()}"

os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_VERBOSE", "false")
os.environ.setdefault("ULTRALYTICS_SAFE_LOAD", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("YOLO_CONFIG_DIR", str(CONFIG_DIR))
Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)

from ultralytics import settings  # noqa: E402  (only now)
from ultralytics.utils import patches  # noqa: E402

# Theirs looks for packages to install when a file is no picture, also where we read one.
Image.open = patches._image_open

settings.update(
    {
        "sync": False,
        "raytune": False,
        **{f"{name}_dir": str(CONFIG_DIR / name) for name in ("datasets", "weights", "runs")},
    }
)
