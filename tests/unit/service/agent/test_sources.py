"""Sources: folders, videos, streams. What is half written is waited for, what fails is told."""

import io
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import ExifTags, Image
from streams import RtspCamera
from vehicles import jpegs

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Fix, build_track
from streetsight.service.agent.intake import Intake
from streetsight.service.agent.positions.places import Nowhere, Place, Places, Recorded
from streetsight.service.agent.sampling import Sampler
from streetsight.service.agent.settings import AgentSettings
from streetsight.service.agent.sources.clip import ClipReader, VideoFile
from streetsight.service.agent.sources.folder import PhotoFolder
from streetsight.service.agent.sources.live import LiveCamera, without_password
from streetsight.service.agent.sources.opening import NoSource, Source, open_source
from streetsight.service.agent.spool import Spool
from streetsight.service.agent.troubles import Troubles

Run = Callable[..., None]
Eventually = Callable[..., None]


def frames(spool: Spool) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(spool.folder / "spool.sqlite")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM frames ORDER BY id")]


@pytest.fixture
def camera_at(
    tmp_path: Path, intake: Intake, spool: Spool, agent_settings: AgentSettings, troubles: Troubles
) -> Callable[..., PhotoFolder]:
    """A camera's folder, in a vehicle that is there."""
    folder = tmp_path / "camera"
    folder.mkdir()
    return lambda places, profile=DeviceProfile(): PhotoFolder(
        folder, intake, spool.seen, places, profile, lambda: agent_settings, troubles
    )


@pytest.fixture
def camera(camera_at: Callable[[Places], PhotoFolder]) -> PhotoFolder:
    return camera_at(Nowhere())


@pytest.fixture
def open_camera(
    intake: Intake, spool: Spool, agent_settings: AgentSettings, troubles: Troubles
) -> Callable[[str], Source]:
    """As `--source` does."""
    parts: Any = SimpleNamespace(spool=spool, settings=lambda: agent_settings, troubles=troubles)
    return lambda said: open_source(said, parts, intake, Nowhere(), DeviceProfile())


def test_a_photo_that_is_still_being_written_is_waited_for(
    camera: PhotoFolder,
    spool: Spool,
    tmp_path: Path,
    running: Run,
    eventually: Eventually,
    troubles: Troubles,
) -> None:
    one, two, three = jpegs(3, 1)
    slow = tmp_path / "camera" / "slow.jpg"
    slow.write_bytes(one[: len(one) // 2])
    (tmp_path / "camera" / "empty.jpg").write_bytes(b"")
    (tmp_path / "camera" / ".draft.jpg").write_bytes(two)
    (tmp_path / "camera" / "day").mkdir()
    (tmp_path / "camera" / "day" / "good.JPG").write_bytes(three)
    running(camera.run)
    eventually(lambda: len(frames(spool)) == 1)
    time.sleep(1.2)
    assert [each["name"] for each in frames(spool)] == ["good.JPG"]
    with slow.open("ab") as file:
        file.write(one[len(one) // 2 :])
    eventually(lambda: len(frames(spool)) == 2)
    assert frames(spool)[1]["name"] == "slow.jpg"
    assert slow.exists(), "a camera's files are left alone unless that is asked for"
    assert troubles.now() == []


def test_a_folder_that_goes_away_comes_back(
    camera: PhotoFolder,
    spool: Spool,
    tmp_path: Path,
    running: Run,
    eventually: Eventually,
    troubles: Troubles,
) -> None:
    (tmp_path / "camera").rename(tmp_path / "unplugged")
    running(camera.run)
    eventually(lambda: "put the card back" in str([str(each.error) for each in troubles.now()]))
    (tmp_path / "unplugged" / "a.jpg").write_bytes(jpegs(1, 2)[0])
    (tmp_path / "unplugged").rename(tmp_path / "camera")
    eventually(lambda: len(frames(spool)) == 1)
    eventually(lambda: not troubles.now())


def test_files_are_taken_once_also_after_a_restart(
    camera: PhotoFolder, spool: Spool, tmp_path: Path, intake: Intake, agent_settings: AgentSettings,
    troubles: Troubles,
) -> None:  # fmt: skip
    path, stop = tmp_path / "camera" / "a.jpg", threading.Event()
    path.write_bytes(jpegs(1, 3)[0])
    (tmp_path / "camera" / "copy.jpg").write_bytes(path.read_bytes())
    assert camera.turn(stop) == 2
    path.with_name("copy.jpg").unlink()
    again = PhotoFolder(
        tmp_path / "camera", intake, spool.seen, Nowhere(), DeviceProfile(), lambda: agent_settings, troubles
    )
    assert again.turn(stop) == 0
    with closing(sqlite3.connect(spool.folder / "spool.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM sources").fetchone() == (1,)
    assert len(frames(spool)) == 1


def test_a_folder_that_is_not_there_is_awaited_and_costs_no_other(
    open_camera: Callable[[str], Source], tmp_path: Path, troubles: Troubles, running: Run,
    eventually: Eventually, spool: Spool,
) -> None:  # fmt: skip
    folder = tmp_path / "card"
    running(open_camera(str(folder)).run)
    eventually(lambda: "put the card back, or mount it" in str([str(each.error) for each in troubles.now()]))
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpegs(1, 5)[0])
    eventually(lambda: len(frames(spool)) == 1 and not troubles.now())


@pytest.mark.parametrize("said", ["rtps://camera/live", "/dev/cam0", __file__])
def test_what_is_no_source_is_refused(said: str, open_camera: Callable[[str], Source]) -> None:
    with pytest.raises(NoSource, match="expected a folder"):
        open_camera(said)


@pytest.mark.parametrize("said", ["", " ", "folder:", "video:"])
def test_an_empty_source_is_not_the_current_directory(
    said: str, open_camera: Callable[[str], Source]
) -> None:
    with pytest.raises(NoSource, match="a source is empty"):
        open_camera(said)


def place(metres: float, speed_mps: float | None = None, accuracy_m: float | None = None) -> Place:
    return Place(120 + metres / 96_400, 30.0, "device", accuracy_m, speed_mps=speed_mps)


def test_frames_go_by_the_way_and_standing_still_takes_none() -> None:
    settings = AgentSettings(every_m=4, every_s=1)
    sampler = Sampler(lambda: settings)

    def taken(moments: Iterator[tuple[float, Place | None]]) -> int:
        count = 0
        for moment_s, here in moments:
            if sampler.due(moment_s, here):
                sampler.taken(moment_s, here)
                count += 1
        return count

    assert taken((i / 10, place(i, 10.0)) for i in range(101)) in (21, 26)  # 100 m in steps of a metre
    assert taken((20 + i, place(100, 0.1)) for i in range(1000)) == 0
    wander = np.random.default_rng(0).normal(100, 2, 1000)
    assert taken((2000 + i, place(m, None, accuracy_m=8)) for i, m in enumerate(wander)) == 0
    assert taken((4000 + i / 10, None) for i in range(101)) == 11  # nobody knows where: by time


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six seconds, without a time of their own."""
    path = tmp_path / "drive.mp4"
    with av.open(path, "w") as container:
        stream: Any = container.add_stream("libx264", rate=10, options={"x264-params": "keyint=10"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for number in range(60):
            picture = np.random.default_rng(number).integers(0, 255, (12, 20, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture.repeat(8, 0).repeat(8, 1), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_video_goes_on_where_it_was_broken_off(
    video: Path, intake: Intake, spool: Spool, troubles: Troubles
) -> None:
    settings, stop = AgentSettings(every_s=1), threading.Event()
    reader = ClipReader(intake, spool.seen, Nowhere(), DeviceProfile(), lambda: settings)
    source = VideoFile(video, reader, spool.seen, troubles)
    steps = iter(range(100))
    source.run(stop, lambda: stop.set() if next(steps) == 12 else None)
    first = len(frames(spool))
    assert 0 < first < 6
    stop.clear()
    source.run(stop, lambda: None)
    source.run(stop, lambda: None)  # it is done: nothing more
    names = [each["name"] for each in frames(spool)]
    assert len(names) == len(set(names)) == 6
    assert names[0] == "drive.mp4@0.00s.jpg"


def test_a_video_that_breaks_off_gives_what_it_has_and_costs_no_other(
    video: Path, camera: PhotoFolder, spool: Spool, tmp_path: Path
) -> None:
    (tmp_path / "camera" / "a.mp4").write_bytes(video.read_bytes()[:-2000])
    (tmp_path / "camera" / "b.jpg").write_bytes(jpegs(1, 4)[0])
    os.utime(tmp_path / "camera" / "a.mp4", (1, 1))
    camera.turn(threading.Event())
    assert "b.jpg" in [each["name"] for each in frames(spool)]
    with closing(sqlite3.connect(spool.folder / "spool.sqlite")) as database:
        ((reason,),) = database.execute("SELECT reason FROM sources WHERE path LIKE '%a.mp4'")
    assert "index" in reason or "breaks off" in reason


class Driving:
    """Ten metres a second to the east."""

    live = True

    def at(self, moment_s: float) -> Place | None:
        return place(10 * (moment_s % 1000), 10.0)


class Standing(Driving):
    """It has stood here since yesterday."""

    def at(self, moment_s: float) -> Place | None:
        return place(0, 0.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PATIENCE_S": 0.0, "CLIP_PATIENCE_S": 1e6, "MOVED_M": 0.01}.items():
        monkeypatch.setattr(f"streetsight.service.agent.sources.quiet.{name}", value)


@pytest.mark.usefixtures("impatient")
def test_a_folder_that_nothing_comes_into_while_the_vehicle_moves_is_told_until_something_does(
    camera_at: Callable[[Places], PhotoFolder], tmp_path: Path, troubles: Troubles, eventually: Eventually
) -> None:
    camera, stop = camera_at(Driving()), threading.Event()

    def told() -> bool:
        camera.turn(stop)
        return "no new file has come" in str([str(each.error) for each in troubles.now()])

    eventually(told)
    (tmp_path / "camera" / "a.mp4").write_bytes(b"still being written")
    assert not told()
    for _ in range(3):
        time.sleep(0.01)
        assert not told(), "a clip takes minutes"
    (tmp_path / "camera" / "b.jpg").write_bytes(jpegs(1, 6)[0])
    assert not told()
    eventually(told)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("places", [Nowhere(), Standing()])
def test_nobody_expects_files_of_a_vehicle_that_stands_or_of_which_nobody_knows(
    places: Places, camera_at: Callable[[Places], PhotoFolder], troubles: Troubles
) -> None:
    camera = camera_at(places)
    for _ in range(5):
        camera.turn(threading.Event())
        time.sleep(0.01)
    assert troubles.now() == []


def test_files_that_are_left_out_are_told_and_so_is_one_that_stays_empty(
    camera: PhotoFolder, tmp_path: Path, spool: Spool, troubles: Troubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, folder = threading.Event(), tmp_path / "camera"
    for second, (name, content) in enumerate(
        {"text.jpg": b"this is no picture", "cut.mp4": b"no clip", "none.mp4": b"", "none.jpg": b"",
         "cut.jpg": jpegs(1, 7)[0][:-200]}.items()
    ):  # fmt: skip
        (folder / name).write_bytes(content)
        os.utime(folder / name, (second, second))
    camera.turn(stop)
    assert "1 since the start; the last file is cut.mp4: " in str(troubles.now()[0].error)
    monkeypatch.setattr("streetsight.service.agent.sources.folder.UNFINISHED_S", 0.0)
    camera.turn(stop)
    (left_out,) = troubles.now()
    assert left_out.where == f"left out of {camera.name}"
    assert "5 since the start; the last file is cut.jpg: the picture ends too early" in str(left_out.error)
    assert camera.turn(stop) == 0
    (folder / "none.jpg").write_bytes(jpegs(1, 8)[0])
    assert camera.turn(stop) == 1, "what comes after all is taken"
    assert len(frames(spool)) == 1


def seconds_of_noon(second: float) -> float:
    return datetime(2026, 5, 6, 12, tzinfo=UTC).timestamp() + second


def photo_of(second: int, offset: str | None) -> bytes:
    """Taken at so many seconds after noon, by a clock of so many hours east of UTC; None does not tell."""
    exif, file = Image.Exif(), io.BytesIO()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = f"2026:05:06 20:00:{second:02}"
    if offset:
        details[ExifTags.Base.OffsetTimeOriginal] = offset
    Image.open(io.BytesIO(jpegs(1, second)[0])).save(file, "JPEG", exif=exif)
    return file.getvalue()


def recorded(troubles: Troubles, offset_s: float = 0.0) -> Recorded:
    """Ten metres a second to the east, for half a minute from noon on."""
    fixes = (Fix(seconds_of_noon(i), 120 + 10 * i / 96_400, 30.0) for i in range(31))
    track = build_track(fixes, "wgs84")
    assert track is not None
    return Recorded(track, offset_s, troubles, "gpx:a.gpx")


@pytest.mark.parametrize(
    ("second", "offset", "zone", "clock_offset_s"),
    [
        (10, "+08:00", None, 0.0),  # the photo says all
        (10, None, "+08:00", 0.0),  # the profile has the zone
        (15, "+08:00", None, 5.0),  # the profile knows that the clock is fast
    ],
)
def test_a_recorded_track_is_asked_for_the_time_in_the_photo(
    second: int, offset: str | None, zone: str | None, clock_offset_s: float,
    camera_at: Callable[..., PhotoFolder], tmp_path: Path, spool: Spool, troubles: Troubles,
) -> None:  # fmt: skip
    (tmp_path / "camera" / "a.jpg").write_bytes(photo_of(second, offset))
    camera = camera_at(recorded(troubles, clock_offset_s), DeviceProfile(time_zone=zone))
    camera.turn(threading.Event())
    position = json.loads(frames(spool)[0]["metadata"])["position"]
    assert position["source"] == "gpx"
    assert position["lon"] == pytest.approx(place(100).lon, abs=1e-6)
    assert troubles.now() == []


def test_a_track_that_covers_no_photo_is_told_until_it_covers_one(
    camera_at: Callable[..., PhotoFolder], tmp_path: Path, spool: Spool, troubles: Troubles
) -> None:
    path, stop = tmp_path / "camera" / "a.jpg", threading.Event()
    camera = camera_at(recorded(troubles))
    path.write_bytes(photo_of(10, "+00:00"))
    camera.turn(stop)
    assert "and no photo so far (the first: 2026-05-06T20:00:10)" in str(troubles.now()[0].error)
    path.with_name("b.jpg").write_bytes(photo_of(11, "+08:00"))
    camera.turn(stop)
    assert troubles.now() == []
    path.with_name("c.jpg").write_bytes(photo_of(45, "+08:00"))
    camera.turn(stop)
    assert troubles.now() == [], "photos before and after the track are usual"


@pytest.fixture
def rtsp(request: pytest.FixtureRequest) -> Iterator[RtspCamera]:
    served = RtspCamera(frozen=getattr(request, "param", False))
    yield served
    served.close()


def test_a_live_camera_is_sampled_and_one_that_falls_silent_is_begun_again(
    rtsp: RtspCamera, intake: Intake, spool: Spool, agent_settings: AgentSettings, troubles: Troubles,
    running: Run, eventually: Eventually,
) -> None:  # fmt: skip
    live = LiveCamera(rtsp.url, intake, Driving(), lambda: agent_settings, troubles, patience_s=6)
    running(live.run)
    eventually(lambda: len(frames(spool)) >= 4, patience_s=120)
    assert "secret" not in live.name
    rtsp.silent = True
    eventually(lambda: any(each.where == live.name for each in troubles.now()), patience_s=120)
    assert "has sent no picture" in str(troubles.now()[0].error)
    rtsp.silent, before = False, len(frames(spool))
    eventually(lambda: len(frames(spool)) > before and not troubles.now(), patience_s=120)
    assert rtsp.asked >= 2


@pytest.mark.parametrize("rtsp", [True], indirect=True)
def test_a_camera_that_freezes_is_told_and_its_pictures_are_not_kept(
    rtsp: RtspCamera, intake: Intake, spool: Spool, agent_settings: AgentSettings, troubles: Troubles,
    running: Run, eventually: Eventually,
) -> None:  # fmt: skip
    live = LiveCamera(rtsp.url, intake, Driving(), lambda: agent_settings, troubles)
    running(live.run)
    eventually(lambda: any("one and the same picture" in str(each.error) for each in troubles.now()))
    assert len(frames(spool)) <= 8


def test_a_camera_that_is_not_there_is_told_without_its_password(
    intake: Intake, agent_settings: AgentSettings, troubles: Troubles, running: Run, eventually: Eventually
) -> None:
    for url in ("rtsp://user:secret@127.0.0.1:9/live", "/dev/video99"):
        running(LiveCamera(url, intake, Nowhere(), lambda: agent_settings, troubles).run)
    eventually(lambda: len(troubles.now()) == 2)
    said = [str(each.error) for each in troubles.now()]
    assert all("gives no picture" in each for each in said), said
    assert "secret" not in str(said)
    assert without_password("rtsp://a:b@h/p@q") == "rtsp://h/p@q"
