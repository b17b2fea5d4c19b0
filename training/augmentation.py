"""What patrol cameras meet and sorted photos lack, as albumentations (pixels only; boxes stay).

Geometry and colour are ultralytics' own settings. Probabilities come from the recipe.
"""

from typing import Any

import streetsight.training.quiet  # noqa: F401  (switches albumentations' look-up of versions off)

import albumentations as A

KINDS = ("motion_blur", "defocus", "rain", "low_light", "noise", "compression", "lens_dirt", "haze")


def camera_faults(chances: dict[str, float]) -> list[dict[str, Any]]:
    """Albumentations transforms in their serialised form, one per entry of `chances`.

    Args:
        chances: kind (of `KINDS`) -> probability per picture.

    Raises:
        ValueError: naming a kind that is not known.
    """
    unknown = sorted(set(chances) - set(KINDS))
    if unknown:
        raise ValueError(f"unknown camera faults {unknown}; known: {', '.join(KINDS)}")
    return [A.to_dict(_transform(kind, chance)) for kind, chance in chances.items()]


def _transform(kind: str, p: float) -> A.BasicTransform:
    match kind:
        case "motion_blur":  # 3-11 px at training size: 30-60 km/h at dusk
            return A.MotionBlur(blur_limit=(3, 11), p=p)
        case "defocus":
            return A.GaussianBlur(blur_limit=(3, 7), p=p)
        case "rain":
            return A.RandomRain(drop_length=12, drop_width=1, blur_value=3, brightness_coefficient=0.85, p=p)
        case "low_light":
            return A.RandomBrightnessContrast(brightness_limit=(-0.5, -0.2), contrast_limit=(-0.3, 0.1), p=p)
        case "noise":
            return A.ISONoise(color_shift=(0.01, 0.05), intensity=(0.1, 0.5), p=p)
        case "compression":
            return A.ImageCompression(quality_range=(25, 75), p=p)
        case "lens_dirt":
            return A.Spatter(mode="mud", cutout_threshold=(0.6, 0.7), p=p)
        case _:  # an even veil; albumentations' fog takes half a second a picture
            return A.RandomBrightnessContrast(brightness_limit=(0.05, 0.2), contrast_limit=(-0.5, -0.2), p=p)
