"""A document as a file of the form that is wanted."""

from collections.abc import Callable
from typing import Literal

from streetsight.service.bulletins.document import Document
from streetsight.service.bulletins.html import html
from streetsight.service.bulletins.pdf import pdf
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.word import word
from streetsight.service.bulletins.workbook import workbook

Form = Literal["html", "pdf", "docx", "xlsx"]
MEDIA_TYPES: dict[Form, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
RENDERERS: dict[Form, Callable[[Document, Pen], bytes]] = {
    "html": html, "pdf": pdf, "docx": word, "xlsx": workbook,
}  # fmt: skip


def rendered(document: Document, form: Form, pen: Pen) -> bytes:
    """The file's bytes; the same document gives the same ones."""
    return RENDERERS[form](document, pen)
