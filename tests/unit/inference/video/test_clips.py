"""Clips through the real child process: what comes out, what goes wrong, and that nothing stays behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from streetsight.datasets.simulation.camera import Camera
from streetsight.datasets.simulation.patrol import SPEED_MPS, START, simulate_patrol
from streetsight.inference.video.clips import Clip, VideoFrame, open_clip
from streetsight.inference.video.outcomes import ClipError, ClipOutcome, explain
from streetsight.inference.video.sampling import Sampling, Travel

ImageRgb = NDArray[np.uint8]
Film = Callable[..., Path]


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    yield
    assert children() == []


def children() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "video.decoder" in " ".join(each.cmdline())]


def alive(process: psutil.Process) -> bool:
    """A zombie is one that its new parent did not look after yet."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def clip_path(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, upright when turned to the left."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return film(
        path,
        150,
        tags={"creation_time": "2026-05-06T00:30:00Z"},
        setup=lambda stream: stream.set_display_rotation(90),
        container_options={"movflags": "faststart"},
    )


def test_frames_of_a_clip(clip_path: Path) -> None:
    with open_clip(clip_path) as clip:
        frames = list(clip.frames(Sampling(every_s=2)))
    digest = sha256(clip_path.read_bytes()).hexdigest()
    made = datetime(2026, 5, 6, 0, 30, tzinfo=UTC)
    assert clip.header.metadata.taken_at == made
    assert clip.header.metadata.problems == clip.problems == ()
    assert clip.header.duration_s == 6
    assert clip.header.codec == "h264"
    assert [frame.id for frame in frames] == [f"{digest}#{number}" for number in (0, 50, 100)]
    assert [frame.offset_s for frame in frames] == [0, 2, 4]
    assert [frame.taken_at for frame in frames] == [made + timedelta(seconds=each) for each in (0, 2, 4)]
    assert {frame.size_wh for frame in frames} == {(96, 160)}
    assert {frame.image_rgb_hwc.shape for frame in frames} == {(160, 96, 3)}
    assert {frame.sampled_by for frame in frames} == {"time"}


def test_a_camera_that_writes_the_end_of_its_recording(clip_path: Path) -> None:
    with open_clip(clip_path, stamped="end") as clip:
        assert clip.header.metadata.taken_at == datetime(2026, 5, 6, 0, 29, 54, tzinfo=UTC)


def test_a_simulated_patrol_comes_back(film: Film, tmp_path: Path) -> None:
    """Filmed at 25 pictures a second while driving 4 m from photo to photo, then asked for every 4 m."""
    count, step_m = 3, 4.0
    truth = list(simulate_patrol(tmp_path, frames=count, camera=Camera((160, 96)), step_m=step_m))
    photos = [np.asarray(Image.open(tmp_path / "frames" / frame.name)) for frame in truth]
    period_s = step_m / SPEED_MPS
    shown = [photos[min(int(index / 25 / period_s + 1e-9), count - 1)] for index in range(50)]
    path = film(tmp_path / "patrol.mp4", shown, tags={"creation_time": START.astimezone(UTC).isoformat()})
    way = Travel(np.array([0.0, count * period_s]), np.array([0.0, count * step_m]))
    with open_clip(path) as clip:
        frames = list(clip.frames(Sampling(way)))
    assert len(frames) == count
    assert {frame.sampled_by for frame in frames} == {"distance"}
    for frame, photo, true in zip(frames, photos, truth, strict=True):
        assert frame.size_wh == (160, 96)
        assert np.abs(frame.image_rgb_hwc.astype(int) - photo).mean() < 6
        assert frame.taken_at is not None
        late = frame.taken_at - datetime.fromisoformat(true.taken_at)
        assert timedelta(0) <= late + timedelta(milliseconds=1) < timedelta(seconds=0.3)


def test_one_bad_clip_costs_no_other(clip_path: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("not a film")
    outcomes: list[str] = []
    for path in (clip_path, bad, clip_path):
        try:
            with open_clip(path) as clip:
                outcomes.append(str(len(list(clip.frames(Sampling(every_s=3))))))
        except ClipError as error:
            outcomes.append(error.outcome)
    assert outcomes == ["2", "invalid_video", "2"]


def without_index(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: content.index(b"moov") + 8]


def sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("make", "outcome", "said"),
    [
        (lambda path, _: None, "unreadable", "No such file"),
        (lambda path, _: path.mkdir(), "unreadable", "not a regular file"),
        (lambda path, _: os.mkfifo(path), "unreadable", "not a regular file"),
        (lambda path, _: path.touch(), "invalid_video", "0 bytes"),
        (lambda path, _: path.write_bytes(b"\x00" * 5000), "invalid_video", "expected MP4"),
        (lambda path, _: Image.new("RGB", (64, 64)).save(path, "JPEG"), "invalid_video", "expected MP4"),
        (lambda path, film: path.write_bytes(without_index(film(path, 9))), "truncated", "its index"),
        (lambda path, _: sound(path), "no_video", "only audio"),
        (lambda path, film: film(path, [np.zeros((16, 64, 3), np.uint8)]), "too_small", "64 x 16"),
    ],
)
def test_what_is_no_usable_clip_has_its_outcome(
    film: Film, tmp_path: Path, make: Callable[[Path, Film], object], outcome: ClipOutcome, said: str
) -> None:
    path = tmp_path / "clip.mp4"
    make(path, film)
    with pytest.raises(ClipError, match=said) as caught:
        open_clip(path)
    assert caught.value.outcome == outcome
    assert caught.value.say("zh") != str(caught.value)


def test_every_fault_says_what_to_do_in_both_languages() -> None:
    values = {"reason": "x", "kinds": "audio", "codec": "h264", "seconds": 1, "frames": 2}
    for fault in (
        "unreadable",
        "empty",
        "unfinished",
        "no_video",
        "unsupported_codec",
        "no_frames",
        "truncated",
        "",
    ):
        error = explain(fault, values)
        assert error.say("zh") != str(error)


def test_a_cut_off_clip_gives_its_frames_first(clip_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(clip_path.read_bytes()[: clip_path.stat().st_size * 6 // 10])
    frames: list[VideoFrame] = []
    clip = open_clip(path)
    with pytest.raises(ClipError, match="breaks off after") as caught:
        frames.extend(clip.frames(Sampling(every_s=0.5)))
    assert caught.value.outcome == "truncated"
    assert len(frames) >= 4


def hasten(clip: Clip, patience_s: float) -> None:
    """A process may take long to start on a busy machine; what comes after that may not."""
    clip._child.patience_s = patience_s


def test_a_decoder_that_hangs_is_stopped(clip_path: Path) -> None:
    with open_clip(clip_path) as clip:
        frames = clip.frames(Sampling(every_s=0.001))
        next(frames)
        hasten(clip, 1)
        children()[0].send_signal(signal.SIGSTOP)
        with pytest.raises(ClipError, match="no progress for 1 s") as caught:
            list(frames)
    assert caught.value.outcome == "stalled"


def test_a_caller_that_takes_its_time_is_not_taken_for_a_hanging_decoder(clip_path: Path) -> None:
    with open_clip(clip_path) as clip:
        frames = clip.frames(Sampling(every_s=0.001))
        next(frames)
        hasten(clip, 2)
        time.sleep(2.5)
        assert len(list(frames)) == 149


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_decoder_that_crashes_is_an_outcome(clip_path: Path, number: signal.Signals) -> None:
    with open_clip(clip_path) as clip:
        frames = clip.frames(Sampling(every_s=0.001))
        next(frames)
        children()[0].send_signal(number)
        with pytest.raises(ClipError, match=number.name) as caught:
            list(frames)
    assert caught.value.outcome == "decoder_failed"


def test_stopping_early_ends_the_decoder(clip_path: Path) -> None:
    for frame in open_clip(clip_path).frames(Sampling(every_s=0.001)):
        assert frame.number == 0
        assert children()
        break
    assert not children()


def test_a_decoder_waits_for_its_caller(clip_path: Path) -> None:
    """Frames are not piled up: the decoder is busy with the next ones only, as far as the pipe goes."""
    with open_clip(clip_path) as clip:
        frames = clip.frames(Sampling(every_s=0.001))
        next(frames)
        child = children()[0]
        deadline = time.monotonic() + 10
        while child.status() == psutil.STATUS_RUNNING and time.monotonic() < deadline:
            time.sleep(0.05)
        assert child.status() == psutil.STATUS_SLEEPING


@pytest.mark.parametrize("busy", [False, True], ids=["waiting for a plan", "full pipe"])
def test_a_decoder_dies_with_its_parent(clip_path: Path, busy: bool) -> None:
    script = f"""
        import time
        from pathlib import Path
        from streetsight.inference.video.clips import open_clip
        from streetsight.inference.video.sampling import Sampling
        import psutil
        clip = open_clip(Path({str(clip_path)!r}))
        if {busy}:
            next(iter(clip.frames(Sampling(every_s=0.001))))
        print(psutil.Process().children()[0].pid, flush=True)
        time.sleep(60)
    """
    if busy:
        script = script.replace("next(iter(", "frames = iter(").replace("0.001))))", "0.001))); next(frames)")
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert "video.decoder" in " ".join(child.cmdline())
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(child)
