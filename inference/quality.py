"""The capture-quality gate: can this photo be judged at all?

A street that could not be seen is "not scorable", never "clean". Every figure that led to the verdict is
kept, measured on the picture as the model sees it (longest side = model input), so that it does not
depend on the camera's resolution.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Fault = Literal["too_dark", "over_exposed", "blurred", "lens_covered"]

DARK_LUMA, BRIGHT_LUMA = 24, 250
GRID = 8


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where judging stops.

    The defaults lie outside what 4,260 real street photos (day and night, phones, vehicles, CCTV)
    measure, save for five of them; see `docs/quality-gate.md`.

    Attributes:
        min_brightness: mean luma 0-255.
        max_dark_share: share of pixels below `DARK_LUMA`.
        max_bright_share: share of pixels above `BRIGHT_LUMA`.
        min_sharpness: see `Quality.sharpness`.
        min_detail: see `Quality.detail`.
    """

    min_brightness: float = 22.0
    max_dark_share: float = 0.88
    max_bright_share: float = 0.60
    min_sharpness: float = 1.1
    min_detail: float = 0.16


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured, and the verdict.

    Attributes:
        brightness: mean luma, 0-255.
        dark_share, bright_share: share of pixels that are nearly black, nearly white.
        sharpness: deviation of the second derivative, grey levels; the 90th percentile over an 8 x 8 grid,
            because sky and walls are smooth in good photos too, and the weaker of the two directions,
            because motion blurs along one only.
        detail: share of grid cells whose luma varies at all (deviation above 4 grey levels).
        faults: why the photo is not scorable; empty when it is.
    """

    brightness: float
    dark_share: float
    bright_share: float
    sharpness: float
    detail: float
    faults: tuple[Fault, ...]

    @property
    def scorable(self) -> bool:
        return not self.faults


def measure_quality(image_rgb_hwc: NDArray[np.uint8], limits: QualityLimits = QualityLimits()) -> Quality:
    """Measure one picture, (h, w, 3) uint8 RGB, already at the model's scale and without padding."""
    luma = np.asarray(cv2.cvtColor(image_rgb_hwc, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    histogram = cv2.calcHist([luma], [0], None, [256], [0, 256]).ravel() / luma.size
    brightness = float(histogram @ np.arange(256))
    dark, bright = float(histogram[:DARK_LUMA].sum()), float(histogram[BRIGHT_LUMA + 1 :].sum())
    smooth = np.asarray(cv2.GaussianBlur(luma, (3, 3), 0), dtype=np.uint8)  # sensor noise is no sharpness
    sharpness = min(_edge_strength(smooth, _CURVATURE), _edge_strength(smooth, _CURVATURE.T))
    detail = float((_cell_deviations(luma) > 4).mean())
    faults: list[Fault] = []
    if detail < limits.min_detail and bright <= limits.max_bright_share:
        faults.append("lens_covered")
    if brightness < limits.min_brightness or dark > limits.max_dark_share:
        faults.append("too_dark")
    if bright > limits.max_bright_share:
        faults.append("over_exposed")
    if sharpness < limits.min_sharpness and not faults:
        faults.append("blurred")  # a black or white picture is not also "blurred"
    return Quality(
        round(brightness, 1),
        round(dark, 3),
        round(bright, 3),
        round(sharpness, 2),
        round(detail, 3),
        tuple(faults),
    )


_CURVATURE = np.array([[1, -2, 1]], dtype=np.float32)


def _edge_strength(smooth: NDArray[np.uint8], kernel: NDArray[np.float32]) -> float:
    curvature = cv2.filter2D(smooth, cv2.CV_32F, kernel)
    return float(np.percentile(_cell_deviations(curvature), 90))


def _cell_deviations(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Standard deviation in each cell of an 8 x 8 grid, (64,): sqrt(E[x^2] - E[x]^2)."""
    exact = values.astype(np.float32)
    mean, mean_square = (
        cv2.resize(each, (GRID, GRID), interpolation=cv2.INTER_AREA) for each in (exact, exact * exact)
    )
    deviations: NDArray[np.float64] = np.sqrt(np.maximum(mean_square - mean * mean, 0), dtype=np.float64)
    return deviations.ravel()
