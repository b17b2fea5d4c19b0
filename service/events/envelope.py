"""An event as other systems get it: CloudEvents 1.0, JSON.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from typing import Any

from streetsight.service.events.tables import Event

MEDIA_TYPE = "application/cloudevents+json"
TYPE_PREFIX = "streetsight."
SEQUENCE_DIGITS = 16


def envelope(event: Event, source: str) -> dict[str, Any]:
    """The event in CloudEvents' structured mode.

    `sequence` is the extension of that name: text that sorts as the events happened; `areapath` is ours.
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/sequence.md

    Args:
        source: URI of this server.
    """
    content: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": source,
        "type": f"{TYPE_PREFIX}{event.kind}",
        "subject": event.subject,
        "time": event.created_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if event.number is not None:
        content["sequence"] = f"{event.number:0{SEQUENCE_DIGITS}}"
    if event.area_path is not None:
        content["areapath"] = event.area_path
    return content | {"data": event.data}
