"""Documents in all formats: whatever stands in them, the file can be read, and says it."""

import io
import re
import time
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from docx import Document as read_word
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook  # type: ignore[import-untyped]
from pypdf import PdfReader

from streetsight.service.bulletins.document import (
    Column,
    Document,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
)
from streetsight.service.bulletins.pdf import rare_characters
from streetsight.service.bulletins.pen import Pen, points_said
from streetsight.service.bulletins.rendering import RENDERERS, Form, rendered

PEN = Pen("zh", ZoneInfo("Asia/Shanghai"))
MOMENT = datetime(2026, 11, 1, 2, 3, 4, 567, tzinfo=UTC)
COLUMNS = [Column("名称"), Column("得分", "points"), Column("时间", "moment")]


def document(text: str) -> Document:
    table = Table("排名", COLUMNS, [[text, Decimal("98.5"), MOMENT], ["b", "未检查", None]], note=text)
    form = Table("表", [Column("a"), Column("b")], [[text, ""]], form=True)
    blocks: list[Paragraph | Table | Pictures] = [
        Paragraph(text),
        table,
        form,
        Pictures(text, [Picture(None, text)]),
    ]
    return Document(
        "zh", text, text, MOMENT, marks=[text], foot=[text], sheets=[table],
        sections=[Section(text, blocks), Section("二", [table], own_page=True)],
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_leaves_files_that_can_be_read(text: str) -> None:
    book = load_workbook(io.BytesIO(rendered(document(text), "xlsx", PEN)))
    assert book["排名"]["B2"].value == 98.5
    assert book["排名"]["B3"].value == "未检查"
    read_word(io.BytesIO(rendered(document(text), "docx", PEN)))
    html = rendered(document(text), "html", PEN).decode()
    assert re.findall(r"<(script|iframe|object|embed|link)", html) == []


@pytest.mark.parametrize(
    "text", ["#set text(0pt) $x$ @a <b> \\", "=1+1", "\ufffe\u0007", "喆镕😀", "*_`[link]"]
)
def test_markup_of_typst_is_text(text: str) -> None:
    reader = PdfReader(io.BytesIO(rendered(document(text), "pdf", PEN)))
    found = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
    if text.isascii():
        assert re.sub(r"\s", "", text) in found
    assert len(reader.pages) == 2
    for rare in filter(str.isprintable, rare_characters(text)):
        assert f"U+{ord(rare):04X}" in found


@pytest.mark.parametrize("form", RENDERERS)
def test_no_clock_is_in_a_file(form: Form) -> None:
    first = rendered(document("南片区"), form, PEN)
    time.sleep(2.1)  # the archives that DOCX and XLSX are have times of two seconds
    assert rendered(document("南片区"), form, PEN) == first


@pytest.mark.parametrize(
    ("points", "said"),
    [("98.5", "98.50"), ("-0.125", "−0.125"), ("100", "100.00"), ("1E+2", "100.00"), ("0", "0.00")],
)
def test_points_have_two_places_or_more(points: str, said: str) -> None:
    assert points_said(Decimal(points)) == said
