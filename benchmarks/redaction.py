"""How many plates and heads are covered on published copies, and how much of the picture goes with them?

100 photos of streets that no release has trained on (38 of the validation part, on which the policy's
numbers were chosen, 62 of the test part), boxed by hand: every plate of which at least some characters can
be read, every head at least 12 pixels high, also from behind and under helmets. Something counts as covered
when 90 % of its box are. Heads are counted where the release has a class for people; `people` repeats the
measurement with a COCO checkpoint in its place, to show what such a class would give.
"""

import hashlib
import json
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.photos import ROOT, photos_root
from numpy.typing import NDArray

from streetsight.inference.pipeline import cores
from streetsight.inference.reading import ImageRgb, read_photo
from streetsight.inference.redaction.finding import redact
from streetsight.inference.redaction.mosaic import Region, inside
from streetsight.inference.redaction.policy import Kind, Policy
from streetsight.inference.session import Detector
from streetsight.models.card import write_card
from streetsight.models.releases import Release, load_release

BOXES = ROOT / "tests" / "golden" / "redaction_boxes.json"
COVERED = 0.9
SIZES = {"plates": (50, 150), "heads": (16, 32)}  # px: widths of plates, heights of heads, where bins part
COCO = ROOT.parent / "shared" / "weights" / "yolo26n_coco.pt"
COCO_CLASSES = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7}

VARIANTS = {
    "plain": Policy(second_looks=0, band_min_score=2.0),
    "second_looks": Policy(band_min_score=2.0),
    "policy": Policy(),
}
"""No second look at vehicles and no mosaics on them; then with the look; then the policy in force."""


@dataclass(frozen=True, slots=True)
class Boxed:
    """One photo that was boxed by hand. Boxes are [x0, y0, x1, y1], pixels."""

    image: Path
    sha256: str
    part: str
    plates: tuple[tuple[int, int, int, int], ...]
    heads: tuple[tuple[int, int, int, int], ...]


def measure() -> dict[str, Any]:
    photos, release = read_boxes(photos_root()), load_release()
    detector = Detector(release, threads=cores())
    results: dict[str, Any] = {"release": release.address}
    for part in ("val", "test"):
        chosen = [each for each in photos if each.part == part]
        results[part] = {name: covered(chosen, detector, policy) for name, policy in VARIANTS.items()}
    if COCO.exists():
        results["people"] = people_covered(photos)
    return results


def people_covered(photos: list[Boxed]) -> dict[str, Any]:
    """Heads by boxes of a checkpoint that knows people; it knows no plates, so vehicles are left alone."""
    with tempfile.TemporaryDirectory() as scratch:
        detector = Detector(coco_release(Path(scratch)), threads=cores())
        return {
            part: covered([each for each in photos if each.part == part], detector, VARIANTS["plain"])
            for part in ("val", "test")
        }


def read_boxes(root: Path) -> list[Boxed]:
    """The photos that were boxed, each checked to be the same file still."""
    photos = []
    for name, row in json.loads(BOXES.read_text()).items():
        source, file = name.split("/")
        image = root / "sources" / source / "images" / file
        if hashlib.sha256(image.read_bytes()).hexdigest() != row["sha256"]:
            raise SystemExit(f"{image} is another photo than the one that was boxed")
        photos.append(
            Boxed(
                image, row["sha256"], row["part"],
                tuple(map(tuple, row["plates"])), tuple(map(tuple, row["heads"])),
            )
        )  # fmt: skip
    return photos


def covered(photos: list[Boxed], detector: Detector, policy: Policy) -> dict[str, Any]:
    """Shares of plates and heads that are covered, by size, and of pixels that were redacted."""
    hits: dict[str, list[bool]] = {}
    shares = []
    for photo in photos:
        image = read_photo(photo.image.read_bytes()).image_rgb_hwc
        redacted = redact(image, detector, policy)
        mask = _mask(image, redacted.regions)
        shares.append(float(mask.mean()))
        for key, hit in _hits(photo, mask, redacted.kinds):
            hits.setdefault(key, []).append(hit)
    return {
        "photos": len(photos),
        "redacted_pixels": round(float(np.mean(shares)), 4),
        **{key: share_of(hits[key]) for key in sorted(hits)},
    }


def share_of(hits: list[bool]) -> dict[str, Any]:
    low, high = wilson(sum(hits), len(hits))
    return {"n": len(hits), "share": round(sum(hits) / len(hits), 3), "interval": [low, high]}


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson, JASA 22, 1927)."""
    share, extra = hits / count, z * z / count
    middle = (share + extra / 2) / (1 + extra)
    half = z / (1 + extra) * math.sqrt(share * (1 - share) / count + extra / (4 * count))
    return round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3)


def coco_release(folder: Path) -> Release:
    """A COCO checkpoint as a release with persons and vehicles, for this measurement alone."""
    import onnx
    from onnx import helper, numpy_helper

    from streetsight.training.export import export_onnx

    image = min((photos_root() / "sources" / "street_vendors" / "images").glob("*.jpg"))
    export_onnx(COCO, folder / "all.onnx", "one_to_many", 640, [image])
    model = onnx.load(folder / "all.onnx")
    rows = np.array([0, 1, 2, 3, *(4 + each for each in COCO_CLASSES.values())], np.int64)
    model.graph.initializer.append(numpy_helper.from_array(rows, "kept_rows"))
    output = model.graph.output.pop()
    model.graph.node.append(helper.make_node("Gather", [output.name, "kept_rows"], ["kept"], axis=1))
    model.graph.output.append(
        helper.make_tensor_value_info("kept", onnx.TensorProto.FLOAT, ["batch", len(rows), "rows"])
    )
    onnx.save(model, folder / "model.onnx")
    card = load_release().card.model_dump(mode="json")
    card |= {
        "name": "coco-people", "training": None, "evaluations": [], "parity": None, "data": [], "limits": [],
        "onnx_sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        "classes": [{"id": i, "name": name, "threshold": 0.25} for i, name in enumerate(COCO_CLASSES)],
        "input": {**card["input"], "size": 640},
    }  # fmt: skip
    write_card(type(load_release().card).model_validate(card), folder / "card.json")
    return load_release(folder)


def _hits(photo: Boxed, mask: NDArray[np.bool_], kinds: frozenset[Kind]) -> Iterator[tuple[str, bool]]:
    wanted = {
        "plates": photo.plates if "plates" in kinds else (),
        "heads": photo.heads if "people" in kinds else (),
    }
    for kind, boxes in wanted.items():
        for x0, y0, x1, y1 in boxes:
            size = x1 - x0 if kind == "plates" else y1 - y0
            hit = bool(mask[y0:y1, x0:x1].mean() >= COVERED)
            yield kind, hit
            small, large = SIZES[kind]
            bin_ = f"<{small}" if size < small else f"{small}-{large}" if size < large else f">={large}"
            yield f"{kind} {bin_} px", hit


def _mask(image: ImageRgb, regions: tuple[Region, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(image.shape[:2], bool)
    for region in regions:
        left, top, right, bottom = inside(region.box_xyxy_px, image.shape)
        mask[top:bottom, left:right] = True
    return mask
