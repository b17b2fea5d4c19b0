"""Write suggestions where people label: a CSV list, or Label Studio tasks with boxes to correct."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from streetsight.inference.writers import plain, write
from streetsight.models.taxonomy import Language
from streetsight.training.selection.sources import SuggestionError
from streetsight.training.selection.suggestion import Suggestion, Suggestions
from streetsight.training.selection.words import reason

COLUMNS = (
    "rank", "image", "motive", "class", "reason", "score", "threshold", "expected", "likeness", "known",
    "sha256", "release",
)  # fmt: skip


def check_form(path: Path) -> None:
    """Refuse a file name that does not say in which form to write, before any work is done.

    Raises:
        SuggestionError: naming the endings that are known.
    """
    if path.suffix.lower() not in (".csv", ".json"):
        raise SuggestionError(
            "{path}: end the name in .csv for a list or .json for Label Studio tasks", path=path
        )


def save(answer: Suggestions, path: Path, language: Language) -> None:
    """Write a CSV list or Label Studio tasks, by the file's name; whole or not at all.

    Raises:
        SuggestionError: for another ending, or a file that cannot be written.
    """
    check_form(path)
    as_list = path.suffix.lower() == ".csv"
    text = to_csv(answer, language) if as_list else to_label_studio(answer, language)
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The byte order mark tells spreadsheets that a CSV is UTF-8.
        draft.write_text(text, encoding="utf-8-sig" if as_list else "utf-8", newline="")
        draft.replace(path)
    except OSError as error:
        raise SuggestionError("cannot write to {path}: {reason}", path=path, reason=error.strerror) from error
    finally:
        draft.unlink(missing_ok=True)


def to_csv(answer: Suggestions, language: Language) -> str:
    """A row a photo, best first."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", extrasaction="ignore")
    writer.writeheader()
    for each in answer.chosen:
        row = {key: "" if value is None else value for key, value in to_row(each, answer, language).items()}
        writer.writerow({key: plain(value) for key, value in row.items()})
    return out.getvalue()


def to_label_studio(answer: Suggestions, language: Language) -> str:
    """Tasks in the form of `streetsight detect -f labelstudio`, the reason beside the picture."""
    out = io.StringIO()
    write([each.result for each in answer.chosen], answer.card, "labelstudio", out)
    tasks: list[dict[str, Any]] = json.loads(out.getvalue())
    for task, each in zip(tasks, answer.chosen, strict=True):
        row = to_row(each, answer, language)
        task["data"] |= {key: row[key] for key in ("rank", "motive", "class", "reason")}
    return json.dumps(tasks, ensure_ascii=False, indent=1) + "\n"


def to_json(answer: Suggestions, language: Language) -> dict[str, Any]:
    """The whole answer."""
    return {
        "release": answer.card.address,
        "classes": list(answer.classes),
        "photos": answer.photos,
        "counted": answer.counted,
        "known": answer.known,
        "suggestions": [to_row(each, answer, language) for each in answer.chosen],
        "left_out": [
            {"image": each.name, "outcome": each.outcome, "reason": each.reason(language)}
            for each in answer.left_out
        ],
    }


def to_row(suggestion: Suggestion, answer: Suggestions, language: Language) -> dict[str, Any]:
    """One suggestion with its numbers; the figures of a class are None where no class decided."""
    pick = suggestion.pick
    return {
        "rank": suggestion.rank,
        "image": suggestion.result.name,
        "motive": pick.motive,
        "class": suggestion.class_name,
        "reason": reason(suggestion, answer, language),
        "score": _rounded(suggestion.best_score),
        "threshold": _rounded(suggestion.threshold),
        "expected": _rounded(pick.expected) if suggestion.class_name else None,
        "likeness": _rounded(pick.likeness),
        "known": suggestion.known,
        "sha256": suggestion.result.sha256,
        "release": answer.card.address,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
