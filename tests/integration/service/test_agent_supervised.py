"""What systemd hears of an agent, over a real socket: ready once it works, alive, and that it stops."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from vehicles import Vehicle


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where systemd would listen; it asks for a sign of life once a second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        yield line


def test_systemd_hears_of_an_agent_that_reaches_no_server(
    tmp_path: Path, heard: socket.socket, free_port: int
) -> None:
    vehicle = Vehicle(tmp_path / "vehicle", f"http://127.0.0.1:{free_port}", "token")
    vehicle.start()
    try:
        assert heard.recv(100) == b"READY=1\nSTATUS=running", "and not before it works"
        vehicle.wait_until_running()
        assert [heard.recv(100) for _ in range(2)] == [b"WATCHDOG=1"] * 2
        vehicle.end()
        while (said := heard.recv(100)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"
    finally:
        vehicle.kill()
