"""Plots of the report as inline SVG: precision against recall, precision against score."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from streetsight.training.evaluation.calibration import Bin
from streetsight.training.evaluation.curves import Curve

SIDE, EDGE = 200, 26  # drawing area and margin, SVG units
POINTS = 120  # of a curve; more cannot be told apart


def precision_recall(points: Curve, deployed: tuple[float, float] | None, colour: str) -> Markup:
    """Precision (up) against recall (right); the dot is the deployed threshold.

    Args:
        deployed: recall and precision there; None where nothing reaches it.
    """
    step = np.unique(np.searchsorted(points.recall, np.linspace(0, points.recall.max(initial=0), POINTS)))
    line = [_place(points.recall[index], points.precision[index]) for index in step if len(points.recall)]
    marks = Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"/>').format(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in line), colour
    )
    if deployed is not None:
        x, y = _place(*deployed)
        marks += Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5" fill="{}" class="dotmark"/>').format(
            x, y, colour
        )
    return _frame(marks)


def reliability(bins: Sequence[Bin], colour: str) -> Markup:
    """Precision (up) against score (right); on the diagonal a score means what it says. Area is count."""
    most = max((each.detections for each in bins), default=1)
    x, y = zip(_place(0, 0), _place(1, 1), strict=True)
    marks = Markup('<line x1="{}" x2="{}" y1="{}" y2="{}" class="diagonal"/>').format(*x, *y)
    for each in bins:
        x_mark, y_mark = _place(each.score, each.precision)
        radius = 2.5 + 6 * (each.detections / most) ** 0.5
        marks += Markup(
            '<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" fill="{}" fill-opacity=".75">'
            "<title>{}</title></circle>"
        ).format(
            x_mark, y_mark, radius, colour, f"{each.detections}: {each.score:.2f} / {each.precision:.2f}"
        )
    return _frame(marks)


def _place(right: float, up: float) -> tuple[float, float]:
    return EDGE + SIDE * float(right), EDGE / 2 + SIDE * (1 - float(up))


def _frame(marks: Markup) -> Markup:
    lines = Markup()
    for value in (0, 0.25, 0.5, 0.75, 1):
        x, y = _place(value, value)
        lines += Markup(
            '<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" class="grid"/>'
            '<line x1="{3}" x2="{4}" y1="{5}" y2="{5}" class="grid"/>'
        ).format(x, _place(0, 1)[1], _place(0, 0)[1], _place(0, 0)[0], _place(1, 0)[0], y)
        if value in (0, 0.5, 1):
            lines += Markup(
                '<text x="{}" y="{}" text-anchor="middle">{}</text>'
                '<text x="{}" y="{}" text-anchor="end">{}</text>'
            ).format(x, _place(0, 0)[1] + 14, value, EDGE - 4, y + 4, value)
    size = f"0 0 {SIDE + EDGE + 10} {SIDE + EDGE + 8}"
    return Markup('<svg viewBox="{}" role="img">').format(size) + lines + marks + Markup("</svg>")
