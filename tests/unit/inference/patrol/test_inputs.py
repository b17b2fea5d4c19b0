"""Paths, profiles and tracks into outings."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from streetsight.inference.patrol.inputs import InputError, find_outings
from streetsight.inference.positions.receivers import TrackError
from streetsight.inference.sources import NoPhotosError

GPX = """<?xml version="1.0"?><gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="30.54" lon="114.26"><time>2026-05-06T00:30:00Z</time></trkpt>
<trkpt lat="30.541" lon="114.26"><time>2026-05-06T00:31:00Z</time></trkpt></trkseg></trk></gpx>"""


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    for name in ("monday", "tuesday"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / name / "1.jpg")
    (tmp_path / "a.yaml").write_text("device: a")
    (tmp_path / "b.yaml").write_text("device: b")
    (tmp_path / "t.gpx").write_text(GPX)
    return [str(tmp_path / "monday"), str(tmp_path / "tuesday")]


def test_one_profile_is_for_all_and_several_are_one_each(folders: list[str], tmp_path: Path) -> None:
    profiles = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    assert [each.profile.device for each in find_outings(folders, profiles[:1], [])] == ["a", "a"]
    assert [each.profile.device for each in find_outings(folders, profiles, [])] == ["a", "b"]
    assert [each.profile.device for each in find_outings(folders, [], [])] == ["unknown", "unknown"]
    with pytest.raises(InputError, match="--device was given 2 times for 1 paths"):
        find_outings(folders[:1], profiles, [])


def test_the_only_track_of_a_folder_is_taken_and_said(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "monday" / "track.gpx").write_text(GPX)
    monday, tuesday = find_outings(folders, [], [])
    assert monday.track_file is not None
    assert monday.track is not None
    assert monday.track_file.found
    assert tuesday.track_file is None
    (tmp_path / "monday" / "second.nmea").write_text("")
    assert find_outings(folders[:1], [], [])[0].track_file is None  # nobody knows which


def test_a_named_track_goes_before_the_one_in_the_folder(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "monday" / "track.gpx").write_text(GPX)
    (outing,) = find_outings(folders[:1], [], [tmp_path / "t.gpx"])
    assert outing.track_file is not None
    assert (outing.track_file.path, outing.track_file.found) == (tmp_path / "t.gpx", False)


def test_a_broken_track_stops_only_when_it_was_named(folders: list[str], tmp_path: Path) -> None:
    broken = tmp_path / "monday" / "track.gpx"
    broken.write_text("no track")
    (outing,) = find_outings(folders[:1], [], [])
    assert outing.track is None
    assert outing.track_file is not None
    assert isinstance(outing.track_file.fault, TrackError)
    with pytest.raises(TrackError):
        find_outings(folders[:1], [], [broken])


def test_videos_in_a_folder_belong_to_its_outing(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "monday" / "b.MP4").write_bytes(b"")
    (tmp_path / "monday" / "out").mkdir()
    (tmp_path / "monday" / "out" / "c.mp4").write_bytes(b"")
    (outing,) = find_outings(folders[:1], [], [], without=tmp_path / "monday" / "out")
    assert [each.name for each in outing.videos] == ["b.MP4"]
    assert len(outing.photos) == 1
    (alone,) = find_outings([str(tmp_path / "monday" / "b.MP4")], [], [])
    assert (alone.photos, [each.name for each in alone.videos]) == ((), ["b.MP4"])


def test_a_path_that_leads_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoPhotosError):
        find_outings([str(tmp_path)], [], [])
