"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], patience_s: float = 60) -> None:
    """Until something is so; the test fails when it never is."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)
