"""Nothing leaves the machine: no address is looked up or connected to, whatever a library would like."""

import subprocess
import sys
from pathlib import Path

import pytest

WATCHED = """
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("NET", event, arguments, file=sys.stderr, flush=True)

sys.addaudithook(watch)
from streetsight.__main__ import main
main()
"""


def run(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
    }  # a user's first run, not CI, where some keep quiet
    command = [sys.executable, "-c", WATCHED, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("provider", ["openvino", "onnx"])
def test_detection_asks_nobody(provider: str, tmp_path: Path) -> None:
    patrol = tmp_path / "patrol"
    made = run("sample", str(patrol), "--frames", "2", home=tmp_path)
    assert made.returncode == 0, made.stderr
    found = run(
        "detect",
        str(patrol / "frames"),
        "--output",
        str(tmp_path / "out"),
        "--provider",
        provider,
        home=tmp_path,
    )
    assert found.returncode == 0, found.stderr
    assert "NET" not in made.stderr + found.stderr
    assert {each.name for each in tmp_path.iterdir()} == {"patrol", "out"}, "something was left at home"
