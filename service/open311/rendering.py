"""Answers in JSON and XML, as GeoReport v2 spells them. http://wiki.open311.org/GeoReport_v2/"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import Response

Format = Literal["json", "xml"]
MEDIA_TYPES: dict[Format, str] = {"json": "application/json", "xml": "text/xml"}

# What XML 1.0 cannot hold, escaped or not (section 2.2).
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a list of items, or one thing by itself.

    Attributes:
        root, item: names of the elements of XML; JSON has neither.
    """

    root: str
    item: str
    content: Sequence[Mapping[str, Any]] | Mapping[str, Any]


def rendered(answer: Answer, form: Format, status: int = 200) -> Response:
    """The answer in a format."""
    body = _json(answer) if form == "json" else _xml(answer)
    return Response(body, status, media_type=f"{MEDIA_TYPES[form]}; charset=utf-8")


def errors(problems: Sequence[tuple[int, str]]) -> Answer:
    """Errors as GeoReport has them: code and description."""
    return Answer("errors", "error", [{"code": code, "description": text} for code, text in problems])


def _json(answer: Answer) -> bytes:
    return json.dumps(answer.content, ensure_ascii=False).encode("utf-8", "replace")


def _xml(answer: Answer) -> bytes:
    root = Element(answer.root)
    if isinstance(answer.content, Mapping):
        _fill(root, answer.content)
    else:
        for each in answer.content:
            _fill(SubElement(root, answer.item), each)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _fill(element: Element, content: Mapping[str, Any]) -> None:
    """Members as elements of their name; a list as elements of its name without the plural's s."""
    for name, value in content.items():
        child = SubElement(element, name)
        if isinstance(value, Mapping):
            _fill(child, value)
        elif isinstance(value, (list, tuple)):
            for each in value:
                _append(child, name.removesuffix("s"), each)
        else:
            child.text = _text(value)


def _append(parent: Element, name: str, value: Any) -> None:
    child = SubElement(parent, name)
    if isinstance(value, Mapping):
        _fill(child, value)
    else:
        child.text = _text(value)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return NO_XML.sub("\ufffd", str(value))
