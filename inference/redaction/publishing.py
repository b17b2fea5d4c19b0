"""Copies of pictures for others: upright, in sRGB, with nothing of what the camera wrote beside them."""

import io
import struct
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from streetsight.inference.drawing import shrink

QUALITY, SMALL_QUALITY, SMALL_PX = 88, 80, 480
_MADE = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)


def published_jpeg(image_rgb_hwc: NDArray[np.uint8], longest_px: int | None = None) -> bytes:
    """A JPEG with an sRGB profile and no other metadata.

    Args:
        image_rgb_hwc: (h, w, 3) uint8, upright, sRGB.
        longest_px: of the copy; it is never enlarged. None keeps the size.
    """
    image = shrink(image_rgb_hwc, longest_px) if longest_px else image_rgb_hwc
    quality = SMALL_QUALITY if max(image.shape[:2]) <= SMALL_PX else QUALITY
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True, icc_profile=_srgb_profile())
    return buffer.getvalue()


def to_srgb(image_rgb_hwc: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """The picture's colours in sRGB: phones write wider ones, which would look pale without their profile.

    Args:
        profile: ICC, as the file holds it; one that cannot be used leaves the picture as it is.
    """
    if profile is None:
        return image_rgb_hwc
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            Image.fromarray(image_rgb_hwc), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image_rgb_hwc
    return image_rgb_hwc if converted is None else np.asarray(converted)


@cache
def _srgb_profile() -> bytes:
    """Without the moment that it was made at, which ICC.1:2010 has at 24 to 35: copies have no time."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + _MADE + profile[36:]
