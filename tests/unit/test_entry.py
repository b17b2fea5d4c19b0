"""What starts the command line."""

import subprocess
import sys

INTERRUPTED = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "streetsight.datasets":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from streetsight.__main__ import main
main()
"""


def test_who_interrupts_it_before_it_stands_gets_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_it_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "streetsight", "--help"]
    assert "patrol photos in" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
