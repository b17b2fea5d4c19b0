"""Small parts of the service that need no database."""

import subprocess
import sys

import pytest

from streetsight.service.faults import Busy
from streetsight.service.gate import Gate


def test_too_much_at_once_is_asked_to_come_again() -> None:
    gate = Gate(1)
    with gate.entered(), pytest.raises(Busy), gate.entered():
        pass
    with gate.entered():
        pass


def test_the_service_starts_without_what_it_seldom_needs() -> None:
    code = (
        "import sys, streetsight.service.app, streetsight.service.working; "
        "print({'torch', 'scipy'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
