"""Photos that come one by one, each assembled at once, give what they give together."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from found import found

from streetsight.service.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Photo = tuple[int, int]  # patrol, number in it


@pytest.fixture
def after(
    start: Callable[..., TestClient], work_on: Callable[..., None], photos: list[bytes], tmp_path: Path
) -> Callable[..., dict[str, list[str]]]:
    """What a server of its own has found after two patrols whose photos came in some order."""

    def after(name: str, order: Sequence[Photo], at_once: bool = False) -> dict[str, list[str]]:
        folder = tmp_path / name
        client = start(data_folder=folder, database_url=None, assemble_after_seconds=0)
        settings = Settings(data_folder=folder, assemble_after_seconds=0, min_free_bytes=0)  # type: ignore[arg-type]
        patrols = [client.post("/v1/patrols", json={"key": key}).json()["id"] for key in "ab"]
        for patrol, number in order:
            data = {"metadata": json.dumps({"patrol_id": patrols[patrol], "name": f"{number}.jpg"})}
            sent = client.post("/v1/frames", files={"photo": photos[patrol::2][number]}, data=data)
            assert sent.status_code == 201, sent.text
            if at_once:
                work_on(settings)
        for patrol in patrols:
            assert client.post(f"/v1/patrols/{patrol}/close").status_code == 200
        work_on(settings)
        return found(settings)

    return after


def test_what_is_found_does_not_depend_on_when_photos_come(
    after: Callable[..., dict[str, list[str]]], photos: list[bytes]
) -> None:
    """Boxes of two classes around one thing made a lead go that had not changed: a neighbour had."""
    driven = [(patrol, number) for patrol in (0, 1) for number in range(len(photos) // 2)]
    together = after("together", driven)
    assert after("backwards", driven[::-1]) == together
    assert after("one by one", driven, at_once=True) == together
    random.Random(3).shuffle(driven)
    assert after("mixed", driven, at_once=True) == together
