"""How much memory over 500 photos of 12 megapixels, and does it grow?

Real photos scaled up; 50 different files, each linked ten times. Resident memory of the process is read
after every photo. Target: at most 500 MB at the peak, and flat.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.photos import MEGAPIXELS_12, cut_to, validation_records
from benchmarks.sides import run_ours


def measure(different: int = 50, repeats: int = 10) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        files = cut_to(validation_records(different), MEGAPIXELS_12, Path(scratch) / "files")
        folder = Path(scratch) / "photos"
        folder.mkdir()
        for repeat in range(repeats):
            for file in files:
                (folder / f"{repeat:02d}-{file.name}").symlink_to(file)
        resident = np.array(run_ours(folder)["resident"]) / 1e6
    half = len(resident) // 2
    return {
        "photos": len(resident),
        "peak_mb": round(float(resident.max()), 1),
        "growth_second_half_mb": round(float(resident[half:].max() - resident[:half].max()), 1),
    }
