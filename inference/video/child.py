"""A decoder process, and the watch over it."""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import tempfile
import weakref
from typing import IO

import numpy as np

from streetsight.inference.reading import ImageRgb
from streetsight.inference.video import wire
from streetsight.inference.video.outcomes import ClipError, explain

PIPE_BYTES = 2**20
GRACE_S = 5.0  # for a process to be gone after its pipe was closed, or after it was killed


class DecoderProcess:
    """A module of this folder in a process of its own, gone when this object is, or when our process is.

    It is started afresh rather than forked, so that it inherits no locks and no open files.

    Attributes:
        patience_s: how long to wait for a next sign of life.
    """

    def __init__(self, patience_s: float, module: str = "decoder") -> None:
        self.patience_s = patience_s
        complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        # -P: what happens to lie in the current folder is not to be imported
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", f"streetsight.inference.video.{module}"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out, self._complaints = self._process.stdin, self._process.stdout, complaints
        os.set_blocking(self._in.fileno(), False)
        _widen(self._out)
        self.stop = weakref.finalize(self, _stop, self._process, complaints)

    def ask(self, request: wire.Message) -> None:
        """Send a request.

        Raises:
            ClipError: "stalled" or "decoder_failed", when it cannot be delivered.
        """
        rest = memoryview(wire.encode(request))
        while rest:
            self._await(self._in, select.POLLOUT)
            try:
                rest = rest[self._in.write(rest) :]
            except BrokenPipeError:
                raise self._loss() from None

    def hear(self) -> wire.Message:
        """The next message that is more than a sign of life.

        Raises:
            ClipError: what the decoder has to say against the clip, or "stalled" or "decoder_failed".
        """
        while True:
            message = wire.decode(self._read)
            if message["is"] == "fault":
                raise explain(message["name"], message["values"])
            if message["is"] != "alive":
                return message

    def receive(self, size_wh: tuple[int, int]) -> ImageRgb:
        """The pixels that follow a message, (h, w, 3) uint8.

        Raises:
            ClipError: "stalled" or "decoder_failed", when they do not come whole.
        """
        image = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
        self._fill(image.data.cast("B"))
        return image

    def _read(self, count: int) -> bytes:
        data = bytearray(count)
        self._fill(memoryview(data))
        return bytes(data)

    def _fill(self, buffer: memoryview) -> None:
        while buffer:
            self._await(self._out, select.POLLIN)
            got = self._out.readinto(buffer)  # type: ignore[attr-defined]
            if not got:
                raise self._loss()
            buffer = buffer[got:]

    def _await(self, pipe: IO[bytes], event: int) -> None:
        """Wait until the pipe takes or gives something, or is closed."""
        poll = select.poll()  # not `select`, which knows the first 1024 files only
        poll.register(pipe, event)
        if not poll.poll(self.patience_s * 1000):
            raise ClipError(
                "stalled",
                "the video decoder made no progress for {seconds} s and was stopped; the file is damaged, or "
                "its disk or network does not answer",
                seconds=self.patience_s,
            )

    def _loss(self) -> ClipError:
        """What became of the child."""
        try:
            code = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return ClipError(
            "decoder_failed",
            "the video decoder crashed ({reason}); the file is damaged or needs another decoder",
            reason=signal.Signals(-code).name if code < 0 else self._last_words() or f"exit code {code}",
        )

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


def _widen(pipe: IO[bytes]) -> None:
    """A wider pipe takes fewer turns per frame, where the system grants one."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _stop(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):  # what waits for a dead disk dies with the disk
        process.wait(GRACE_S)
    for pipe in (process.stdin, process.stdout, complaints):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # a request that nobody read
                pipe.close()
