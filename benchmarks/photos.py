"""Photos to measure on: real ones, scaled up where decode cost matters. Said so wherever they are used."""

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streetsight.datasets.records import LabelRecord
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group

ROOT = Path(__file__).parents[1]
MEGAPIXELS_12 = (4000, 3000)
FULL_HD = (1920, 1080)


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


def cut_to(records: list[LabelRecord], size_wh: tuple[int, int], folder: Path) -> list[Path]:
    """JPEGs of exactly this size: the middle of each photo in that shape, scaled up, with grain.

    A scaled-up photo is smooth, hence a small and cheap JPEG; the grain (deviation 3 grey levels) brings
    its size near what a camera writes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    paths = []
    for index, record in enumerate(records):
        image = _read(record)
        scale = max(size_wh[0] / image.shape[1], size_wh[1] / image.shape[0])
        large_wh = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        large = cv2.resize(image, large_wh, interpolation=cv2.INTER_CUBIC)
        x, y = (large_wh[0] - size_wh[0]) // 2, (large_wh[1] - size_wh[1]) // 2
        middle = large[y : y + size_wh[1], x : x + size_wh[0]]
        noise = rng.standard_normal(middle.shape, np.float32) * np.float32(3)
        paths.append(_write(folder, index, np.clip(middle + noise, 0, 255).astype(np.uint8)))
    return paths


def scaled_up(records: list[LabelRecord], longest_px: int, folder: Path) -> list[Path]:
    """The whole photos as JPEGs whose longest side is `longest_px`, named by their order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, record in enumerate(records):
        image = _read(record)
        scale = longest_px / max(image.shape[:2])
        size_wh = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        large = cv2.resize(image, size_wh, interpolation=cv2.INTER_CUBIC)
        paths.append(_write(folder, index, np.asarray(large, dtype=np.uint8)))
    return paths


def _read(record: LabelRecord) -> NDArray[np.uint8]:
    image = cv2.imread(str(record.image))
    assert image is not None
    return np.asarray(image, dtype=np.uint8)


def _write(folder: Path, index: int, image_bgr_hwc: NDArray[np.uint8]) -> Path:
    path = folder / f"{index:04d}.jpg"
    cv2.imwrite(str(path), image_bgr_hwc, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return path
