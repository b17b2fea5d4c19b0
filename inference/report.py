"""The HTML report of one run: one file, pictures inside, no network."""

import base64
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streetsight.inference.pipeline import FrameResult
from streetsight.models.card import Card
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language, default_taxonomy

TEMPLATES = Path(__file__).with_name("templates")
MAX_PICTURES = 300  # about 10 MB of pictures; the JSON has the rest


@dataclass(slots=True)
class Tally:
    """Counts of a run, filled result by result."""

    photos: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    detections: Counter[str] = field(default_factory=Counter)
    photos_with: Counter[str] = field(default_factory=Counter)
    not_scorable: int = 0

    def add(self, result: FrameResult, card: Card) -> None:
        self.photos += 1
        self.outcomes[result.outcome] += 1
        if result.quality and not result.quality.scorable:
            self.not_scorable += 1
            self.faults.update(result.quality.faults)
        if result.detections is not None:
            names = [card.class_names[int(each)] for each in result.detections.class_ids]
            self.detections.update(names)
            self.photos_with.update(set(names))

    @property
    def failed(self) -> int:
        return self.photos - self.outcomes["accepted"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One photo in the report: its result, and a small annotated JPEG if it could be read."""

    result: FrameResult
    thumbnail_jpeg: bytes | None


class Report:
    """Collects entries, issues before the rest when there are more than fit, and renders them."""

    def __init__(self, card: Card, language: Language) -> None:
        self.card, self.language = card, language
        self.tally = Tally()
        self._entries: list[dict[str, Any]] = []
        self._problems: list[dict[str, str]] = []
        self._left_out = 0

    def add(self, entry: Entry) -> None:
        result = entry.result
        self.tally.add(result, self.card)
        if result.error:
            self._problems.append(
                {
                    "name": result.name,
                    "outcome": self._say(result.outcome),
                    "reason": result.error.say(self.language),
                }
            )
        elif entry.thumbnail_jpeg is not None:
            if len(self._entries) < MAX_PICTURES:
                self._entries.append(self._row(entry))
            else:
                self._left_out += 1

    def render(self) -> str:
        return render_template(
            "report.html", self.language, card=self.card, tally=self.tally,
            made_at=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
            classes=class_rows(self.tally, self.card, self.language), entries=self._entries,
            problems=self._problems, left_out=self._left_out,
        )  # fmt: skip

    def _say(self, message: str, /, **values: object) -> str:
        return translate(message, self.language, **values)

    def _row(self, entry: Entry) -> dict[str, Any]:
        result, taxonomy = entry.result, default_taxonomy()
        assert result.detections is not None
        assert result.quality is not None
        counts = Counter(self.card.class_names[int(each)] for each in result.detections.class_ids)
        position, taken_at = result.metadata.position, result.metadata.taken_at
        return {
            "name": result.name,
            "picture": base64.b64encode(entry.thumbnail_jpeg or b"").decode(),
            "tags": [
                {
                    "name": name,
                    "label": taxonomy[name].label(self.language),
                    "colour": taxonomy[name].colour,
                    "count": count,
                    "issue": taxonomy[name].condition is not None,
                }
                for name, count in counts.most_common()
            ],
            "taken_at": taken_at.strftime("%Y-%m-%d %H:%M:%S") if taken_at else "",
            "place": f"{position.lat:.5f}, {position.lon:.5f}" if position else "",
            "faults": [self._say(fault) for fault in result.quality.faults],
        }


def class_rows(tally: Tally, card: Card, language: Language) -> list[dict[str, Any]]:
    """Classes that were seen, those that lead to a condition first, most frequent first."""
    taxonomy = default_taxonomy()
    top = max(tally.detections.values(), default=1)
    rows = []
    for name in card.class_names:
        if not tally.detections[name]:
            continue
        condition = taxonomy[name].condition
        rows.append(
            {
                "name": name,
                "label": taxonomy[name].label(language),
                "colour": taxonomy[name].colour,
                "condition": taxonomy.conditions[condition].label(language) if condition else "",
                "count": tally.detections[name],
                "photos": tally.photos_with[name],
                "share": round(100 * tally.detections[name] / top),
            }
        )
    return sorted(rows, key=lambda row: (not row["condition"], -row["count"]))


def render_template(
    template: str, language: Language, templates: Path = TEMPLATES, /, **values: object
) -> str:
    """A report as a page, from a folder of templates; `say` speaks the language in it."""

    def speak(message: str, /, **fields: object) -> str:
        return translate(message, language, **fields)

    environment = Environment(
        loader=FileSystemLoader(templates), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(language=language, say=speak, **values)
