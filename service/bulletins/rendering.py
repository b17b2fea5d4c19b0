"""A document as a file of the form that is wanted."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from streetsight.service.bulletins.document import Document
from streetsight.service.bulletins.html import html
from streetsight.service.bulletins.pdf import pdf
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.word import word
from streetsight.service.bulletins.workbook import workbook
from streetsight.service.faults import Invalid
from streetsight.service.open311.rendering import NO_XML

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
    return RENDERERS[form](_clean(document), pen)


def _clean(value: Any) -> Any:
    """The same without characters that no XML can hold: one would make a whole file unreadable."""
    if isinstance(value, str):
        return NO_XML.sub("\ufffd", value)
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: _clean(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


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
