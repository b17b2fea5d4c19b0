"""The whole way over HTTP: a vehicle's photos in any order, a lead on the inspector's list, an issue."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from fastapi.testclient import TestClient

from streetsight.datasets.simulation.patrol import simulate_patrol
from streetsight.inference.reading import read_photo
from streetsight.service.auth.actor import Role

SignIn = Callable[..., TestClient]


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, dict[str, Any]]]:
    """Photos of a simulated patrol, and what the vehicle says of each."""
    folder = tmp_path_factory.mktemp("drive")
    list(simulate_patrol(folder, 3, 20, step_m=4.0))
    return [_said(path.read_bytes()) for path in sorted(folder.rglob("*.jpg"))]


def _said(content: bytes) -> tuple[bytes, dict[str, Any]]:
    metadata = read_photo(content, 64).metadata
    assert metadata.taken_at is not None
    assert metadata.position is not None
    position = {name: value for name, value in asdict(metadata.position).items() if value is not None}
    del position["source"]  # a vehicle need not say that its own receiver says so
    return content, {"taken_at": metadata.taken_at.isoformat(), "position": position}


@pytest.mark.parametrize("says", ["where", "nothing"])
def test_photos_in_any_order_become_leads_and_a_lead_becomes_an_issue(
    says: str, client: TestClient, person: SignIn, work: Callable[[], Any],
    drive: list[tuple[bytes, dict[str, Any]]],
) -> None:  # fmt: skip
    patrol = client.post("/v1/patrols", json={"key": "morning"}).json()["id"]
    for content, said in random.Random(4).sample(drive, len(drive)):
        metadata = {"patrol_id": patrol, **(said if says == "where" else {})}
        answer = client.post(
            "/v1/frames", files={"photo": ("a.jpg", content)}, data={"metadata": json.dumps(metadata)}
        )
        assert answer.status_code == 201, answer.text
    assert client.post(f"/v1/patrols/{patrol}/close").status_code == 200

    work()

    inspector = person(Role.INSPECTOR)
    leads = inspector.get("/v1/candidates").json()["items"]
    assert leads, "the street has garbage, and the release knows it"
    lead = inspector.get(f"/v1/candidates/{leads[0]['id']}")
    assert lead.json()["position"]["lon"] == pytest.approx(drive[0][1]["position"]["lon"], abs=0.01)
    decided = inspector.post(
        f"/v1/candidates/{leads[0]['id']}/decisions", json={"kind": "confirm"},
        headers={"If-Match": lead.headers["ETag"]},
    )  # fmt: skip
    assert decided.status_code == 201, decided.text
    assert len(inspector.get("/v1/issues").json()["items"]) == 1
