"""The agent is a program of its own: of the server it imports only what both ends share."""

import ast
from pathlib import Path

AGENT = Path(__file__).parents[4] / "service" / "agent"
SHARED = {"streetsight.service.steps", "streetsight.service.logs"}


def test_the_agent_imports_of_the_server_what_is_shared() -> None:
    files = sorted(AGENT.rglob("*.py"))
    assert len(files) > 20
    found = {
        node.module
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streetsight.service.")
    }
    assert {each for each in found if not (each or "").startswith("streetsight.service.agent")} == SHARED
