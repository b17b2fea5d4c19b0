"""From an admin's code to frames at the server, by the commands that people use; settings follow."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from vehicles import City, jpegs


@pytest.fixture
def city(tmp_path: Path, free_port: int) -> Iterator[City]:
    city = City(tmp_path / "city", free_port)
    city.start()
    yield city
    city.end()


def test_a_vehicle_is_enrolled_runs_and_takes_its_servers_settings(city: City, tmp_path: Path) -> None:
    def agent(*words: str) -> str:
        command = [sys.executable, "-m", "streetsight", "agent", *words]
        command += ["--state", str(tmp_path / "state"), "--lang", "en"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    city.command("device", "add", "car-7")
    code = city.command("device", "code", "car-7")
    assert "car-7" in agent("enrol", code, "--server", city.url)
    (tmp_path / "wish.yaml").write_text("every_m: 9\nheartbeat_s: 1\n")
    city.command("device", "settings", "car-7", str(tmp_path / "wish.yaml"))
    camera = tmp_path / "camera"
    camera.mkdir()
    (camera / "a.jpg").write_bytes(jpegs(1, 1)[0])
    with (tmp_path / "agent.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "streetsight", "agent", "run", "--source", str(camera),
             "--state", str(tmp_path / "state")],
            stderr=log,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not city.photos() or not (tmp_path / "state" / "settings.json").exists():
            assert time.monotonic() < deadline, (tmp_path / "agent.log").read_text()
            time.sleep(0.1)
    finally:
        running.terminate()
    assert running.wait(60) == 0
    agent("drain")
    said = agent("status")
    assert "sent: 1" in said
    assert "server: http" in said
    assert '"every_m": 9' in (tmp_path / "state" / "settings.json").read_text().replace("\\", "")
    assert city.rows("SELECT closed_by FROM patrols") == [("device",)]
