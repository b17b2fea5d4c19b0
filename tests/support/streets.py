"""A small city for tests over HTTP: its areas and registered places, leads that become issues, photos."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image
from shapely.geometry import LineString, box, mapping

from streetsight.service.places.tables import Place

MARKETS = {"M1": box(120.001, 30.001, 120.002, 30.002), "M2": box(120.011, 30.001, 120.012, 30.002)}
STREET = LineString([(120.02, 30.001), (120.02, 30.003)])


def area(code: str, outline: Any, parent: str | None = None, kind: str = "grid") -> dict[str, Any]:
    """A feature as the import of areas takes it."""
    properties = {"code": code, "name": f"area {code}", "kind": kind, "parent": parent}
    return {"type": "Feature", "properties": properties, "geometry": mapping(outline)}


CITY = {
    "type": "FeatureCollection", "coordinates": "wgs84",
    "features": [
        area("330106", box(120, 30, 120.2, 30.2), kind="district"),
        area("330106003", box(120, 30, 120.1, 30.2), "330106", "subdistrict"),
        area("330106004", box(120.1, 30, 120.2, 30.2), "330106", "subdistrict"),
        area("g1", box(120, 30, 120.05, 30.1), "330106003"),
    ],
}  # fmt: skip


def import_city(analyst: TestClient) -> None:
    """Put the areas in force."""
    answer = analyst.put("/v1/areas", json=CITY, params={"reason": "test"}, headers={"If-Match": '"0"'})
    assert answer.status_code == 200, answer.text


def registered(code: str, kind: str, geometry: Any, ground: Any = None, **more: Any) -> Place:
    """A registered place; `ground` is what a line or a point covers."""
    inside = (ground or geometry).representative_point()
    usual = {
        "name": f"{kind} {code}", "valid_from": datetime(2020, 1, 1, tzinfo=UTC), "co_units": [],
        "five_fixed": {}, "unit": "市场所", "area_path": "/330106/330106003/", "number": 1,
        "lon": inside.x, "lat": inside.y, "geometry": mapping(geometry),
        "ground": mapping(ground) if ground else None,
    }  # fmt: skip
    return Place(kind=kind, code=code, **{**usual, **more})


def photo(client: TestClient, shade: int) -> str:
    """Uploads a photo that no other one is like, and gives its id."""
    noise = np.random.default_rng(shade).integers(0, 255, (64, 96, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    said = {"position": {"lon": 120.0015, "lat": 30.0015, "source": "browser", "accuracy_m": 10}}
    answer = client.post(
        "/v1/photos", files={"photo": ("a.jpg", file.getvalue())}, data={"metadata": json.dumps(said)}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def filed(inspector: TestClient, candidate: str, **asked: Any) -> str:
    """Confirms a candidate, and gives its issue's id."""
    answer = inspector.post(
        f"/v1/candidates/{candidate}/decisions", json={"kind": "confirm", **asked},
        headers={"If-Match": '"1"'},
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    return str(answer.json()["issue_id"])


def act_on_issue(client: TestClient, issue: str, kind: str, **asked: Any) -> dict[str, Any]:
    """Acts on the version there is now."""
    tag = client.get(f"/v1/issues/{issue}").headers["etag"]
    answer = client.post(f"/v1/issues/{issue}/acts", json={"kind": kind, **asked}, headers={"If-Match": tag})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
