"""What looks like SQL, a template or HTML is kept and shown as the text that it is."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from shapely.geometry import box, mapping

from streetsight.service.auth.actor import Role

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAYLOADS = [
    "'; DROP TABLE frames; --",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<script>alert(1)</script>",
    "%' OR '1'='1",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_stays_text(
    client: TestClient, person: Callable[..., TestClient], lead: Callable[..., str], payload: str
) -> None:
    admin = person(Role.ADMIN)
    patrol = client.post("/v1/patrols", json={"key": payload})
    assert client.get(patrol.headers["Location"]).json()["key"] == payload
    sent = {"login": "somebody", "name": payload, "role": "viewer", "unit": payload}
    added = admin.post("/v1/people", json=sent).json()
    shown = admin.get(f"/v1/people/{added['id']}").json()
    assert (shown["name"], shown["unit"]) == (payload, payload)
    area = {
        "type": "Feature", "geometry": mapping(box(120, 30, 121, 31)),
        "properties": {"code": "330106", "name": payload, "kind": "district"},
    }  # fmt: skip
    areas = {"type": "FeatureCollection", "coordinates": "wgs84", "features": [area]}
    put = admin.put("/v1/areas", json=areas, params={"reason": payload}, headers={"If-Match": '"0"'})
    assert put.status_code == 200, put.text
    assert admin.get("/v1/areas/330106").json()["properties"]["name"] == payload
    assert admin.get("/v1/areas/versions").json()["items"][0]["reason"] == payload
    candidate = f"/v1/candidates/{lead()}"
    decision = {"kind": "reject", "reason": "other", "text": payload}
    decided = admin.post(f"{candidate}/decisions", json=decision, headers={"If-Match": '"1"'})
    assert decided.status_code == 201, decided.text
    assert payload in [each["text"] for each in admin.get("/v1/decisions").json()["items"]]
    for path in ("/v1/issues", "/v1/frames", "/v1/candidates"):  # as a filter it finds nothing
        assert admin.get(path, params={"area": payload}).json().get("items", []) == []
    assert client.get("/v1/frames").json()["items"] == []  # the table is still there
    assert client.get("/v1/frames").headers["Content-Type"] == "application/json"
