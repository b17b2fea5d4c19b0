"""A document as DOCX, so that an office goes on writing in it: real headings, lists of tables, styles."""

import io
import zipfile
from datetime import UTC
from typing import Any

from docx import Document as new_document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from streetsight.service.bulletins.document import Document, Paragraph, Picture, Pictures, Table
from streetsight.service.bulletins.pen import Pen

EAST_ASIAN, LATIN = "宋体", "Times New Roman"
HEADINGS = "黑体"
QUIET, WARN, MAIN = RGBColor(0x5B, 0x67, 0x76), RGBColor(0xB4, 0x23, 0x18), RGBColor(0x17, 0x4A, 0x7C)
PAGE_CM, MARGIN_CM = (21.0, 29.7), 2.0
TEXT_CM = PAGE_CM[0] - 2 * MARGIN_CM
WIDE, ROOM_CM = 9, 1.8
"""Columns from which a table is set smaller; room to write in, of forms."""
NO_TIME = (1980, 1, 1, 0, 0, 0)


def word(document: Document, pen: Pen) -> bytes:
    """The pages of a document. The same document gives the same bytes."""
    file = new_document()
    _set_up(file, document)
    file.add_paragraph(document.title, style="Title")
    file.add_paragraph(document.subtitle, style="Subtitle")
    for mark in document.marks:
        file.add_paragraph(mark, style="Intense Quote")
    for number, section in enumerate(document.sections):
        if section.own_page and number:
            file.paragraphs[-1].add_run().add_break(WD_BREAK.PAGE)
        file.add_heading(section.heading, 1)
        for block in section.blocks:
            _add(file, block, pen)
    for line in document.foot:
        file.add_paragraph(line, style="Quiet")
    buffer = io.BytesIO()
    file.save(buffer)
    return _without_times(buffer.getvalue())


def _add(file: Any, block: Paragraph | Table | Pictures, pen: Pen) -> None:
    if isinstance(block, Paragraph):
        file.add_paragraph(block.text, style="Quiet" if block.quiet else None)
    elif isinstance(block, Table):
        _add_table(file, block, pen)
    else:
        _add_pictures(file, block, pen)


def _add_table(file: Any, table: Table, pen: Pen) -> None:
    made = file.add_table(rows=1, cols=len(table.columns), style="Table Grid")
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = [
        Cm(TEXT_CM * each.width / sum(column.width for column in table.columns)) for each in table.columns
    ]
    size = Pt(8) if len(table.columns) >= WIDE else Pt(9.5)
    _fill(made.rows[0], [each.head for each in table.columns], table, widths, size, bold=True)
    _repeat(made.rows[0])
    for row in table.rows:
        said = [pen.written(value, table.columns[index].kind) for index, value in enumerate(row)]
        added = made.add_row()
        _fill(added, said, table, widths, size)
        if table.form and "" in said:
            added.height = Cm(ROOM_CM)
    file.add_paragraph(table.note or "", style="Quiet")


def _fill(row: Any, texts: list[str], table: Table, widths: list[Any], size: Any, bold: bool = False) -> None:
    for cell, text, column, width in zip(row.cells, texts, table.columns, widths, strict=True):
        cell.width = width
        paragraph = cell.paragraphs[0]
        paragraph.style = "Table Text"
        run = paragraph.add_run(text)
        run.bold, run.font.size = bold, size
        if column.is_number:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        if bold:
            _shade(cell, "EEF2F6")


def _add_pictures(file: Any, block: Pictures, pen: Pen) -> None:
    if block.title:
        file.add_heading(block.title, 2)
    for start in range(0, len(block.pictures), 2):
        grid = file.add_table(rows=1, cols=2)
        grid.alignment = WD_TABLE_ALIGNMENT.CENTER
        for cell, picture in zip(grid.rows[0].cells, block.pictures[start : start + 2], strict=False):
            _picture(cell, picture)
    file.add_paragraph("", style="Quiet")


def _picture(cell: Any, picture: Picture) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.keep_with_next = True
    if picture.jpeg is not None:
        paragraph.add_run().add_picture(io.BytesIO(picture.jpeg), width=Cm(TEXT_CM / 2 - 0.5))
    else:
        paragraph.add_run("–")
    cell.add_paragraph(picture.caption, style="Caption")


def _set_up(file: Any, document: Document) -> None:
    section = file.sections[0]
    section.page_width, section.page_height = Cm(PAGE_CM[0]), Cm(PAGE_CM[1])
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(MARGIN_CM)
    for style in file.styles:
        if hasattr(style, "font"):
            _fonts(style, HEADINGS if style.name.startswith(("Heading", "Title")) else EAST_ASIAN)
    file.styles["Normal"].font.size = Pt(10.5)
    for name in ("Title", "Heading 1", "Heading 2"):
        file.styles[name].font.color.rgb = MAIN
    file.styles["Title"].font.size = Pt(22)
    mark, caption = file.styles["Intense Quote"], file.styles["Caption"]
    mark.font.color.rgb, caption.font.color.rgb, caption.font.size = WARN, QUIET, Pt(8.5)
    mark.paragraph_format.left_indent = mark.paragraph_format.right_indent = Cm(0)
    _style(file, "Quiet", Pt(9), QUIET)
    _style(file, "Table Text", Pt(9.5), None)
    properties = file.core_properties
    moment = document.moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties.title, properties.subject, properties.author = document.title, document.subtitle, "Streetsight"
    properties.created = properties.modified = moment
    properties.language, properties.comments = "zh-CN" if document.language == "zh" else "en-GB", ""
    _page_numbers(section.footer.paragraphs[0])


def _style(file: Any, name: str, size: Any, colour: Any) -> None:
    style = file.styles.add_style(name, 1)  # WD_STYLE_TYPE.PARAGRAPH
    style.base_style, style.font.size = file.styles["Normal"], size
    style.paragraph_format.space_after = Pt(2)
    if colour is not None:
        style.font.color.rgb = colour


def _fonts(style: Any, east_asian: str) -> None:
    """Word picks the font of a Chinese character by an attribute of its own, which themes would override."""
    style.font.name = LATIN
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    fonts.set(qn("w:eastAsia"), east_asian)


def _page_numbers(paragraph: Any) -> None:
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for index, field in enumerate(("PAGE", "NUMPAGES")):
        if index:
            paragraph.add_run(" / ")
        element = OxmlElement("w:fldSimple")
        element.set(qn("w:instr"), field)
        paragraph._p.append(element)


def _repeat(row: Any) -> None:
    """The head comes again on every page."""
    head = OxmlElement("w:tblHeader")
    head.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(head)


def _shade(cell: Any, colour: str) -> None:
    shading = OxmlElement("w:shd")
    for name, value in (("val", "clear"), ("color", "auto"), ("fill", colour)):
        shading.set(qn(f"w:{name}"), value)
    cell._tc.get_or_add_tcPr().append(shading)


def _without_times(content: bytes) -> bytes:
    """The same archive; its members have no time of their own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(buffer, "w") as after:
        for name in before.namelist():
            member = zipfile.ZipInfo(name, NO_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(member, before.read(name))
    return buffer.getvalue()
