"""The shipped systemd unit, every word of which systemd knows, and who is heard by its watchdog."""

import shutil
import subprocess
from pathlib import Path

import pytest

from streetsight.service.agent.supervisor import Pulse

UNIT = Path(__file__).parents[4] / "deploy" / "systemd" / "streetsight-agent.service"


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is absent")
    # The program and its user are not on this machine: stand-ins for what systemd looks up.
    text = UNIT.read_text().replace("/opt/streetsight/bin/streetsight", "/bin/true")
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    answer = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    ours = [line for line in answer.stderr.splitlines() if UNIT.name in line]
    assert ours == []


def test_what_hangs_is_named_and_what_is_done_is_not_missed() -> None:
    pulse = Pulse(patience_s=-1)
    pulse.beat("camera")
    pulse.beat("sender")
    assert pulse.silent() == ["camera", "sender"]
    pulse.end("camera")
    assert pulse.silent() == ["sender"]
    pulse = Pulse(patience_s=1000)
    pulse.beat("camera")
    assert pulse.silent() == []
