"""A document as XLSX: a sheet for each table, numbers as numbers, heads that stay, filters."""

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from streetsight.service.bulletins.document import Document, Kind, Paragraph, Table, Value
from streetsight.service.bulletins.pen import Pen

FORMATS: dict[Kind, str] = {
    "text": "@", "count": "#,##0", "points": "0.00##", "change": "+0.00##;-0.00##;0", "share": "0.0%",
    "measure": "#,##0.00####", "moment": "yyyy-mm-dd hh:mm",
}  # fmt: skip
WIDEST, NARROWEST = 48, 8
MOST_CHARACTERS = 32_767
"""Excel's limit of a cell."""


def workbook(document: Document, pen: Pen) -> bytes:
    """The tables of a document, behind a sheet that says what they are.

    The same document gives the same bytes: the only time in it is the document's.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False,
                                        "strings_to_urls": False, "remove_timezone": True})  # fmt: skip
    book.set_properties({"title": document.title, "subject": document.subtitle,
                         "created": document.moment.astimezone(UTC).replace(tzinfo=None)})  # fmt: skip
    _about(book, document, pen)
    for table in document.sheets:
        _sheet(book, table)
    book.close()
    return buffer.getvalue()


def _about(book: Any, document: Document, pen: Pen) -> None:
    say = pen.say
    sheet = book.add_worksheet(say("About"))
    sheet.set_column(0, 0, 100)
    sheet.hide_gridlines(2)
    plain = book.add_format({"text_wrap": True, "valign": "top"})
    title = book.add_format({"bold": True, "font_size": 16})
    mark = book.add_format({"bold": True, "font_color": "#B42318", "text_wrap": True})
    said = [
        each.text for section in document.sections for each in section.blocks if isinstance(each, Paragraph)
    ]
    lines = [(document.title, title), (document.subtitle, plain), *((each, mark) for each in document.marks),
             *((each, plain) for each in (*said, *document.foot))]  # fmt: skip
    for row, (text, look) in enumerate(lines):
        sheet.write_string(row, 0, text, look)


def _sheet(book: Any, table: Table) -> None:
    sheet = book.add_worksheet(table.name[:31])
    head = book.add_format(
        {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#EEF2F6"}
    )
    looks = [book.add_format({"num_format": FORMATS[column.kind]}) for column in table.columns]
    for index, column in enumerate(table.columns):
        sheet.write_string(0, index, column.head, head)
        sheet.set_column(index, index, _width(table, index))
    for number, row in enumerate(table.rows, 1):
        for index, value in enumerate(row):
            _write(sheet, number, index, value, looks[index])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)


def _write(sheet: Any, row: int, column: int, value: Value, look: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value[:MOST_CHARACTERS], look)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value, look)
    else:
        sheet.write_number(row, column, float(value) if isinstance(value, Decimal) else value, look)


def _width(table: Table, index: int) -> float:
    """By the longest of the first rows; a Chinese character is as wide as two others."""
    if table.columns[index].kind == "moment":
        return 17
    texts = [
        table.columns[index].head,
        *(str(row[index]) for row in table.rows[:200] if row[index] is not None),
    ]
    longest = max(sum(2 if ord(each) > 0x2E7F else 1 for each in text) for text in texts)
    return max(NARROWEST, min(WIDEST, longest + 2))
