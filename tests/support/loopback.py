"""Asking a server of this machine.

A client of its own for each request would read the authorities of HTTPS each time: 40 ms of a core, in
loops that wait for servers to start. No connection is kept, since servers are killed in between.
"""

import subprocess
import time

import httpx2

CLIENT = httpx2.Client(verify=False, limits=httpx2.Limits(max_keepalive_connections=0))


def is_up(url: str) -> bool:
    """Whether this is answered, and well."""
    try:
        return CLIENT.get(url).is_success
    except httpx2.HTTPError:
        return False


def wait_until_up(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until the server that was started answers there; the test fails when it ends before."""
    while not is_up(url):
        assert process.poll() is None, "the server ended before it was up; see its log"
        time.sleep(0.05)
