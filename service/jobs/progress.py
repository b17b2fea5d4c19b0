"""Signs of life of long work, so that its worker is not taken for hung and its lease is not taken back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[], None] | None] = ContextVar("listener", default=None)


def going_on() -> None:
    """Say that the work goes on; cheap enough for every frame.

    Raises:
        LeaseLost: when another worker has the job by now; there is no use in going on.
    """
    listener = _listener.get()
    if listener is not None:
        listener()


@contextmanager
def heard(listener: Callable[[], None]) -> Iterator[None]:
    """Call `listener` whenever work on this thread says that it goes on."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
