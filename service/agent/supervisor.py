"""systemd's side of it (sd_notify): ready, what it does, and that it is alive as long as all of it is."""

import os
import socket
import threading
import time

PATIENCE_S = 240.0  # longer than any request and any look at a frame may take


def notify(message: str) -> None:
    """Tell systemd, where it listens; nothing elsewhere."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.connect(target)
        line.sendall(message.encode())


def watchdog_s() -> float | None:
    """How often systemd wants to hear of us; None when it does not."""
    microseconds, pid = os.environ.get("WATCHDOG_USEC"), os.environ.get("WATCHDOG_PID")
    if not microseconds or (pid and int(pid) != os.getpid()):
        return None
    return int(microseconds) / 1e6 / 2


class Pulse:
    """Who has given a sign of life when."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s, self._lock = patience_s, threading.Lock()
        self._last: dict[str, float] = {}

    def beat(self, name: str) -> None:
        with self._lock:
            self._last[name] = time.monotonic()

    def end(self, name: str) -> None:
        """It has done its work."""
        with self._lock:
            self._last.pop(name, None)

    def silent(self) -> list[str]:
        """Those who hang."""
        with self._lock:
            late = time.monotonic() - self._patience_s
            return sorted(name for name, at in self._last.items() if at < late)
