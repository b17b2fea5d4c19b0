"""The evaluation as one HTML file for the analyst's own disk: figures, curves, mistakes as pictures."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from streetsight.inference.report import render_template
from streetsight.models.card import ClassMetrics, Interval
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.training.evaluation import label_errors, mistakes, plots
from streetsight.training.evaluation.assessment import Assessment
from streetsight.training.evaluation.curves import curve, unit_weights
from streetsight.training.evaluation.label_errors import Suspect
from streetsight.training.evaluation.metrics import precision, recall
from streetsight.training.evaluation.pictures import Marks, draw_marks

TEMPLATES = Path(__file__).parents[1] / "templates"
MAX_SUSPECTS = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as a page shows it: the number and its interval, both already text."""

    value: str
    interval: str = ""


def render_report(assessment: Assessment, language: Language) -> str:
    """The evaluation report."""
    rows = (*assessment.evaluation.conditions, *assessment.evaluation.classes)
    return _render(
        "evaluation.html",
        language,
        card=assessment.card,
        figures=assessment.evaluation,
        means={
            name: _shown(getattr(assessment.evaluation, name), assessment.evaluation.intervals.get(name), 3)
            for name in ("condition_map50", "map50", "map50_95")
        },
        conditions=[_row(each, assessment, language) for each in assessment.evaluation.conditions],
        classes=[_row(each, assessment, language) for each in assessment.evaluation.classes],
        plots=[_plots(each.name, assessment, language) for each in rows],
        slices=_slice_tables(assessment, language),
        confusion=_confusion(assessment, language),
        mistakes=_mistakes(assessment, language),
    )


def render_label_errors(assessment: Assessment, found: Sequence[Suspect], language: Language) -> str:
    """The likeliest label errors as pictures."""
    return _render(
        "label_errors.html",
        language,
        card=assessment.card,
        figures=assessment.evaluation,
        total=len(found),
        entries=[_suspect(each, assessment, language) for each in found[:MAX_SUSPECTS]],
    )


def _render(template: str, language: Language, **context: Any) -> str:
    made_at = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z")
    return render_template(template, language, TEMPLATES, made_at=made_at, **context)


def label_of(name: str, language: Language) -> str:
    """A class or condition for people."""
    taxonomy = default_taxonomy()
    entry = taxonomy.conditions[name] if name in taxonomy.conditions else taxonomy[name]
    return entry.label(language)


def colour_of(name: str) -> str:
    """Of a class or condition, #RRGGBB."""
    taxonomy = default_taxonomy()
    return (taxonomy.conditions[name] if name in taxonomy.conditions else taxonomy[name]).colour


def _row(row: ClassMetrics, assessment: Assessment, language: Language) -> dict[str, Any]:
    thresholds = {each.name: each.threshold for each in assessment.card.classes}
    figures = {
        name: _shown(getattr(row, name), row.intervals.get(name), digits)
        for name, digits in (
            ("ap50", 3), ("ap50_95", 3), ("precision", 2), ("recall", 2), ("recall_at_p80", 2),
            ("recall_at_p90", 2), ("false_alarms_per_100", 1), ("ece", 2),
        )
    }  # fmt: skip
    return {
        "name": row.name,
        "label": label_of(row.name, language),
        "colour": colour_of(row.name),
        "photos": row.photos,
        "boxes": row.boxes,
        "groups": row.groups,
        "rough": row.rough,
        "lead": row.name in thresholds and default_taxonomy()[row.name].condition is not None,
        "threshold": f"{thresholds[row.name]:.3f}" if row.name in thresholds else "",
        **figures,
    }


def _shown(value: float | None, ends: Interval | None, digits: int) -> Shown:
    if value is None:
        return Shown("-")
    return Shown(f"{value:.{digits}f}", f"{ends[0]:.{digits}f} – {ends[1]:.{digits}f}" if ends else "")


def _plots(name: str, assessment: Assessment, language: Language) -> dict[str, Any]:
    seen, colour = assessment.seen[name], colour_of(name)
    once = unit_weights(seen.deployed)
    at = float(recall(seen.deployed, once)[0]), float(precision(seen.deployed, once)[0])
    return {
        "label": label_of(name, language),
        "boxes": len(seen.everything.label_photos),
        "curve": plots.precision_recall(curve(seen.everything), None if np.isnan(at[1]) else at, colour),
        "reliability": plots.reliability(assessment.reliability[name], colour),
    }


def _slice_tables(assessment: Assessment, language: Language) -> list[dict[str, Any]]:
    """One table each for size, light and source; a row for each condition or class on each slice."""
    conditions = {row.name for row in assessment.evaluation.conditions}
    tables = []
    for kind in ("size", "light", "source"):
        rows = [
            {
                "slice": each.name,
                "label": label_of(each.category, language),
                "colour": colour_of(each.category),
                "condition": each.category in conditions,
                "photos": each.photos,
                "boxes": each.boxes,
                "rough": each.rough,
                **{
                    name: _shown(getattr(each, name), each.intervals.get(name), digits)
                    for name, digits in (
                        ("ap50", 3), ("precision", 2), ("recall", 2), ("false_alarms_per_100", 1)
                    )
                },
            }
            for each in assessment.slices
            if each.kind == kind and (kind == "source") != (each.category in conditions)
        ]  # fmt: skip
        tables.append({"kind": kind, "rows": rows})
    return tables


def _confusion(assessment: Assessment, language: Language) -> dict[str, Any]:
    matrix = assessment.confusion
    shares = matrix.shares()
    names = [label_of(name, language) for name in matrix.names]
    rows = []
    for index in range(len(names) + 1):
        cells = [
            {
                "count": int(matrix.counts[index, column]) or "",
                "share": f"{shares[index, column]:.2f}",
                "interval": f"{matrix.low[index, column]:.2f} – {matrix.high[index, column]:.2f}",
                "tint": round(70 * float(shares[index, column])) if index < len(names) else 0,
                "right": index == column,
            }
            for column in range(len(names) + 1)
        ]
        rows.append({"label": names[index] if index < len(names) else None, "cells": cells})
    return {"names": names, "rows": rows}


def _mistakes(assessment: Assessment, language: Language) -> list[dict[str, Any]]:
    """Of each class its surest false alarms and largest missed labels, with a picture."""
    found = mistakes.worst_mistakes(assessment.judged, assessment.seen, assessment.card)
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        one = assessment.judged[each.photo]
        labels = one.labelled(each.name)
        seen = [each.box_xyxy_px] if each.kind == "false_alarm" else []
        groups.setdefault(each.name, []).append(
            {
                "kind": each.kind,
                "picture": _picture(one.record.image, one.size_wh, Marks(each.box_xyxy_px, labels, seen)),
                "score": f"{each.score:.2f}" if each.score is not None else "",
                "why": mistakes.explain(each, language),
                "file": f"{one.record.source}/{one.record.image.name}",
            }
        )
    return [
        {"label": label_of(name, language), "colour": colour_of(name), "entries": entries}
        for name, entries in groups.items()
    ]


def _suspect(each: Suspect, assessment: Assessment, language: Language) -> dict[str, Any]:
    one = assessment.judged[each.photo]
    labels = [] if each.kind == "missing_label" else [each.box_xyxy_px]
    seen = [] if each.seen_xyxy_px is None else [each.seen_xyxy_px]
    return {
        "kind": each.kind,
        "label": label_of(each.name, language),
        "colour": colour_of(each.name),
        "score": f"{each.score:.2f}",
        "why": label_errors.explain(each, language),
        "picture": _picture(one.record.image, one.size_wh, Marks(each.box_xyxy_px, labels, seen)),
        "file": f"{one.record.source}/{one.record.image.name}",
    }


def _picture(path: Path, size_wh: tuple[int, int], marks: Marks) -> Markup:
    return Markup(base64.b64encode(draw_marks(path, size_wh, marks)).decode())
