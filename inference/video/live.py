"""The child process of a live camera: decodes its stream, and writes a picture whenever one is asked for.

    to it      {"url": ..., "parent": process id}
    from it    {"is": "header", "size_wh": ...}
    to it      {"take": true}
    from it    {"is": "frame", "size_wh": ..., "taken_s": ..., "count": ...} + pixels

A camera that stops sending leaves the question unanswered, and the parent's watch ends the process. While
nobody asks, only key frames are decoded: a vehicle that stands costs little.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from streetsight.inference.video import wire
from streetsight.inference.video.decoder import Outlet, end_with_parent
from streetsight.inference.video.pictures import read_display, to_upright_rgb

OPEN_S, READ_S = 10.0, 15.0
IDLE_S = 3.0
NETWORK = "rtsp,rtsps,rtp,srtp,http,https,tcp,udp,tls,crypto"


class Camera:
    """An open stream."""

    def __init__(self, url: str) -> None:
        """Raises av.FFmpegError, OSError."""
        device = url.startswith("/dev/")
        options = {"input_format": "mjpeg"} if device else {"protocol_whitelist": NETWORK}
        if url.startswith("rtsp"):
            options |= {"rtsp_transport": "tcp"}  # half a picture is worth nothing
        self._container = self._open(url, device, options)
        self._stream: VideoStream = self._container.streams.video[0]
        self._stream.thread_count = 1
        self.size_wh = (self._stream.codec_context.width, self._stream.codec_context.height)

    def _open(self, url: str, device: bool, options: dict[str, str]) -> InputContainer:
        kind = "v4l2" if device else None
        try:
            return av.open(url, format=kind, options=options, timeout=(OPEN_S, READ_S))
        except av.FFmpegError:
            if not device:
                raise
            return av.open(url, format=kind, timeout=(OPEN_S, READ_S))  # one that speaks no MJPEG

    def frames(self, asked: "Asked") -> Iterator[av.VideoFrame]:
        """All that are decoded: each one while somebody asks, key frames only while nobody does."""
        context = self._stream.codec_context
        for packet in self._container.demux(self._stream):
            if packet.is_keyframe:
                context.skip_frame = "DEFAULT" if asked.lately() else "NONKEY"
            for frame in self._decode(packet):
                if not frame.is_corrupt:
                    yield frame

    def _decode(self, packet: "av.Packet[VideoStream]") -> list[av.VideoFrame]:
        try:
            return self._stream.decode(packet)
        except av.InvalidDataError:  # damaged on the way: the next key frame mends it
            return []


class Asked:
    """Whether the parent wants a picture."""

    def __init__(self, requests: BinaryIO) -> None:
        self._requests, self._at, self.pending = requests, time.monotonic(), False

    def look(self) -> bool:
        """Look for a question without waiting for one."""
        if not self.pending and select.select([self._requests], [], [], 0)[0]:
            wire.decode(self._requests.read)
            self.pending, self._at = True, time.monotonic()
        return self.pending

    def lately(self) -> bool:
        return self.look() or time.monotonic() - self._at < IDLE_S


def serve(requests: BinaryIO, outlet: Outlet) -> None:
    """One camera, until it ends."""
    said = wire.decode(requests.read)
    threading.Thread(target=end_with_parent, args=(said["parent"],), daemon=True).start()
    try:
        camera = Camera(said["url"])
        outlet.say({"is": "header", "size_wh": camera.size_wh})
        _answer(camera, Asked(requests), outlet)
        reason = "its stream ended"
    except (av.FFmpegError, OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    values: dict[str, Any] = {"address": said["shown"], "reason": reason}
    outlet.say({"is": "fault", "name": "no_camera", "values": values})


def _answer(camera: Camera, asked: Asked, outlet: Outlet) -> None:
    display: bytes | None = None
    for count, frame in enumerate(camera.frames(asked)):
        if count == 0:
            display = read_display(frame)
        if asked.look():
            image = to_upright_rgb(frame, display)
            size_wh = (image.shape[1], image.shape[0])
            outlet.say({"is": "frame", "size_wh": size_wh, "taken_s": time.time(), "count": count}, image)
            asked.pending = False


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with frames
    requests = os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    try:
        serve(requests, Outlet(pipe))
        pipe.close()
    except (BrokenPipeError, EOFError):
        os._exit(1)  # the parent has seen enough


if __name__ == "__main__":
    main()
