"""XML from strangers: no entities, no bombs."""

import math
import re
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from streetsight.datasets.formats.labels import Unreadable
from streetsight.datasets.formats.trees import Tree, read_text

_ROOT = re.compile(r"<(annotations?)[\s>/]")


def read_xml(tree: Tree, name: str) -> Element:
    """The root element.

    Raises:
        Unreadable: when it is no XML, or declares entities.
    """
    try:
        root: Element = fromstring(read_text(tree, name))
    except DefusedXmlException as error:
        raise Unreadable(
            "the XML declares entities, which labels never need: refused as an attack"
        ) from error
    except (ParseError, ValueError) as error:
        raise Unreadable("expected XML ({reason})", reason=error) from error
    return root


def shape_of(tree: Tree, name: str) -> Literal["voc", "cvat"] | None:
    """Which tool's XML this is, by its root: VOC's `annotation`, CVAT's `annotations`."""
    try:
        found = _ROOT.search(read_text(tree, name)[:4096])
    except Unreadable:
        return None
    return None if found is None else "cvat" if found[1] == "annotations" else "voc"


def number(text: str | None, what: str) -> float:
    """A finite number.

    Raises:
        Unreadable: naming what it should have been.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable("expected a number as {what}, got {text}", what=what, text=repr(text))
    return value


def size(width: str | None, height: str | None) -> tuple[int, int] | None:
    """Width and height, pixels, or None where they are missing, no numbers or 0."""
    try:
        size_wh = int(number(width, "width")), int(number(height, "height"))
    except Unreadable:
        return None
    return size_wh if min(size_wh) >= 1 else None
