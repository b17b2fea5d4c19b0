"""Published copies carry nothing but the picture."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from streetsight.inference.reading import read_photo
from streetsight.inference.redaction.publishing import published_jpeg, to_srgb


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    ramp = np.linspace(0, 255, 300 * 200 * 3).reshape(200, 300, 3)
    return ramp.astype(np.uint8)


def camera_file(picture: NDArray[np.uint8]) -> bytes:
    """With position, a comment, a preview's worth of XMP, and lying on its side."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x927C] = 6, "Camera", b"serial number"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 15.0, 1.0), 3: "E", 4: (120.0, 9.0, 1.0)})
    buffer = io.BytesIO()
    Image.fromarray(picture).save(
        buffer, "JPEG", exif=exif, comment=b"taken by X", xmp=b"<x:xmpmeta>secret</x:xmpmeta>"
    )
    return buffer.getvalue()


def test_nothing_but_the_picture_is_published(picture: NDArray[np.uint8]) -> None:
    original = camera_file(picture)
    assert b"secret" in original
    photo = read_photo(original)
    copy = published_jpeg(photo.image_rgb_hwc)
    for secret in (b"secret", b"Camera", b"taken by", b"Exif", b"serial"):
        assert secret not in copy
    opened = Image.open(io.BytesIO(copy))
    assert not opened.getexif()
    assert set(opened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "icc_profile"}
    assert opened.size == (200, 300), "upright, as nothing says any more that it is to be turned"
    assert "sRGB" in ImageCms.getProfileDescription(
        ImageCms.ImageCmsProfile(io.BytesIO(opened.info["icc_profile"]))
    )


@pytest.mark.parametrize(("longest", "size"), [(None, (300, 200)), (150, (150, 100)), (1600, (300, 200))])
def test_copies_are_shrunk_and_never_enlarged(
    picture: NDArray[np.uint8], longest: int | None, size: tuple[int, int]
) -> None:
    assert Image.open(io.BytesIO(published_jpeg(picture, longest))).size == size


def test_wide_colours_are_brought_to_srgb(picture: NDArray[np.uint8]) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = to_srgb(picture, srgb)
    assert np.abs(same.astype(int) - picture).max() <= 2
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for unusable in (b"", b"no profile", wide):
        assert (to_srgb(picture, unusable) == picture).all()
    assert to_srgb(picture, None) is picture
