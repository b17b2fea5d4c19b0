"""A document as one HTML file: no script, nothing fetched, pictures inside; to be read, sent and printed."""

import base64
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streetsight.service.bulletins.document import Document, Paragraph, Pictures, Table
from streetsight.service.bulletins.pen import Pen

TEMPLATES = Path(__file__).with_name("templates")


def html(document: Document, pen: Pen) -> bytes:
    """The pages of a document."""
    template = _environment().get_template("bulletin.html")
    return template.render(document=document, write=pen.written).encode()


def _data_url(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _kind(block: object) -> str:
    return {Paragraph: "paragraph", Table: "table", Pictures: "pictures"}[type(block)]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(data_url=_data_url, kind=_kind)
    return environment
