"""A document as a file of the form that is wanted."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from streetsight.service.bulletins.document import Document
from streetsight.service.bulletins.html import html
from streetsight.service.bulletins.pdf import pdf
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.word import word
from streetsight.service.bulletins.workbook import workbook
from streetsight.service.faults import Invalid

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


class UnknownEnding(Invalid):
    """A file name that does not say which form is wanted."""

    code = "unknown_ending"


def rendered(document: Document, form: Form, pen: Pen) -> bytes:
    """The file's bytes; the same document gives the same ones."""
    return RENDERERS[form](document, pen)


def form_of(output: Path) -> Form:
    """The form that a file's ending asks for. Raises UnknownEnding."""
    return one_of(output, tuple(RENDERERS))  # type: ignore[return-value]


def one_of(output: Path, endings: Sequence[str]) -> str:
    """A file's ending, which is one of these. Raises UnknownEnding."""
    ending = output.suffix.removeprefix(".").lower()
    if ending not in endings:
        raise UnknownEnding(
            "{file}: expected a name that ends in {endings}", file=output.name,
            endings=", ".join(f".{each}" for each in endings),
        )  # fmt: skip
    return ending
