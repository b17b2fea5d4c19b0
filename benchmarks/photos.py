"""Photos to measure on: real ones, scaled up where decode cost matters. Said so wherever they are used."""

import os
from pathlib import Path

import cv2
import numpy as np

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group

ROOT = Path(__file__).parents[1]
MEGAPIXELS_12 = 4000
FULL_HD = 1920


def photos_root() -> Path:
    """The real photos, or a clear end."""
    root = Path(os.environ.get("STREETSIGHT_DATA", ROOT.parent / "shared" / "streetphotos"))
    if not (root / "sources").is_dir():
        raise SystemExit(f"benchmarks need the real photos; none in {root}: set STREETSIGHT_DATA")
    return root


def validation_records(count: int) -> list[LabelRecord]:
    """Evenly chosen records of the validation part."""
    records = split_by_group(read_sources(photos_root()))["val"]
    return records[:: max(1, len(records) // count)][:count]


def scaled_up(records: list[LabelRecord], longest_px: int, folder: Path, grain: float = 0.0) -> list[Path]:
    """The photos as JPEGs whose longest side is `longest_px`, named by their order.

    Args:
        grain: deviation of added noise, grey levels. A scaled-up photo is smooth, hence a small and cheap
            JPEG; with a grain of 3 a file of 12 megapixels has about the size that a phone writes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = []
    for index, record in enumerate(records):
        image = cv2.imread(str(record.image))
        assert image is not None
        scale = longest_px / max(image.shape[:2])
        size_wh = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        path = folder / f"{index:04d}.jpg"
        large = cv2.resize(image, size_wh, interpolation=cv2.INTER_CUBIC)
        if grain:
            noise = rng.standard_normal(large.shape, np.float32) * np.float32(grain)
            large = np.clip(large + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(path), large, [cv2.IMWRITE_JPEG_QUALITY, 90])
        paths.append(path)
    return paths
