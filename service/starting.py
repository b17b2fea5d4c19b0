"""The start of a process that runs for long."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def starting() -> Iterator[None]:
    """While a program imports and assembles itself: no garbage is looked for.

    Nothing of it is garbage, and to find that out again and again takes a third of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
