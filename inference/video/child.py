"""A decoder process and the watchdog over it."""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from streetsight.inference.reading import ImageRgb
from streetsight.inference.video.outcomes import ClipError, explain

PIPE_BYTES = 2**20


class DecoderProcess:
    """`decoder.py` in a process of its own, which is gone when this object is, or when our process is.

    It is started afresh rather than forked, so that it inherits no locks and no open files.

    Attributes:
        patience_s: how long it may take over one message.
    """

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._stalled = False
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        # -P: what happens to lie in the current folder is not to be imported
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "streetsight.inference.video.decoder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            pipesize=PIPE_BYTES,
        )
        self.stop = weakref.finalize(self, _stop, self._process, self._complaints)

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request.

        Raises:
            ClipError: "stalled" or "decoder_failed", when it cannot be delivered.
        """
        assert self._process.stdin is not None
        try:
            with self._watched():
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
        except BrokenPipeError:
            raise self._loss() from None

    def hear(self) -> dict[str, Any]:
        """The next message that is more than a sign of life.

        Raises:
            ClipError: what the decoder has to say against the clip, or "stalled" or "decoder_failed".
        """
        assert self._process.stdout is not None
        while True:
            with self._watched():
                line = self._process.stdout.readline()
            if not line.endswith(b"\n"):
                raise self._loss()
            message: dict[str, Any] = json.loads(line)
            if message["is"] == "fault":
                raise explain(message["name"], message["values"])
            if message["is"] != "alive":
                return message

    def receive(self, size_wh: tuple[int, int]) -> ImageRgb:
        """The pixels that follow a message, (h, w, 3) uint8.

        Raises:
            ClipError: "stalled" or "decoder_failed", when they do not come whole.
        """
        assert self._process.stdout is not None
        image = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
        missing = image.data.cast("B")
        with self._watched():
            while missing:
                got = self._process.stdout.readinto(missing)  # type: ignore[attr-defined]
                if not got:
                    raise self._loss()
                missing = missing[got:]
        return image

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """End the child if this takes too long; whoever waits for it then sees its pipe close."""
        watchdog = threading.Timer(self.patience_s, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()

    def _give_up(self) -> None:
        self._stalled = True
        self._process.kill()

    def _loss(self) -> ClipError:
        """What became of the child."""
        self._process.kill()
        code = self._process.wait()
        if self._stalled:
            return ClipError(
                "stalled",
                "the video decoder made no progress for {seconds} s and was stopped; the file is damaged, or "
                "its disk or network does not answer",
                seconds=self.patience_s,
            )
        return ClipError(
            "decoder_failed",
            "the video decoder crashed ({reason}); the file is damaged or needs another decoder",
            reason=signal.Signals(-code).name if code < 0 else self._last_words() or f"exit code {code}",
        )

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


def _stop(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, complaints):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # a request that nobody read
                pipe.close()
