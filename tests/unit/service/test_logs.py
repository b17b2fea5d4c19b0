"""Logs: each line is JSON, whoever speaks."""

import json
import subprocess
import sys

SPEAKING = """
import logging, warnings
import structlog
from streetsight.service.logs import configure_logs

configure_logs("info")
structlog.get_logger("ours").info("frame_accepted", frame_id="f1", street="人民路")
logging.getLogger("a.library").warning("of a library")
warnings.warn("an optional\\nlibrary is absent", UserWarning)
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("ours").exception("job_failed")
"""


def test_each_line_is_json_also_when_a_library_warns() -> None:
    told = subprocess.run([sys.executable, "-c", SPEAKING], capture_output=True, text=True, check=True).stderr
    ours, foreign, warning, error = map(json.loads, told.splitlines())
    assert (ours["event"], ours["frame_id"], ours["street"]) == ("frame_accepted", "f1", "人民路")
    assert (foreign["event"], foreign["logger"], foreign["level"]) == ("of a library", "a.library", "warning")
    assert "UserWarning: an optional\nlibrary is absent" in warning["event"]
    assert (warning["logger"], warning["level"]) == ("py.warnings", "warning")
    assert "ZeroDivisionError" in error["exception"]
