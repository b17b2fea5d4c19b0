"""Photos are found by the end of their paths, and labels turn with them."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from streetsight.datasets.formats.drafting import names_for
from streetsight.datasets.formats.labels import Unreadable
from streetsight.datasets.formats.photos import PhotoIndex, inspect_photo, turn_upright

TREE = ("images/train/a.jpg", "images/val/a.jpg", "images/val/b.jpg", "images/val/É.png", "c.jpg")


@pytest.mark.parametrize(
    ("reference", "beside", "found"),
    [
        ("b.jpg", "", "images/val/b.jpg"),
        ("val/a.jpg", "", "images/val/a.jpg"),
        ("a.jpg", "", None),  # one of two
        ("a.jpg", "labels/train/x.json", "images/train/a.jpg"),
        ("train/b.jpg", "", None),  # another folder
        ("/home/me/c.jpg", "", "c.jpg"),
        (r"D:\set\images\val\B.JPG", "", "images/val/b.jpg"),
        ("E\u0301.png", "", "images/val/É.png"),  # as macOS spells it
        ("../images/val/b.jpg", "", "images/val/b.jpg"),
        ("", "", None),
    ],
)
def test_a_reference_is_resolved(reference: str, beside: str, found: str | None) -> None:
    assert PhotoIndex(TREE).find(reference, beside) == found


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_like_the_picture(orientation: int) -> None:
    """Against Pillow: a bright block on the stored raster, found again on the upright picture."""
    stored = np.zeros((60, 100), np.uint8)
    stored[10:30, 20:70] = 255
    image = Image.fromarray(stored)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    image.save(data, "PNG", exif=exif)
    facts = inspect_photo(data.getvalue())
    shown = np.asarray(ImageOps.exif_transpose(Image.open(data)))
    rows, columns = np.nonzero(shown)
    expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    [box] = turn_upright(np.array([[0.2, 10 / 60, 0.7, 0.5]]), facts.orientation)
    assert facts.upright_wh == shown.shape[::-1]
    np.testing.assert_allclose(box * np.tile(facts.upright_wh, 2), expected, atol=1e-9)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_photo_that_ends_too_early_is_refused(form: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 120, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).save(data, form)
    assert inspect_photo(data.getvalue()).stored_wh == (120, 80)
    with pytest.raises(Unreadable, match="not a whole JPEG, PNG or WebP picture"):
        inspect_photo(data.getvalue()[: len(data.getvalue()) * 2 // 3])


@pytest.mark.parametrize("data", [b"", b"text", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"])
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        inspect_photo(data)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    data = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(data, "PNG")
    with pytest.raises(Unreadable, match="20000 x 10000 pixels is more than the limit of 150 megapixels"):
        inspect_photo(data.getvalue())


def test_names_within_one_folder_are_unique_whatever_the_file_system() -> None:
    names = names_for(
        ["x/A.jpg", "y/a.png", "y/b.jpg", "x_A.jpg", "x/" + "街" * 90 + ".jpg", "bad\nname.jpg"]
    )
    assert names["y/b.jpg"] == "b.jpg"
    assert names["bad\nname.jpg"] == "bad_name.jpg"
    assert max(len(name.encode()) for name in names.values()) <= 210
    stems = [name.rpartition(".")[0].casefold() for name in names.values()]
    assert len(set(stems)) == len(stems) == 6
