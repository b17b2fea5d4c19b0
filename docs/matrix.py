"""Render docs/coverage.toml to coverage.md and coverage.zh-CN.md, with figures of the card in force.

`python docs/matrix.py` writes them; a test checks that they are up to date.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from streetsight.models.card import Card, ClassMetrics
from streetsight.models.releases import load_release
from streetsight.models.taxonomy import Code, Language, default_taxonomy

DOCS = Path(__file__).parent
DATA = DOCS / "coverage.toml"
PAGES: dict[Language, Path] = {"en": DOCS / "coverage.md", "zh": DOCS / "coverage.zh-CN.md"}

NATIONAL, FORMER, FIRST = "GB/T 47678.5-2026", "GB/T 30428.2-2013", "CJ/T 214-2007"
KINDS = {"m": (NATIONAL, "事项"), "c": (NATIONAL, "部件"), "e": (FORMER, "事件"), "o": (FIRST, "事件")}

Item = dict[str, Any]

PAGE = {
    "en": """# What the cities' lists name, and what Streetsight sees of it

[中文](coverage.zh-CN.md)

Items of GB/T 47678.5-2026 (250 numbers), of the two tables before it, and of the plans and assessment sheets
of several cities. Each is one of:

{means}

{counts}

Adding a class takes labelled photos and data, no code: see [training.md](training.md). The codes are
proposals: they were read in published tables, none was checked against the printed standard
([taxonomy.md](taxonomy.md)). A code means nothing without its table: 事项 and 部件 are of {national},
**2013** is {former}, **2007** is {first}. The fault of a component (部件) is the matter (事项) of the same
number, named "…异常".

Figures in brackets are AP50 on photos of places never trained on, and the number of labelled boxes behind it,
for `{address}`; where boxes are few, they are rough. `streetsight models show` has precision and recall. A
class that is detected and has no figures is not in this release or was not judged. A detection is a lead: a
person confirms.
""",
    "zh": """# 城市清单里的事项,Streetsight 能看到哪些

[English](coverage.md)

收录 GB/T 47678.5-2026 的 250 个编号、此前两版编码表,以及多个城市的方案和考评表所列事项。每一项属于下列之一:

{means}

{counts}

增加类别只需标注照片和数据,不改代码,见 [training.md](training.md)。代码仅为建议:取自公开的编码表,
未与标准原文核对([taxonomy.md](taxonomy.md))。代码离开所属标准没有意义:事项、部件属 {national},
**2013** 指 {former},**2007** 指 {first}。部件的问题对应同号事项“…异常”。

括号内是模型 `{address}` 在从未参与训练的地点的照片上的 AP50 和标注框数,框数少时仅供参考;精确率和召回率见
`streetsight models show`。标为检出而没有数字的类别,不在该模型中或未评价。检测结果是线索,须经人工核实。
""",
}
COUNTS = {
    "en": "| | items | numbers of {national} |\n|---|---|---|",
    "zh": "| | 事项数 | {national} 编号数 |\n|---|---|---|",
}
HEADINGS = {
    "en": "| item | codes | Streetsight | class (AP50, boxes) | why, what helps |\n|---|---|---|---|---|",
    "zh": "| 事项 | 代码 | 处理 | 类别(AP50,框数) | 原因与办法 |\n|---|---|---|---|---|",
}


def load() -> dict[str, Any]:
    """The matrix as data."""
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def items(data: dict[str, Any]) -> list[Item]:
    """Every item, in order."""
    return [item for group in data["groups"] for item in group["items"]]


def codes(item: Item) -> set[tuple[str, str, str]]:
    """(scheme, kind, code) of every number of an item; a component brings the matter of its number."""
    listed = {(*KINDS[key], code) for key in KINDS for code in item.get(key, ())}
    return listed | {(NATIONAL, "事项", code) for code in item.get("c", ())}


def key_of(code: Code) -> tuple[str, str, str]:
    """A code of the taxonomy in the form of `codes`."""
    return code.scheme, code.kind, code.code


def page(data: dict[str, Any], card: Card, language: Language) -> str:
    """The whole page as Markdown."""
    intro = PAGE[language].format(
        means="\n".join(
            f"- **{entry[language]}**: {entry[f'{language}_means']}" for entry in data["how"].values()
        ),
        counts=_counts(data, language),
        national=NATIONAL, former=FORMER, first=FIRST, address=card.address,
    )  # fmt: skip
    figures = {
        row.name: row
        for evaluation in card.evaluations
        if evaluation.part == "test"
        for row in evaluation.classes
    }
    parts = [intro]
    for group in data["groups"]:
        rows = [_row(item, data, figures, language) for item in group["items"]]
        parts.append("\n".join([f"## {group[language]}\n", HEADINGS[language], *rows, ""]))
    return "\n".join(parts)


def _counts(data: dict[str, Any], language: Language) -> str:
    entries, numbers = Counter[str](), Counter[str]()
    for item in items(data):
        entries[item["how"]] += 1
        numbers[item["how"]] += len(item.get("m", ())) + len(item.get("c", ()))
    rows = [f"| {entry[language]} | {entries[how]} | {numbers[how]} |" for how, entry in data["how"].items()]
    return "\n".join([COUNTS[language].format(national=NATIONAL), *rows])


def _row(item: Item, data: dict[str, Any], figures: dict[str, ClassMetrics], language: Language) -> str:
    name = item["zh"] if language == "zh" else f"{item['zh']}<br>{item['en']}"
    reasons = [data["reasons"][key][language] for key in item.get("why", ())]
    note = [item[f"{language}_note"]] if f"{language}_note" in item else []
    measured = figures if item["how"] == "detected" else {}  # a neighbour's figures would say nothing
    shown = [_class(each, measured, language) for each in item.get("classes", ())]
    separator = ";" if language == "zh" else "; "
    return (
        f"| {name} | {_codes(item, data)} | {data['how'][item['how']][language]} | {'<br>'.join(shown)} "
        f"| {separator.join([*note, *reasons])} |"
    )


def _codes(item: Item, data: dict[str, Any]) -> str:
    parts = []
    for key, label in (("m", "事项"), ("c", "部件"), ("e", "2013"), ("o", "2007")):
        numbers = [*item.get(key, ()), *(_former_components(item, data) if key == "e" else ())]
        if numbers:
            parts.append(f"{label} {' '.join(numbers)}")
    return "<br>".join(parts)


def _former_components(item: Item, data: dict[str, Any]) -> list[str]:
    """Numbers of 2013 of an item's components, where they are confirmed: 01037 was 0137."""
    confirmed = data["components_2013"]
    return [
        f"{code[:2]}{code[3:]}" for code in item.get("c", ()) if int(code[2:]) in confirmed.get(code[:2], ())
    ]


def _class(name: str, figures: dict[str, ClassMetrics], language: Language) -> str:
    entry = default_taxonomy()[name]
    label = f"`{name}`" if language == "en" else f"{entry.zh} `{name}`"
    row = figures.get(name)
    return f"{label} ({row.ap50:.2f}, {row.boxes})" if row else label


def main() -> None:
    data, card = load(), load_release().card
    for language, path in PAGES.items():
        path.write_text(page(data, card, language), encoding="utf-8")


if __name__ == "__main__":
    main()
