"""National code tables: what a city looks after, by number, as far as they could be read (`codes.toml`)."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from streetsight.models.taxonomy import Code, Language, default_taxonomy

PATH = Path(__file__).with_name("codes.toml")
Kind = Literal["事项", "部件", "事件"]
OTHER = "other"
"""The condition of what none of ours names."""


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """A line of a table.

    Attributes:
        code: with its table; `name` is the table's own, in Chinese.
        en: our English for it.
        condition: what a person confirms by it: one of the taxonomy, or `other`.
        successor: its number in the table that came after, if that is known.
    """

    code: Code
    en: str
    condition: str
    successor: str | None = None

    def label(self, language: Language) -> str:
        return self.code.name if language == "zh" else self.en


@cache
def code_table() -> tuple[CodeEntry, ...]:
    """All lines of all tables, matters before the components that they are faults of."""
    data = tomllib.loads(PATH.read_text(encoding="utf-8"))
    conditions = {code: name for name, codes in data["conditions"].items() for code in codes}
    entries = [entry for table in data["tables"] for entry in _entries(table, data["tables"], conditions)]
    order = {kind: number for number, kind in enumerate(("事项", "部件", "事件"))}
    return tuple(sorted(entries, key=lambda each: (order[each.code.kind], each.code.scheme, each.code.code)))


def find_code(scheme: str, code: str, kind: str | None = None) -> CodeEntry | None:
    """The line of this number; of several kinds the matter. None when no table has it."""
    found = (each for each in code_table() if (each.code.scheme, each.code.code) == (scheme, code))
    return next((each for each in found if kind in (None, each.code.kind)), None)


def search_codes(words: str, language: Language) -> list[CodeEntry]:
    """Lines that have all these words, in number or name; those that begin so first."""
    wanted = words.casefold().split()
    found = [each for each in code_table() if all(word in _text(each) for word in wanted)]
    first = wanted[0] if wanted else ""
    return sorted(found, key=lambda each: not each.label(language).casefold().startswith(first))


def _text(entry: CodeEntry) -> str:
    return f"{entry.code.code} {entry.code.name} {entry.en}".casefold()


def _entries(
    table: dict[str, Any], tables: list[dict[str, Any]], conditions: Mapping[str, str]
) -> Iterator[CodeEntry]:
    rows, suffix_zh, suffix_en = table["rows"], "", ""
    if "faults_of" in table:
        same = (table["scheme"], table["faults_of"])
        rows = [row for each in tables if (each["scheme"], each["kind"]) == same for row in each["rows"]]
        suffix_zh, suffix_en = "异常", ": fault"
    for number, zh, en, *successor in rows:
        known = conditions.get(successor[0] if successor else number)
        condition = known or table.get("condition") or OTHER
        assert condition in (OTHER, *default_taxonomy().conditions), condition
        code = Code(
            table["scheme"], table["kind"], number, zh + suffix_zh, table["source"], table["verified"]
        )
        yield CodeEntry(code, en + suffix_en, condition, successor[0] if successor else None)
