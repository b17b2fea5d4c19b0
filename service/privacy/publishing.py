"""Redacted copies of photos, made when they are first asked for."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from streetsight.inference.reading import ImageRgb, read_photo
from streetsight.inference.redaction.finding import redact, veil
from streetsight.inference.redaction.policy import Policy, redactable
from streetsight.inference.redaction.publishing import published_jpeg, to_srgb
from streetsight.models.releases import Release
from streetsight.service.detections.looking import Loaded, Looker
from streetsight.service.faults import Forbidden, Invalid
from streetsight.service.files.blobs import Blobs
from streetsight.service.gate import Gate
from streetsight.service.privacy.copies import Copies

Size = Literal["full", "1600", "320"]
LONGEST_PX: dict[Size, int | None] = {"full": None, "1600": 1600, "320": 320}

WithoutClass = Literal["veil", "refuse", "serve"]
Cover = Literal["redacted", "veiled"]
POLICY = Policy()
KINDS = ("plates", "people")


class NotRedactable(Forbidden):
    """The release in force cannot cover what must be covered."""

    code = "not_redactable"


class BadBox(Invalid):
    """A part of a picture that is none."""

    code = "bad_box"


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that may be shown.

    Attributes:
        content: JPEG.
        etag: names these bytes' making: original, release, policy, size and part.
        redaction: what was done about plates and people, for a header.
    """

    content: bytes
    etag: str
    redaction: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A part of a picture: left, top, right, bottom, pixels of the upright original."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Redaction:
    """How the release in force redacts: found out once per copy, so that all of one is of one release."""

    loaded: Loaded
    cover: Cover

    @property
    def prefix(self) -> str:
        """Beginning of the names of copies made so."""
        digest = self.loaded.release.card.onnx_sha256[:12]
        return f"{digest}.{POLICY.version}.{self.cover}"

    def say(self) -> str:
        """`plates=covered, people=veiled`, as a header says it."""
        known, otherwise = redactable(self.loaded.release.card), _OTHERWISE[self.cover]
        return ", ".join(f"{kind}={'covered' if kind in known else otherwise}" for kind in KINDS)


_OTHERWISE: dict[Cover, str] = {"redacted": "not-covered", "veiled": "veiled"}


class Publisher:
    """Makes, keeps and gives out copies. Safe to use from several threads at once."""

    def __init__(
        self, blobs: Blobs, copies: Copies, looker: Looker, without_class: WithoutClass, at_once: int
    ) -> None:
        """`at_once`: copies made at the same moment; eight times as many may wait for their turn."""
        self._blobs, self._copies, self._looker = blobs, copies, looker
        self._without_class: WithoutClass = without_class
        self._turn, self._waiting = threading.Semaphore(at_once), Gate(9 * at_once)

    def state(self) -> dict[str, str]:
        """What the release in force can cover, and what is done where it cannot."""
        return abilities(self._looker.release, self._without_class)

    def tag(self, sha256: str, size: Size, cut: Cut | None = None) -> str:
        """ETag of a copy, without making it. Raises NotRedactable."""
        return _tag(sha256, self._redaction(), size, cut)

    def copy(self, sha256: str, size: Size, cut: Cut | None = None) -> Copy:
        """A copy of the photo of this digest.

        Raises:
            NotRedactable, BadBox, NoBlob, PhotoError: why there is none.
            Busy: too many are being made; come again.
        """
        redaction = self._redaction()
        content = self._kept(sha256, redaction, "full" if cut else size)
        if cut:
            content = _cut(content, cut, LONGEST_PX[size])
        return Copy(content, _tag(sha256, redaction, size, cut), redaction.say())

    def _kept(self, sha256: str, redaction: Redaction, size: Size) -> bytes:
        name = f"{redaction.prefix}.{size}.jpg"
        if (kept := self._copies.get(sha256, name)) is not None:
            return kept
        with self._waiting.entered(), self._turn:
            kept = self._copies.get(sha256, name)  # while we waited another may have made it
            return kept if kept is not None else self._make(sha256, redaction)[size]

    def _make(self, sha256: str, redaction: Redaction) -> dict[Size, bytes]:
        """All sizes: reading and finding cost the most, and who has seen one size wants another."""
        photo = read_photo(self._blobs.get(sha256))
        image = _COVERS[redaction.cover](photo.image_rgb_hwc, redaction)
        made = {
            size: published_jpeg(to_srgb(image, photo.colour_profile), longest)
            for size, longest in LONGEST_PX.items()
        }
        for size, content in made.items():
            self._copies.put(sha256, f"{redaction.prefix}.{size}.jpg", content)
        return made

    def _redaction(self) -> Redaction:
        loaded = self._looker.loaded
        lacking = sorted(set(KINDS) - redactable(loaded.release.card))
        if lacking and self._without_class == "refuse":
            raise NotRedactable(
                "photos are not shown: the release in force, {release}, has no class to cover {lacking} "
                "with. Put one in force that has, or choose otherwise with "
                "STREETSIGHT_REDACTION_MISSING_CLASSES",
                release=loaded.release.address, lacking=", ".join(lacking),
            )  # fmt: skip
        return Redaction(loaded, "veiled" if lacking and self._without_class == "veil" else "redacted")


def abilities(release: Release, without_class: WithoutClass) -> dict[str, str]:
    """For each kind: covered, or what is done instead: veiled, refused or not-covered."""
    otherwise = {"veil": "veiled", "refuse": "refused", "serve": "not-covered"}[without_class]
    known = redactable(release.card)
    return {kind: "covered" if kind in known else otherwise for kind in KINDS}


def parse_cut(text: str | None) -> Cut | None:
    """`x1,y1,x2,y2`. Raises BadBox."""
    if text is None:
        return None
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
        cut = Cut(int(x1), int(y1), int(np.ceil(x2)), int(np.ceil(y2)))
    except (ValueError, OverflowError):
        raise _bad_box(text) from None
    if not (0 <= cut.left < cut.right and 0 <= cut.top < cut.bottom):
        raise _bad_box(text)
    return cut


def _bad_box(text: str) -> BadBox:
    return BadBox(
        "box={text} is no part of a picture; expected left,top,right,bottom in pixels of the upright "
        "original",
        text=text[:100],
    )


def _cut(content: bytes, cut: Cut, longest_px: int | None) -> bytes:
    image = read_photo(content).image_rgb_hwc
    part = image[cut.top : cut.bottom, cut.left : cut.right]
    if not part.size:
        raise BadBox(
            "the box lies outside of the picture, which has {width} x {height} pixels",
            width=image.shape[1], height=image.shape[0],
        )  # fmt: skip
    return published_jpeg(np.ascontiguousarray(part), longest_px)


def _tag(sha256: str, redaction: Redaction, size: Size, cut: Cut | None) -> str:
    made = f"{sha256}.{redaction.prefix}.{size}.{cut}"
    return f'"{hashlib.sha256(made.encode()).hexdigest()[:32]}"'


def _redacted(image: ImageRgb, redaction: Redaction) -> ImageRgb:
    return redact(image, redaction.loaded.detector, POLICY).image_rgb_hwc


def _veiled(image: ImageRgb, redaction: Redaction) -> ImageRgb:
    return veil(image, redaction.loaded.detector, POLICY).image_rgb_hwc


_COVERS: dict[Cover, Callable[[ImageRgb, Redaction], ImageRgb]] = {"redacted": _redacted, "veiled": _veiled}
