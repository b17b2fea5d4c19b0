"""A camera on the network: a small RTSP server (RFC 2326) with H.264 interleaved over TCP (RFC 6184)."""

import base64
import contextlib
import io
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np

RATE, SIZE = 15, (160, 96)


def encoded(count: int, frozen: bool = False) -> tuple[list[list[bytes]], list[bytes]]:
    """NAL units of each picture, and the parameter sets."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="h264") as container:
        stream: Any = container.add_stream("libx264", rate=RATE, options={
            "tune": "zerolatency", "x264-params": "keyint=5:bframes=0:slices=1:annexb=1:repeat-headers=1",
        })  # fmt: skip
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        pictures = []
        for number in range(count):
            seed = 0 if frozen else number
            picture = np.random.default_rng(seed).integers(0, 255, (SIZE[1] // 8, SIZE[0] // 8, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture.repeat(8, 0).repeat(8, 1), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            pictures += [bytes(packet) for packet in stream.encode(frame)]
    units = [[u for u in re.split(rb"\x00\x00\x00?\x01", each) if u] for each in pictures]
    return units, [u for u in units[0] if u[0] & 31 in (7, 8)]


class RtspCamera:
    """Plays a stream to each who asks, over and over.

    Attributes:
        silent: it keeps the connection and sends nothing any more.
        asked: how many have begun to play.
    """

    def __init__(self, frozen: bool = False) -> None:
        self._units, self._sets = encoded(RATE * 2, frozen)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://user:secret@127.0.0.1:{self._listener.getsockname()[1]}/live"
        self.silent, self.asked = False, 0
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._talk, connection)

    def _start(self, work: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(connection,), daemon=True)
        thread.start()
        self._threads.append(thread)

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader, contextlib.suppress(ConnectionError):
            while (line := reader.readline()).strip():
                method, headers = line.split()[0].decode(), {}
                while (header := reader.readline()).strip():
                    name, _, value = header.decode().partition(":")
                    headers[name.lower()] = value.strip()
                self._answer(connection, method, headers)

    def _answer(self, connection: socket.socket, method: str, headers: dict[str, str]) -> None:
        more, body = "", ""
        if method == "DESCRIBE":
            sets = ",".join(base64.b64encode(each).decode() for each in self._sets)
            body = (
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
                "a=rtpmap:96 H264/90000\r\n"
                f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:track1\r\n"
            )
            more = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            more = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            more = "Session: 1\r\nRange: npt=0-\r\n"
        else:
            more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {headers['cseq']}\r\n{more}\r\n{body}".encode())
        if method == "PLAY":
            self.asked += 1
            self._start(self._play, connection)

    def _play(self, connection: socket.socket) -> None:
        sequence, count = 0, 0
        try:
            while True:
                if not self.silent:
                    units = self._units[count % len(self._units)]
                    for number, unit in enumerate(units):
                        last = number == len(units) - 1
                        head = struct.pack("!BBHII", 0x80, 96 | last << 7, sequence & 0xFFFF, count * 6000, 7)
                        packet = head + unit
                        connection.sendall(struct.pack("!cBH", b"$", 0, len(packet)) + packet)
                        sequence += 1
                    count += 1
                time.sleep(1 / RATE)
        except OSError:
            return
