"""Files that an evaluation leaves: the report, and the likely label errors as a table or as pictures."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import Language
from streetsight.training.evaluation.assessment import Assessment
from streetsight.training.evaluation.label_errors import Suspect, explain, suspects
from streetsight.training.evaluation.report import render_label_errors, render_report

REPORT_FORMS, LABEL_ERROR_FORMS = (".html",), (".csv", ".json", ".html")


class TargetError(SpokenError):
    """A file cannot be written as asked."""


def check_targets(report: Path | None, label_errors: Path | None) -> None:
    """Refuse what could not be written, before the work and not after it.

    Raises:
        TargetError: naming the file and what was expected.
    """
    for path, forms in ((report, REPORT_FORMS), (label_errors, LABEL_ERROR_FORMS)):
        if path is None:
            continue
        if path.suffix.lower() not in forms:
            raise TargetError(
                "{path}: expected a name that ends in {forms}", path=path, forms=", ".join(forms)
            )
        if not path.parent.is_dir():
            raise TargetError("{path}: the folder does not exist; make it first", path=path)


def write_report(assessment: Assessment, path: Path, language: Language) -> None:
    """Write the HTML report; whole or not at all."""
    _write(path, render_report(assessment, language))


def write_label_errors(assessment: Assessment, path: Path, language: Language) -> None:
    """Write the likely label errors, best first, in the form that the name asks for; whole or not at all."""
    found = suspects(assessment.judged, assessment.card)
    match path.suffix.lower():
        case ".html":
            text = render_label_errors(assessment, found, language)
        case ".json":
            rows = [_row(each, assessment, language) for each in found]
            text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
        case _:
            text = _csv([_row(each, assessment, language) for each in found])
    _write(path, text)


def _row(suspect: Suspect, assessment: Assessment, language: Language) -> dict[str, Any]:
    """One suspect as data; boxes in pixels of the upright original."""
    one = assessment.judged[suspect.photo]
    sides = ("x1", "y1", "x2", "y2")
    return {
        "score": round(suspect.score, 4),
        "kind": suspect.kind,
        "reason": explain(suspect, language),
        "source": one.record.source,
        "file": str(one.record.image),
        "group": one.record.group,
        "class": suspect.name,
        "seen_as": suspect.seen_as or "",
        "seen_score": round(suspect.seen_score, 4),
        **{side: round(float(each), 1) for side, each in zip(sides, suspect.box_xyxy_px, strict=True)},
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    target = io.StringIO()
    names = list(rows[0]) if rows else ["score", "kind", "reason", "source", "file", "group", "class"]
    writer = csv.DictWriter(target, names)
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + target.getvalue()  # the mark tells spreadsheets that it is UTF-8


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise TargetError(
            "cannot write to {path}: {reason}", path=path, reason=error.strerror or error
        ) from error
