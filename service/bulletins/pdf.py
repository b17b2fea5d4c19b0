"""A document as PDF: set by Typst, A4, page numbers, the font inside, text that can be copied and searched.

The font of the repository has the characters of GB 2312. What lies outside it, as in rare names, is taken
from the system's fonts; where those lack it too a box is printed, so the last page names these characters by
their code points.
"""

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import typst

from streetsight.inference.drawing import FONT
from streetsight.service.bulletins.document import Document, Paragraph, Picture, Pictures, Section, Table
from streetsight.service.bulletins.pen import Pen

TEMPLATE = Path(__file__).with_name("templates") / "bulletin.typ"
MOST_NAMED = 40


def pdf(document: Document, pen: Pen) -> bytes:
    """The pages of a document. The same document gives the same bytes, with the same fonts on the machine."""
    say = pen.say
    with tempfile.TemporaryDirectory(prefix="bulletin-") as name:
        folder = Path(name)
        content = _content(document, pen, folder)
        if rare := rare_characters(json.dumps(content, ensure_ascii=False)):
            named = " ".join(f"{each} U+{ord(each):04X}" for each in rare[:MOST_NAMED])
            content["foot"].append(
                say("Characters outside of the embedded font, by code point: {named}", named=named)
            )
        (folder / "data.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        (folder / "main.typ").write_bytes(TEMPLATE.read_bytes())
        made = typst.compile(
            folder / "main.typ",
            root=folder,
            font_paths=[FONT.parent],
            format="pdf",
            timestamp=document.moment.replace(microsecond=0),
        )
    assert isinstance(made, bytes)
    return made


def rare_characters(text: str) -> list[str]:
    """Chinese characters that the font of the repository does not have, each once, in order."""
    return sorted({each for each in text if ord(each) >= 0x2E80 and not _is_known(each)})


def _is_known(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _content(document: Document, pen: Pen, folder: Path) -> dict[str, Any]:
    pictures: dict[bytes, str] = {}
    return {
        "language": document.language, "title": document.title, "subtitle": document.subtitle,
        "marks": list(document.marks), "foot": list(document.foot),
        "sections": [_section(each, pen, folder, pictures) for each in document.sections],
    }  # fmt: skip


def _section(section: Section, pen: Pen, folder: Path, pictures: dict[bytes, str]) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    for block in section.blocks:
        if isinstance(block, Paragraph):
            blocks.append({"kind": "paragraph", **dataclasses.asdict(block)})
        elif isinstance(block, Table):
            blocks.append(_table(block, pen))
        else:
            blocks.append(_pictures(block, folder, pictures))
    return {"heading": section.heading, "own_page": section.own_page, "blocks": blocks}


def _table(table: Table, pen: Pen) -> dict[str, Any]:
    return {
        "kind": "table",
        "note": table.note,
        "form": table.form,
        "heads": [each.head for each in table.columns],
        "widths": [each.width for each in table.columns],
        "numbers": [each.is_number for each in table.columns],
        "rows": [
            [pen.written(value, table.columns[index].kind) for index, value in enumerate(row)]
            for row in table.rows
        ],
    }


def _pictures(block: Pictures, folder: Path, known: dict[bytes, str]) -> dict[str, Any]:
    return {"kind": "pictures", "title": block.title,
            "pictures": [_picture(each, folder, known) for each in block.pictures]}  # fmt: skip


def _picture(picture: Picture, folder: Path, known: dict[bytes, str]) -> dict[str, Any]:
    if picture.jpeg is None:
        return {"file": None, "caption": picture.caption}
    if picture.jpeg not in known:
        known[picture.jpeg] = f"{len(known)}.jpg"
        (folder / known[picture.jpeg]).write_bytes(picture.jpeg)
    return {"file": known[picture.jpeg], "caption": picture.caption}
