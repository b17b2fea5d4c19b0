"""GeoJSON as it is sent to us: read whole, in bounds, and no word of it believed."""

import json
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Depends, Request

from streetsight.service.faults import Invalid

Document = dict[str, Any]


class BadGeoJson(Invalid):
    """No FeatureCollection."""

    code = "bad_geojson"


def parse_collection(content: bytes | str) -> Document:
    """A FeatureCollection with a list of features, whatever these are.

    Raises:
        BadGeoJson: saying what it is instead.
    """
    try:
        values = json.loads(content, parse_constant=_no_number)
        json.dumps(values, ensure_ascii=False).encode()  # lone surrogates, which no database takes
    except (ValueError, RecursionError) as error:  # JSON and UTF-8 errors are ValueErrors
        raise BadGeoJson("this is no readable JSON ({reason})", reason=str(error)[:200]) from error
    if (
        not isinstance(values, dict)
        or values.get("type") != "FeatureCollection"
        or not isinstance(values.get("features"), list)
    ):
        raise BadGeoJson("expected a GeoJSON FeatureCollection with a list of features")
    if "\\u0000" in json.dumps(values):
        raise BadGeoJson("a text of it holds a NUL, which no name has; take it out")
    return values


async def collection_sent(request: Request) -> Document:
    """Dependency: the FeatureCollection in the body; read after the caller's rights are known."""
    content = await request.body()
    return await anyio.to_thread.run_sync(parse_collection, content)


Collection = Annotated[Document, Depends(collection_sent)]

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/geo+json": {"schema": {"type": "object", "description": "A FeatureCollection"}},
            "application/json": {"schema": {"type": "object", "description": "A FeatureCollection"}},
        },
    }
}
"""What OpenAPI says of such a body."""


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")
