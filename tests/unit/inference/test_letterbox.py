"""Fitting a picture into the model's input, and bringing boxes back."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streetsight.inference.letterbox import Letterbox, to_tensor

sides = st.integers(32, 6000)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(
    width=sides,
    height=sides,
    size=st.sampled_from([320, 640, 1280]),
    rectangular=st.booleans(),
    corners=st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=5),
)
def test_boxes_come_back_where_they_were(
    width: int, height: int, size: int, rectangular: bool, corners: list[tuple[float, ...]]
) -> None:
    assume(max(width, height) < 60 * min(width, height))
    placement = Letterbox(size, rectangular=rectangular).place((width, height))
    shares = np.sort(np.array(corners).reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    boxes = (shares * [width, height, width, height]).astype(np.float32)
    there = placement.to_input(boxes)
    assert np.abs(placement.to_image(there) - boxes).max() < 0.01
    assert (there >= 0).all()
    assert (there <= np.array([*placement.input_wh] * 2) + 0.01).all()


@given(
    width=sides,
    height=sides,
    stride=st.sampled_from([16, 32, 64]),
    multiple=st.integers(2, 12),
    rectangular=st.booleans(),
)
def test_the_input_has_the_sides_a_network_needs(
    width: int, height: int, stride: int, multiple: int, rectangular: bool
) -> None:
    size = stride * multiple
    placement = Letterbox(size, stride, rectangular=rectangular).place((width, height))
    assert max(placement.input_wh) == max(placement.inner_wh) == size
    assert all(side % stride == 0 for side in placement.input_wh)
    spare = [outer - inner for outer, inner in zip(placement.input_wh, placement.inner_wh, strict=True)]
    assert all(0 <= offset <= extra for offset, extra in zip(placement.offset_xy, spare, strict=True))
    if rectangular:
        assert max(spare) < stride
    else:
        assert placement.input_wh == (size, size)


@pytest.mark.parametrize(
    ("size_wh", "rectangular", "input_wh", "offset_xy"),
    [
        ((4000, 3000), True, (640, 480), (0, 0)),  # fits without a border
        ((1280, 720), True, (640, 384), (0, 12)),  # 360 rounded up to the stride
        ((1280, 720), False, (640, 640), (0, 140)),
        ((720, 1280), False, (640, 640), (140, 0)),
        ((641, 640), True, (640, 640), (0, 0)),  # one odd pixel goes below, as ultralytics puts it
        ((64, 48), True, (640, 480), (0, 0)),  # small pictures are enlarged
    ],
)
def test_placement(
    size_wh: tuple[int, int], rectangular: bool, input_wh: tuple[int, int], offset_xy: tuple[int, int]
) -> None:
    placement = Letterbox(640, rectangular=rectangular).place(size_wh)
    assert (placement.input_wh, placement.offset_xy) == (input_wh, offset_xy)


def test_the_border_is_grey_and_the_picture_is_inside() -> None:
    image = noise(640, 360)
    before = image.copy()
    padded, placement = Letterbox(640).apply(image)
    assert padded.shape == (384, 640, 3)
    assert (padded[:12] == 114).all()
    assert (padded[-12:] == 114).all()
    assert np.array_equal(placement.inner(padded), image)
    assert np.array_equal(image, before)


def test_a_smaller_decode_lies_where_the_original_would() -> None:
    box = np.array([[400, 300, 1200, 900]], np.float32)
    whole = Letterbox(640).place((4000, 3000))
    _, placement = Letterbox(640).apply(noise(1000, 750), size_wh=(4000, 3000))
    assert placement == whole
    assert placement.to_input(box).tolist() == [[64, 48, 192, 144]]


def test_boxes_from_the_border_are_limited_to_the_picture() -> None:
    placement = Letterbox(640).place((1280, 720))
    outside = np.array([[-5, 0, 645, 384]], np.float32)
    assert placement.to_image(outside).tolist() == [[0, 0, 1280, 720]]


def test_much_smaller_pictures_are_averages_not_samples() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 200
    padded, _ = Letterbox(256).apply(stripes)
    assert np.abs(padded.astype(int) - 100).max() <= 1


def test_tensor_layout() -> None:
    image = noise(64, 32)
    tensor = to_tensor(image)
    assert tensor.shape == (1, 3, 32, 64)
    assert tensor.dtype == np.float32
    assert tensor.flags.c_contiguous
    assert np.allclose(tensor[0].transpose(1, 2, 0), image / 255, atol=1e-6)


ODD_SIZES = [(640, 480), (641, 479), (333, 500), (500, 333), (97, 611), (1279, 719), (1000, 999), (33, 32)]


@pytest.mark.training
@pytest.mark.parametrize("rectangular", [True, False])
@pytest.mark.parametrize("size_wh", ODD_SIZES)
def test_as_ultralytics_does_it(size_wh: tuple[int, int], rectangular: bool) -> None:
    """Exported models must see what they trained on. Ours differs only where it shrinks by more than 2."""
    import streetsight.training.quiet  # noqa: F401, I001
    from ultralytics.data.augment import LetterBox

    image = noise(*size_wh)
    padded, placement = Letterbox(640, rectangular=rectangular).apply(image)
    theirs = LetterBox((640, 640), auto=rectangular, stride=32)(image=image)
    assert placement.input_wh == (theirs.shape[1], theirs.shape[0])
    assert np.array_equal(padded, theirs)
