"""From a container's timestamps to offsets and numbers that only grow.

Recorders start their clocks anywhere, set them back in the middle of a file (joined clips, MPEG-TS
discontinuities) and space frames unevenly.
"""

import heapq
from fractions import Fraction
from typing import TypeAlias

import av
from av.video.stream import VideoStream

REORDERED = 20  # more frames than any codec displays out of the order it stores them in
USUAL_RATE = Fraction(25)

Packet: TypeAlias = "av.Packet[VideoStream]"


class Timeline:
    """Follows the packets of one stream, in the order they are stored, and dates its pictures.

    A picture's number is how many of the clip's pictures come before it; it does not depend on which of
    them are decoded.

    Attributes:
        number: of the picture that was dated last.
        jumps: how often timestamps went back; what follows a jump is put right after what came before.
        reached_s: offset of the last picture, decoded or not.
    """

    def __init__(self, stream: VideoStream) -> None:
        assert stream.time_base is not None
        self._tick_s = stream.time_base
        rate = stream.average_rate or stream.guessed_rate or USUAL_RATE
        self._period = max(1, round(1 / rate / self._tick_s))
        self._start = stream.start_time
        self._last: int | None = None  # ticks of the last packet
        self._shift = 0
        self._reached = self._start or 0
        self._waiting: list[int] = []  # of packets whose pictures are not numbered yet; a heap
        self.number = 0
        self._last_picture: int | None = None
        self.jumps = 0

    @property
    def reorder_s(self) -> float:
        """What is stored this much later than a picture is also displayed later."""
        return max(float(REORDERED * self._period * self._tick_s), 1.0)

    @property
    def reached_s(self) -> float:
        return self._offset_s(self._reached)

    def place(self, packet: Packet) -> tuple[float, float]:
        """Mend a packet's timestamps in place; offsets at which it is stored and displayed, seconds."""
        stored = packet.dts if packet.dts is not None else packet.pts
        if stored is None:
            stored = (self._last or 0) + self._period - self._shift
        if self._last is not None and (self._last - stored - self._shift) * self._tick_s > self.reorder_s:
            self._shift = self._last + self._period - stored
            self.jumps += 1
        stored += self._shift
        displayed = stored if packet.pts is None else packet.pts + self._shift
        packet.dts, packet.pts = stored, displayed
        if self._start is None:
            self._start = displayed
        self._last = stored if self._last is None else max(self._last, stored)
        self._reached = max(self._reached, displayed)
        heapq.heappush(self._waiting, displayed)
        return self._offset_s(stored), self._offset_s(displayed)

    def date(self, frame: av.VideoFrame) -> float | None:
        """Offset of the next picture, seconds; None for one that comes out of turn."""
        ticks = frame.pts
        if ticks is None:
            ticks = (self._start or 0) if self._last_picture is None else self._last_picture + self._period
        if self._last_picture is not None and ticks <= self._last_picture:
            return None
        self._last_picture = ticks
        self.skip_to(ticks)
        return self._offset_s(ticks)

    def skip_to(self, ticks: int) -> None:
        """No picture that is displayed before this will be dated any more."""
        while self._waiting and self._waiting[0] < ticks:
            heapq.heappop(self._waiting)
            self.number += 1

    def _offset_s(self, ticks: int) -> float:
        return float((ticks - (self._start or 0)) * self._tick_s)
