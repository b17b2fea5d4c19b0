"""Groupings over HTTP and by command: the shipped ones count until a city has its own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from streetsight.cli import app
from streetsight.service.auth.actor import Role
from streetsight.service.settings import Settings

SignIn = Callable[..., TestClient]
OURS = {
    "name": "ours",
    "groupings": [
        {"code": "aspect", "zh": "方面", "en": "aspect", "members": [
            {"code": "all", "zh": "全部", "en": "all", "conditions": ["exposed_garbage"]},
        ]},
    ],
}  # fmt: skip


def put(client: TestClient, document: Any, version: int) -> Any:
    headers = {"If-Match": f'"{version}"'}
    return client.put("/v1/groupings", json=document, params={"reason": "2026"}, headers=headers)


def test_the_shipped_ones_count_until_others_are_brought_in(person: SignIn) -> None:
    analyst, handler = person(Role.ANALYST), person(Role.HANDLER, unit="环卫所")
    first = handler.get("/v1/groupings")
    assert (first.headers["ETag"], first.json()["shipped"], first.json()["version"]) == ('"0"', True, None)
    assert [each["code"] for each in first.json()["document"]["groupings"]][:2] == ["aspect", "topic"]
    of = handler.get("/v1/groupings/of", params={"code": "09005"}, headers={"Accept-Language": "zh"}).json()
    assert of[0] == {
        "grouping": "aspect",
        "grouping_name": "4 个方面",
        "group": "encroachment",
        "name": "违法占道",
    }

    assert put(handler, OURS, 0).status_code == 403
    assert put(analyst, OURS, 1).status_code == 412
    made = put(analyst, OURS, 0)
    assert (made.status_code, made.json()["number"]) == (200, 1)
    now = handler.get("/v1/groupings").json()
    assert (now["shipped"], now["document"]["name"]) == (False, "ours")
    of = handler.get("/v1/groupings/of", params={"code": "09005"}).json()
    assert of == [{"grouping": "aspect", "grouping_name": "aspect", "group": None, "name": None}]

    wrong = {**OURS, "groupings": [{**OURS["groupings"][0], "members": [{"code": "x"}]}]}  # type: ignore[dict-item]
    assert put(analyst, wrong, 1).status_code == 422
    assert analyst.get("/v1/groupings/versions/1").json()["name"] == "ours"
    assert [each["number"] for each in analyst.get("/v1/groupings/versions").json()["items"]] == [1]
    assert analyst.get("/v1/groupings/examples").json()[0]["name"] == "default"
    assert len(analyst.get("/v1/groupings/examples/default").json()["groupings"]) == 6
    assert analyst.get("/v1/groupings/examples/none").status_code == 404


def test_the_command_shows_and_imports(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("STREETSIGHT_DATA_FOLDER", str(settings.data_folder))
    monkeypatch.setenv("STREETSIGHT_DATABASE_URL", settings.database)
    run = CliRunner()
    shown = run.invoke(app, ["groupings", "show"])
    assert "these are the shipped ones" in shown.stderr
    assert json.loads(shown.stdout)["number"] == 0
    checked = run.invoke(app, ["groupings", "import", "--example", "default", "--check"])
    assert checked.output.endswith("is in order\n")
    done = run.invoke(app, ["groupings", "import", "--example", "default"])
    assert done.output.endswith("is in force as version 1\n")
    assert json.loads(run.invoke(app, ["groupings", "show"]).stdout)["number"] == 1
    file = tmp_path / "ours.toml"
    file.write_text('name = "x"\n[[groupings]]\ncode = "a"\nzh = "a"\nen = "a"\nmembers = []\n')
    refused = run.invoke(app, ["groupings", "import", str(file)])
    assert refused.exit_code != 0
    assert "members" in refused.output
