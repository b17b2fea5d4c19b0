"""How many altered copies of real photos are recognised, and how many pairs are found that are none?

100 photos, each altered in the ways that copies of photos differ, are put among all 4,260. A copy is found
when it is paired with its original. Pairs among the originals are counted too: those within a group that
people gave are as expected, those across groups have to be looked at.
"""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.photos import photos_root
from PIL import Image, ImageEnhance

from streetsight.datasets.digests import digest_photos
from streetsight.datasets.fingerprints import Fingerprint, fingerprint, fingerprint_photos
from streetsight.datasets.near_duplicates import near_duplicates
from streetsight.datasets.photo_cache import PhotoCache
from streetsight.datasets.sources import read_sources

Alter = Callable[[Image.Image], Image.Image]


def cropped(left: float, top: float, right: float, bottom: float) -> Alter:
    """Shares of the sides cut off."""
    return lambda image: image.crop(
        (
            round(left * image.width), round(top * image.height),
            round((1 - right) * image.width), round((1 - bottom) * image.height),
        )
    )  # fmt: skip


def scaled(factor: float) -> Alter:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


ALTERED: dict[str, Alter] = {
    "re-encoded at quality 50": lambda image: image,
    "half the size": scaled(0.5),
    "1.6 times the size": scaled(1.6),
    "squeezed into a square": lambda image: image.resize((640, 640)),
    "30 % brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "40 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "3 % cut off all around": cropped(0.03, 0.03, 0.03, 0.03),
    "3 % cut off two sides": cropped(0, 0.03, 0.03, 0),
    "6 % cut off all around": cropped(0.06, 0.06, 0.06, 0.06),
    "turned by 2 degrees": lambda image: cropped(0.03, 0.03, 0.03, 0.03)(
        image.rotate(2, Image.Resampling.BICUBIC)
    ),
}


def measure(photos: int = 100) -> dict[str, Any]:
    records = read_sources(photos_root())
    with PhotoCache() as cache:
        digests = digest_photos([record.image for record in records], cache)
        found = fingerprint_photos({path: each.sha256 for path, each in digests.of.items()}, cache)
    originals = [found.of[record.image] for record in records]
    chosen = range(0, len(records), len(records) // photos)[:photos]
    recall, false = {}, 0
    for name, alter in ALTERED.items():
        copies = [_altered(originals[index], records[index].image.open("rb"), alter) for index in chosen]
        wanted = np.arange(len(originals) + len(copies)) >= len(originals)
        pairs = near_duplicates([*originals, *copies], wanted)
        mine = {(chosen[number], len(originals) + number) for number in range(len(copies))}
        recall[name] = len(mine & set(pairs))
        false += sum(
            j >= len(originals) > i and records[chosen[j - len(originals)]].group != records[i].group
            for i, j in set(pairs) - mine
        )
    own = near_duplicates(originals)
    across = [(i, j) for i, j in own if records[i].group != records[j].group]
    return {
        "photos": len(chosen),
        "found": recall,
        "copies_paired_with_a_photo_of_another_group": false,
        "pairs_among_all_photos": len(own),
        "of_different_groups": [
            f"{records[i].source}/{records[i].image.name} = {records[j].source}/{records[j].image.name}"
            for i, j in across
        ],
    }


def _altered(original: Fingerprint, file: io.BufferedReader, alter: Alter) -> Fingerprint:
    with file, Image.open(file) as image:
        jpeg = io.BytesIO()
        alter(image.convert("RGB")).save(jpeg, "JPEG", quality=50)
    with Image.open(jpeg) as again:
        return fingerprint(f"copy of {original.sha256}", again.convert("L"), again.size)
