"""A labelling configuration of Label Studio: where its boxes come from, and what it calls each class.

<View><Image name="image" value="$image"/>
  <RectangleLabels name="label" toName="image"><Label value="暴露垃圾"/></RectangleLabels></View>
"""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.faults import Invalid

MAX_CHARACTERS = 200_000


class BadConfig(Invalid):
    """A labelling configuration without boxes on a picture."""

    code = "bad_label_config"


@dataclass(frozen=True, slots=True)
class LabelConfig:
    """Attributes: from_name, to_name: of the tags; data_key: of a task's picture; labels: class -> label."""

    from_name: str
    to_name: str
    data_key: str
    labels: dict[str, str]


def read_config(text: str) -> LabelConfig:
    """The first RectangleLabels and the picture that it is for. Raises BadConfig."""
    try:
        if len(text) > MAX_CHARACTERS:
            raise ValueError("it is too long")
        root = fromstring(text)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise BadConfig(
            "the labelling configuration is no XML that is read here ({reason})", reason=str(error)[:200]
        ) from error
    pictures = {each.get("name", ""): each.get("value", "") for each in root.iter("Image")}
    for boxes in root.iter("RectangleLabels"):
        name, to = boxes.get("name"), boxes.get("toName", "")
        if name and pictures.get(to, "").startswith("$"):
            return LabelConfig(name, to, pictures[to].removeprefix("$"), _labels(boxes))
    raise BadConfig(
        "expected RectangleLabels with a name, and toName of an Image with a value such as $image; without "
        "them there is nowhere to draw boxes"
    )


def _labels(boxes: Element) -> dict[str, str]:
    """Class -> label, by the class's name or its name in Chinese or English; an alias counts as well."""
    known = {
        _plain(name): each.name
        for each in default_taxonomy().classes
        for name in (each.name, each.zh, each.en)
    }
    found: dict[str, str] = {}
    for label in boxes.iter("Label"):
        for said in (label.get("value"), label.get("alias")):
            name = known.get(_plain(said or ""))
            if name is not None and label.get("value"):
                found.setdefault(name, str(label.get("value")))
    return found


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", " ").replace("-", " ")
