"""The child process: decodes one clip and writes the pictures that are wanted to its standard output.

FFmpeg may crash or hang on a broken file; in a process of its own it takes nobody with it. The pipe holds
back a decoder whose frames nobody takes, so that no more than one is waiting.
"""

import errno
import hashlib
import math
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream

from streetsight.inference.video import wire
from streetsight.inference.video.container import (
    misses_end,
    read_camera,
    read_creation,
    read_duration,
    read_tags,
)
from streetsight.inference.video.pictures import ImageRgb, read_display, to_upright_rgb
from streetsight.inference.video.sampling import TOLERANCE_S, SampledBy, Sampler, Sampling
from streetsight.inference.video.timeline import Packet, Timeline

# Playlists and the like, which FFmpeg would also follow to other files and hosts, are no videos.
FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,asf"
ALIVE_EVERY_S = 1.0
HELD_BYTES = 64 * 2**20
SHORT_BY = 0.05  # share of the stated duration that may be missing; at least a second

Report = Callable[[], None]


class Fault(Exception):
    """A clip cannot be decoded, or not to its end."""

    def __init__(self, name: str, **values: Any) -> None:
        super().__init__(name)
        self.name, self.values = name, values


class ClipDecoder:
    """Decodes what is wanted of one clip and as little else as possible.

    Whole groups of pictures before the next wanted moment are passed over undecoded; within a group,
    pictures that no other refers to are. After damage nothing is trusted before the next key frame:
    decoders fill in what is missing with grey or with old pixels.
    """

    def __init__(self, path: Path, threads: int = 1, max_pixels: int = 2**31 - 1) -> None:
        self._path = path
        self._container = self._open(max_pixels)
        self._stream = self._choose_stream()
        context = self._stream.codec_context
        context.thread_count, context.options = threads, {"max_pixels": str(max_pixels)}
        self._timeline = Timeline(self._stream)
        self._duration_s = read_duration(self._container, self._stream)
        # These do not say of each picture when it is displayed; what FFmpeg makes up is near, not exact.
        self._knows_times = self._container.format.name not in ("avi", "mpeg")
        self._displays: dict[int, bytes | None] = {}  # by rotation
        self._damages, self._good_s = 0, 0.0
        self._doubted_s = (math.inf, math.inf)  # offsets of pictures that damage may have reached

    def header(self) -> dict[str, Any]:
        """What is known before anything is decoded."""
        tags, context = read_tags(self._container, self._stream), self._stream.codec_context
        created, problems = read_creation(tags)
        return {
            "created": created.isoformat() if created else None,
            "camera": read_camera(tags),
            "codec": context.name,
            "duration_s": self._duration_s,
            "coded_wh": (context.width, context.height),
            "problems": problems,
        }

    def frames(
        self, sampling: Sampling, report: Report = lambda: None
    ) -> Iterator[tuple[dict[str, Any], ImageRgb]]:
        """What there is to say of each wanted frame, and its picture.

        Args:
            report: called at every step.

        Raises:
            Fault: after the last good frame of a clip that is not whole.
        """
        sampler, count, cause = Sampler(sampling), 0, ""
        try:
            for offset_s, frame in self._good_pictures(sampler, report):
                taken_for = sampler.take(offset_s)
                if taken_for:
                    image = self._picture(frame)
                    yield self._describe(offset_s, taken_for, image), image
                    count += 1
        except av.FFmpegError as error:
            cause = error.strerror or type(error).__name__
        if not count and not misses_end(self._path):
            raise Fault("no_frames", codec=self._stream.codec_context.name)
        if cause or self._is_cut_off():
            raise Fault("truncated", seconds=round(self._reached_s, 1), frames=count)

    def _picture(self, frame: av.VideoFrame) -> ImageRgb:
        if frame.rotation not in self._displays:
            self._displays[frame.rotation] = read_display(frame)
        return to_upright_rgb(frame, self._displays[frame.rotation], self._stream.sample_aspect_ratio)

    def _describe(self, offset_s: float, taken_for: SampledBy, image: ImageRgb) -> dict[str, Any]:
        return {
            "number": self._timeline.number,
            "offset_s": offset_s,
            "sampled_by": taken_for,
            "size_wh": (image.shape[1], image.shape[0]),
        }

    def problems(self) -> list[str]:
        """What was wrong along the way."""
        found = []
        if self._damages:
            found.append(f"{self._damages} damaged packets; pictures up to the next key frame were left out")
        if self._timeline.jumps:
            found.append(f"timestamps went back {self._timeline.jumps} times; later ones were moved on")
        return found

    def _open(self, max_pixels: int) -> InputContainer:
        try:
            return av.open(
                f"file:{self._path}",
                options={
                    "protocol_whitelist": "file",
                    "format_whitelist": FORMATS,
                    "max_pixels": str(max_pixels),
                },
                metadata_errors="replace",
            )
        except av.FFmpegError as error:
            if not self._path.stat().st_size:
                raise Fault("empty") from error
            raise Fault("unfinished" if misses_end(self._path) else "invalid_video") from error

    def _choose_stream(self) -> VideoStream:
        stream = self._container.streams.best("video")
        if not self._container.streams and misses_end(self._path):
            raise Fault("unfinished")
        if not isinstance(stream, VideoStream):
            raise Fault(
                "no_video",
                kinds=", ".join(sorted({each.type for each in self._container.streams})) or "nothing",
            )
        if stream.codec_context is None:
            raise Fault("unsupported_codec")
        for each in self._container.streams:
            if each is not stream:
                each.discard = Discard.all
        return stream

    def _good_pictures(self, sampler: Sampler, report: Report) -> Iterator[tuple[float, av.VideoFrame]]:
        """Offset and frame of all that were decoded and are whole."""
        context = self._stream.codec_context
        for packet, stored_s, displayed_s in self._worth_decoding(sampler, report):
            unwanted = self._knows_times and displayed_s < sampler.next_s - TOLERANCE_S
            context.skip_frame = "NONREF" if unwanted else "DEFAULT"
            for frame in self._decode(packet, stored_s, displayed_s):
                offset_s = self._timeline.date(frame)
                if offset_s is not None and not frame.is_corrupt and not self._doubts(offset_s):
                    self._good_s = offset_s
                    yield offset_s, frame

    def _decode(self, packet: Packet, stored_s: float, displayed_s: float) -> list[av.VideoFrame]:
        frames, damaged = [], packet.is_corrupt
        try:
            frames = self._stream.decode(packet)
        except av.InvalidDataError:
            damaged = True
        since_s, until_s = self._doubted_s
        if damaged:
            self._damages += 1
            self._doubted_s = (min(since_s, stored_s) if until_s == math.inf else stored_s, math.inf)
        elif packet.is_keyframe and until_s == math.inf:
            self._doubted_s = (since_s, displayed_s)
        return frames

    def _doubts(self, offset_s: float) -> bool:
        since_s, until_s = self._doubted_s
        return since_s <= offset_s < until_s

    def _worth_decoding(self, sampler: Sampler, report: Report) -> Iterator[tuple[Packet, float, float]]:
        """Packets with the offsets at which they are stored and displayed, less what is passed over."""
        held: list[tuple[Packet, float, float]] = []
        held_bytes = 0
        for packet in self._container.demux(self._stream):
            report()
            if packet.dts is None and packet.pts is None and not packet.size:
                yield packet, math.inf, math.inf  # the end: the decoder is to give out what it still has
                return
            stored_s, displayed_s = self._timeline.place(packet)
            near_s = sampler.next_s - self._timeline.reorder_s
            if held and packet.is_keyframe and displayed_s <= near_s:
                self._timeline.skip_to(packet.pts or 0)
                self._stream.codec_context.flush_buffers()
                held, held_bytes = [], 0
            if packet.size:  # AVI has empty ones for pictures that did not change
                held.append((packet, stored_s, displayed_s))
                held_bytes += packet.size
            if stored_s > near_s or held_bytes > HELD_BYTES:
                yield from held
                held, held_bytes = [], 0

    @property
    def _reached_s(self) -> float:
        return self._good_s if self._doubts(self._timeline.reached_s) else self._timeline.reached_s

    def _is_cut_off(self) -> bool:
        expected_s = max(self._duration_s or 0.0, self._timeline.reached_s)
        missing_s = expected_s - self._reached_s
        return missing_s > max(1.0, SHORT_BY * expected_s) or misses_end(self._path)


class Outlet:
    """The way out of the child: messages, pixels, and a sign of life when there is nothing else to say."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe, self._said_at = pipe, time.monotonic()

    def say(self, message: wire.Message, image: ImageRgb | None = None) -> None:
        self._pipe.write(wire.encode(message))
        if image is not None:
            self._pipe.write(image.data.cast("B"))
        self._pipe.flush()
        self._said_at = time.monotonic()

    def alive(self) -> None:
        """To be called at every step; speaks now and then."""
        if time.monotonic() - self._said_at > ALIVE_EVERY_S:
            self.say({"is": "alive"})


def serve(requests: BinaryIO, outlet: Outlet) -> None:
    """One clip, from its request to its end."""
    asked = wire.decode(requests.read)
    threading.Thread(target=end_with_parent, args=(asked["parent"],), daemon=True).start()
    try:
        path = Path(asked["path"])
        sha256 = _digest(path, outlet.alive)
        decoder = ClipDecoder(path, asked["threads"], asked["max_pixels"])
        outlet.say({"is": "header", "sha256": sha256, **decoder.header()})
        sampling = Sampling.from_json(wire.decode(requests.read))
        for message, image in decoder.frames(sampling, outlet.alive):
            outlet.say({"is": "frame", **message}, image)
        outlet.say({"is": "end", "problems": decoder.problems()})
    except Fault as fault:
        outlet.say({"is": "fault", "name": fault.name, "values": fault.values})
    except OSError as error:
        outlet.say({"is": "fault", "name": "unreadable", "values": {"reason": error.strerror}})


def _digest(path: Path, report: Report) -> str:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
            report()
    return digest.hexdigest()


def end_with_parent(parent: int) -> None:
    """As a thread: a parent that is killed cannot stop us, and one that forked keeps our pipes open."""
    while os.getppid() == parent:
        time.sleep(ALIVE_EVERY_S)
    os._exit(1)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not mix with frames
    try:
        serve(sys.stdin.buffer, Outlet(pipe))
        pipe.close()
    except BrokenPipeError:
        os._exit(1)  # the parent has heard enough


if __name__ == "__main__":
    main()
