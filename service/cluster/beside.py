"""A process that asks the cluster: Ray ends whoever has lost its head, and that must not be a worker."""

import socket
import subprocess
import sys
from multiprocessing.connection import Connection


def start_beside(module: str) -> tuple["subprocess.Popen[bytes]", Connection]:
    """Run `python -m MODULE FD`; gives the process, and our end of the connection that is its FD."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return process, Connection(ours.detach())
