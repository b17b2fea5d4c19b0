"""Camera faults change pixels, never size, and refuse what is not known."""

import numpy as np
import pytest

pytest.importorskip("ultralytics", reason="needs the training extra")

import streetsight.training.quiet  # noqa: F401

import albumentations as A

from streetsight.training.augmentation import KINDS, camera_faults

pytestmark = pytest.mark.training


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_shows_and_keeps_the_shape(kind: str) -> None:
    picture = np.random.default_rng(0).integers(40, 220, (96, 128, 3), dtype=np.uint8)
    transform = A.Compose([A.from_dict(each) for each in camera_faults({kind: 1.0})], seed=1)
    changed = transform(image=picture)["image"]
    assert changed.shape == picture.shape
    assert changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - picture).mean() > 1


def test_low_light_is_darker() -> None:
    picture = np.full((32, 32, 3), 150, np.uint8)
    transform = A.Compose([A.from_dict(each) for each in camera_faults({"low_light": 1.0})], seed=1)
    assert transform(image=picture)["image"].mean() < 130


def test_an_unknown_fault_is_named() -> None:
    with pytest.raises(ValueError, match="sandstorm"):
        camera_faults({"sandstorm": 0.5})
