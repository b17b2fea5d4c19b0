"""How long does it take to freeze 100,000 labelled photos, against copying them, and against hashing alone?

Generated photos of 4 kB with up to four boxes, in groups of five, so that the work per record is what counts;
with photos of a megabyte, reading them is. Freezing reads every label file, splits, takes sha256 digests,
writes the manifest and reads it back; `cold` knows no digest, `warm` has those of the last time. Alternatives
on the same files: copying them, which is how a version is kept without a manifest, and a plain loop of
hashlib over the photos, which every address by content has to do at least. All four alternate.
"""

import hashlib
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.sources import read_sources
from streetsight.datasets.splits import split_by_group
from streetsight.datasets.versions import freeze, read_version, store

ROUNDS = 3
CLASSES = ("garbage", "garbage_bin", "pothole", "car")


def measure(photos: int = 100_000, rounds: int = ROUNDS) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        root, versions = Path(scratch) / "data", Path(scratch) / "versions"
        _generate(root, photos)
        times: dict[str, list[float]] = {}
        for number in range(rounds):
            cache = Path(scratch) / f"cache{number}"
            works: dict[str, Callable[[], object]] = {
                "copy": partial(shutil.copytree, root, Path(scratch) / "copy"),
                "hash": partial(_hash, root),
                "cold": partial(_freeze, root, versions, cache),
                "warm": partial(_freeze, root, versions, cache),
                "read": partial(_read, versions, root, cache),
            }
            for name, work in works.items():
                times.setdefault(name, []).append(_seconds(work))
            shutil.rmtree(Path(scratch) / "copy")
            shutil.rmtree(versions)
    return {
        "photos": photos,
        **{f"{name}_seconds": round(median(each), 1) for name, each in times.items()},
        "cold_share_of_copy": _ratio(times, "cold", "copy"),
        "cold_share_of_hash": _ratio(times, "cold", "hash"),
        "warm_share_of_copy": _ratio(times, "warm", "copy"),
        "warm_share_of_hash": _ratio(times, "warm", "hash"),
    }


def _freeze(root: Path, versions: Path, cache: Path) -> None:
    with PhotoCache(cache) as known:
        store(freeze(split_by_group(read_sources(root)), root, known), versions)


def _read(versions: Path, root: Path, cache: Path) -> None:
    (version,) = versions.iterdir()
    with PhotoCache(cache) as known:
        read_version(version, root, cache=known)


def _hash(root: Path) -> None:
    for path in root.glob("sources/*/images/*"):
        hashlib.sha256(path.read_bytes()).hexdigest()


def _generate(root: Path, photos: int) -> None:
    """Photos that differ in a comment inside the JPEG: drawing each anew would take longer than all else."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (36, 48, 3)).astype(np.uint8)).resize((96, 72))
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=95)
    start, rest = jpeg.getvalue()[:2], jpeg.getvalue()[2:]
    folder = root / "sources" / "made"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    sides = rng.uniform(0.1, 0.4, (photos, 4, 4)).round(6)
    for number in range(photos):
        comment = b"\xff\xfe\x00\x0a" + f"{number:08d}".encode()
        (folder / "images" / f"{number:06d}.jpg").write_bytes(start + comment + rest)
        lines = [f"{index} {' '.join(map(str, sides[number, index]))}" for index in range(number % 5)]
        (folder / "labels" / f"{number:06d}.txt").write_text("\n".join(lines))
    rows = (f"{number:06d}.jpg,{number // 5}" for number in range(photos))
    (folder / "groups.csv").write_text("\n".join(["image,group", *rows]))
    (folder / "classes.txt").write_text("\n".join(CLASSES))
    described = '{"labelled_classes": ["garbage", "garbage_bin", "pothole", "car"], "licence": "made up"}'
    (folder / "SOURCE.json").write_text(described)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ratio(times: dict[str, list[float]], ours: str, other: str) -> float:
    """Median over rounds, taken within each round."""
    return round(median(a / b for a, b in zip(times[ours], times[other], strict=True)), 2)
