"""A faulty link: a proxy on loopback between a vehicle and its server, with seeded faults per request.

It drops connections, delays, cuts requests and answers short, sends requests twice, answers 500, 503 and 507
and a proxy's HTML in the server's place, vanishes for a while, and carries only so many bytes a second.
"""

import contextlib
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 8 << 10


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances of each fault, per request; none of them is a clean link.

    Attributes:
        delay_s: longest delay of one that is delayed.
    """

    drop: float = 0.0
    delay: float = 0.0
    cut_request: float = 0.0
    cut_answer: float = 0.0
    twice: float = 0.0
    refuse: float = 0.0
    delay_s: float = 0.2


ROUGH = Faults(drop=0.03, delay=0.2, cut_request=0.03, cut_answer=0.03, twice=0.03, refuse=0.04)
REFUSALS = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops",
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 507 Insufficient Storage\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
)


DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%b" % (
    len(DENIED), DENIED,
)  # fmt: skip


class Hung(Exception):
    """One of both ends hung up, or the link did."""


class FaultyLink:
    """Attributes: url: of its near end; faults: may be changed; happened: counted; gone: silent.
    forbidden: methods that it answers as S3 answers who has no right."""

    def __init__(self, port: int, faults: Faults, seed: int = 0, bytes_per_s: float | None = None) -> None:
        """`port`: of the server on loopback."""
        self._port, self.faults, self._rate = port, faults, bytes_per_s
        self._chance, self._lock, self._free_at = random.Random(seed), threading.Lock(), 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.happened: Counter[str] = Counter()
        self.gone = False
        self.forbidden: frozenset[str] = frozenset()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        """One connection, request by request."""
        near.settimeout(60)
        with near, near.makefile("rb") as reader, contextlib.suppress(OSError, Hung):
            while not self.gone:
                self._request(near, reader)

    def _request(self, near: socket.socket, reader: BinaryIO) -> None:
        """Raises Hung, OSError."""
        head, length = read_head(reader)
        if self.gone:
            raise Hung
        if head.split(b" ", 1)[0].decode() in self.forbidden:
            self._receive(reader, length)
            return near.sendall(FORBIDDEN)
        fault = self._draw()
        self.happened[fault] += 1
        if fault == "drop":
            raise Hung
        if fault == "delay":
            time.sleep(self._random() * self.faults.delay_s)
        body = self._receive(reader, int(length * self._random()) if fault == "cut_request" else length)
        if fault == "refuse":
            near.sendall(REFUSALS[int(self._random() * len(REFUSALS))])
            return
        if fault == "twice":
            self._ask(head, body, length)
        answer = self._ask(head, body, length)
        if fault == "cut_answer":
            near.sendall(answer[: int(len(answer) * self._random())])
            raise Hung
        near.sendall(answer)

    def _ask(self, head: bytes, body: bytes, length: int) -> bytes:
        """Send a request to the server, maybe short; its answer. Raises Hung, OSError."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as far:
            far.sendall(head + body)
            if len(body) < length:
                raise Hung
            with far.makefile("rb") as reader:
                answered, size = read_head(reader)
                empty = head.startswith(b"HEAD ") or answered.split(b" ", 2)[1] == b"204"
                return answered + (b"" if empty else reader.read(size))

    def _receive(self, reader: BinaryIO, length: int) -> bytes:
        """The body, no faster than the link carries it. Raises Hung."""
        body = bytearray()
        while len(body) < length:
            piece = reader.read(min(CHUNK, length - len(body)))
            if not piece:
                raise Hung
            body += piece
            self._wait(len(piece))
        return bytes(body)

    def _wait(self, size: int) -> None:
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + size / self._rate
            wait_s = self._free_at - now
        time.sleep(wait_s)

    def _draw(self) -> str:
        """Which fault this request has; "none" mostly."""
        at = self._random()
        for name in ("drop", "delay", "cut_request", "cut_answer", "twice", "refuse"):
            at -= getattr(self.faults, name)
            if at < 0:
                return name
        return "none"

    def _random(self) -> float:
        with self._lock:
            return self._chance.random()


def read_head(reader: BinaryIO) -> tuple[bytes, int]:
    """Head of a request or an answer, and how long its body is. Raises Hung."""
    lines = [reader.readline()]
    while lines[-1].strip():
        lines.append(reader.readline())
    if len(lines) < 2 or lines[-1] != b"\r\n":
        raise Hung
    sizes = [line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length:")]
    return b"".join(lines), int(sizes[0]) if sizes else 0
