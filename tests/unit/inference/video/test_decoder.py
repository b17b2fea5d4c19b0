"""The decoder without its process: which pictures it gives, and that passing over others changes none."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streetsight.inference.video import decoder
from streetsight.inference.video.decoder import ClipDecoder, Fault
from streetsight.inference.video.sampling import Sampling, Travel

ImageRgb = NDArray[np.uint8]
Film = Callable[..., Path]
EVERY_PICTURE = Sampling(every_s=0.001)


def frames_of(path: Path, sampling: Sampling = EVERY_PICTURE) -> list[tuple[dict[str, Any], ImageRgb]]:
    return list(ClipDecoder(path).frames(sampling))


def numbers(path: Path, sampling: Sampling = EVERY_PICTURE) -> list[int]:
    return [message["number"] for message, _ in frames_of(path, sampling)]


KINDS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "open_gop.mp4": {"codec_options": {"x264-params": "open-gop=1:b-pyramid=normal", "bf": "5"}},
    "intra_refresh.mkv": {"codec_options": {"x264-params": "intra-refresh=1"}},
    "h265.mov": {"codec": "libx265", "codec_options": {"x265-params": "log-level=none:keyint=25"}},
    "h264.mkv": {},
    "h264.ts": {},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
}


@pytest.fixture(scope="module")
def clips(film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """150 pictures, six seconds, in all kinds of wrapping."""
    folder = tmp_path_factory.mktemp("clips")
    return {name: film(folder / name, 150, **options) for name, options in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_comes_once_in_order_with_its_number(
    clips: dict[str, Path], kind: str, spelled: Callable[[ImageRgb], int]
) -> None:
    frames = frames_of(clips[kind])
    assert [spelled(image) for _, image in frames] == list(range(150))
    assert [message["number"] for message, _ in frames] == list(range(150))
    offsets = [message["offset_s"] for message, _ in frames]
    assert np.allclose(np.diff(offsets), 0.04, atol=0.0011)
    assert offsets[0] == pytest.approx(0, abs=0.041)  # FFmpeg dates AVI by one picture late


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(every_s=0.2),
        Sampling(every_s=2.3),
        # drives, stands from second 1 to 4.6, drives on
        Sampling(Travel(np.array([0, 1, 4.6, 7]), np.array([0, 12.0, 12.0, 50]))),
        Sampling(Travel(np.array([0.0, 9]), np.array([5.0, 5]))),
    ],
    ids=["dense", "sparse", "halt", "standing"],
)
def test_passing_over_pictures_changes_none(clips: dict[str, Path], kind: str, sampling: Sampling) -> None:
    """Against the judge that decodes them all."""
    with av.open(str(clips[kind])) as container:
        judge = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    frames = frames_of(clips[kind], sampling)
    assert frames
    for message, image in frames:
        np.testing.assert_array_equal(image, judge[message["number"]])
    every = frames_of(clips[kind])
    wanted: list[int] = []
    after = -np.inf
    for message, _ in every:
        if message["offset_s"] >= after - 0.0005:
            wanted.append(message["number"])
            after = sampling.after(message["offset_s"])
    assert [message["number"] for message, _ in frames] == wanted


def test_groups_that_nobody_wants_are_not_decoded(clips: dict[str, Path]) -> None:
    asked = 0

    class Counting(ClipDecoder):
        def _decode(self, *packet: Any) -> Any:
            nonlocal asked
            asked += 1
            return super()._decode(*packet)

    standing = Sampling(Travel(np.array([0.0, 9]), np.array([5.0, 5])))
    assert len(list(Counting(clips["h264.mp4"]).frames(standing))) == 1
    assert asked < 20


def test_frames_do_not_pile_up(clips: dict[str, Path]) -> None:
    """A hundred forgotten frames of 12 megapixels are two gigabytes."""

    def alive() -> int:
        # Not isinstance: some libraries' objects answer questions for their class with a warning.
        return sum(issubclass(type(each), av.VideoFrame) for each in gc.get_objects())

    gc.collect()
    gc.disable()  # PyAV's frames can be in cycles, which would wait for the collector
    try:
        before = alive()
        for message, _ in ClipDecoder(clips["h264.mp4"]).frames(EVERY_PICTURE):
            if message["number"] == 100:
                assert alive() - before < 10
    finally:
        gc.enable()


def test_a_group_without_end_is_not_held_back_whole(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "HELD_BYTES", 3000)
    path = film(tmp_path / "a.mp4", 150, codec_options={"g": "1000"})
    assert numbers(path, Sampling(every_s=5)) == [0, 125]


def test_uneven_timestamps_are_kept(film: Film, tmp_path: Path) -> None:
    ticks = [0, 1, 2, 30, 31, 90]
    path = film(tmp_path / "a.mkv", 6, ticks=ticks)
    offsets = [message["offset_s"] for message, _ in frames_of(path)]
    assert np.allclose(offsets, np.array(ticks) / 25, atol=0.001)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_late_start_is_no_offset(film: Film, tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name, 30, ticks=list(range(2500, 2530)))
    assert frames_of(path)[0][0]["offset_s"] == pytest.approx(0, abs=0.001)
    assert numbers(path) == list(range(30))


def test_timestamps_that_go_back_go_on(
    film: Film, tmp_path: Path, spelled: Callable[[ImageRgb], int]
) -> None:
    """Two recordings, one after the other in one transport stream: the second starts its clock again."""
    one, other = film(tmp_path / "1.ts", 75), film(tmp_path / "2.ts", 50)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one.read_bytes() + other.read_bytes())
    clip = ClipDecoder(joined)
    frames = list(clip.frames(EVERY_PICTURE))
    offsets = [message["offset_s"] for message, _ in frames]
    found = [message["number"] for message, _ in frames]
    assert (np.diff(offsets) > 0).all()
    assert (np.diff(found) > 0).all()
    assert offsets[-1] == pytest.approx(124 / 25, abs=0.2)
    assert spelled(frames[-1][1]) == 49
    assert len(frames) >= 120
    assert [each for each in clip.problems() if "went back 1 times" in each]


def cut(path: Path, share: float) -> Path:
    cut_off = path.with_stem(f"{path.stem}_cut")
    cut_off.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return cut_off


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_clip_that_is_cut_off_gives_what_it_has(
    film: Film, tmp_path: Path, name: str, spelled: Callable[[ImageRgb], int]
) -> None:
    codec = "mpeg4" if name == "a.avi" else "libx264"
    whole = film(tmp_path / name, 150, codec=codec, container_options={"movflags": "faststart"})
    found: list[int] = []
    frames = ClipDecoder(cut(whole, 0.6)).frames(EVERY_PICTURE)
    with pytest.raises(Fault, match="truncated") as caught:
        found.extend(spelled(image) for _, image in frames)
    assert caught.value.values["frames"] == len(found) > 50
    assert found[:-1] == list(range(len(found) - 1))  # the last one may refer to one that was cut off
    assert caught.value.values["seconds"] == pytest.approx(len(found) / 25, abs=0.2)


def test_a_clip_whose_tail_was_never_written_gives_what_it_has(film: Film, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 150, container_options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(Fault, match="truncated") as caught:
        frames_of(path)
    assert caught.value.values["frames"] > 30


def test_damage_in_the_middle_costs_its_own_group_only(
    film: Film, tmp_path: Path, spelled: Callable[[ImageRgb], int]
) -> None:
    path = film(tmp_path / "a.mp4", 150, container_options={"movflags": "faststart"})
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        victim = next(each for each in packets[60:] if not each.is_keyframe and each.size > 60)
        place, size = victim.pos, victim.size
    assert place is not None
    content = bytearray(path.read_bytes())
    content[place : place + size] = b"\xff" * size
    path.write_bytes(content)
    clip = ClipDecoder(path)
    found = [spelled(image) for _, image in clip.frames(EVERY_PICTURE)]
    assert set(range(150)) - set(found) <= set(range(50, 75))
    assert 1 <= 150 - len(found) <= 25
    assert "damaged" in clip.problems()[0]


def test_a_playlist_is_no_video(film: Film, tmp_path: Path) -> None:
    """FFmpeg would follow it to other files and hosts."""
    film(tmp_path / "secret.ts", 30)
    playlists = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nfile://{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n",
        "concat": "ffconcat version 1.0\nfile secret.ts\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    }
    for name, text in playlists.items():
        path = tmp_path / f"{name}.mp4"
        path.write_text(text)
        with pytest.raises(Fault, match="invalid_video"):
            ClipDecoder(path)


def test_pictures_beyond_the_limit_are_not_decoded(film: Film, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", 5)
    with pytest.raises(Fault, match="no_frames"):
        list(ClipDecoder(path, max_pixels=100).frames(EVERY_PICTURE))
