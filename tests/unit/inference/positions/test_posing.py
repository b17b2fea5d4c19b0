"""Whole patrols with exact truth: where frames are put, which way they look, and what is said of bad ones."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import numpy as np
import pytest

from streetsight.inference.positions.clock import ClockRefusal
from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.inference.positions.findings import SENTENCES, PatrolOutcome, PatrolProblem
from streetsight.inference.positions.pose import Pose, PoseProblem
from streetsight.inference.positions.posing import Posing, pose_frames
from streetsight.inference.positions.profile import (
    CameraProfile,
    Crs,
    DeviceProfile,
    ErrorsProfile,
    FixedPlace,
)
from streetsight.inference.positions.tracks import TrackFault
from streetsight.models.frame import FrameMetadata, Position
from streetsight.models.language import chinese

from .conftest import WUHAN, Drive, Floats, drive_round_blocks, receiver_noise

BEIJING = timezone(timedelta(hours=8))
CAMERA = CameraProfile(hfov_deg=70, height_m=1.8)
CUT_CORNER_M = 1.2  # between fixes a second apart, round a corner at 30 km/h
PROFILE = DeviceProfile(device="patrol-07", camera=CAMERA)


@dataclass(frozen=True)
class Photo:
    name: str
    sha256: str | None
    metadata: FrameMetadata = field(default_factory=FrameMetadata)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), BEIJING)


def shoot(
    drive: Drive, times_s: Floats, noise_m: Floats | float = 0.0, clock_s: float = 0.0, crs: Crs = "wgs84",
    compass: bool = False, gps: bool = True,
) -> list[Photo]:  # fmt: skip
    """Photos of a drive as its camera would write them."""
    places = from_wgs84(WUHAN.to_lon_lat(drive.at(times_s) + noise_m), crs)
    heading = drive.heading_at(times_s) % 360
    return [
        Photo(
            f"{index:04d}.jpg",
            f"sha-{index}-{drive.points_m[-1, 0]:.3f}",
            FrameMetadata(
                moment(when + clock_s),
                Position(float(place[0]), float(place[1]), "exif") if gps else None,
                heading_deg=float(look) if compass else None,
            ),
        )
        for index, (when, place, look) in enumerate(zip(times_s, places, heading, strict=True))
    ]


def changed(photo: Photo, **what: Any) -> Photo:
    return replace(photo, metadata=replace(photo.metadata, **what))


def moved(photo: Photo, east_m: float, north_m: float) -> Photo:
    assert photo.metadata.position is not None
    here = WUHAN.to_metres(np.array([photo.metadata.position.lon, photo.metadata.position.lat]))
    lon, lat = WUHAN.to_lon_lat(here + np.array([east_m, north_m]))
    return changed(photo, position=replace(photo.metadata.position, lon=float(lon), lat=float(lat)))


def errors_m(poses: tuple[Pose, ...], truth: Floats) -> Floats:
    places = np.array([[p.position.lon, p.position.lat] if p.position else [np.nan] * 2 for p in poses])
    error: Floats = np.hypot(*(WUHAN.to_metres(places) - truth).T)
    return error


def heading_errors(poses: tuple[Pose, ...], truth_deg: Floats) -> Floats:
    looks = [
        p.position.heading_deg if p.position and p.position.heading_deg is not None else np.nan for p in poses
    ]
    error: Floats = np.abs((np.array(looks) - truth_deg + 180) % 360 - 180)
    return error


def said(posing: Posing) -> set[str]:
    return {outcome.problem for outcome in posing.outcomes}


def frames_with(posing: Posing, problem: str) -> list[int]:
    return [index for index, pose in enumerate(posing.poses) if problem in pose.problems]


@pytest.fixture
def times(blocks: Drive) -> Floats:
    """A frame every 0.7 s of the inner part of the drive."""
    return np.arange(blocks.times_s[0] + 10, blocks.times_s[-1] - 10, 0.7)


def test_a_sound_patrol_needs_no_word(blocks: Drive, times: Floats) -> None:
    posing = pose_frames(shoot(blocks, times, compass=True), PROFILE)
    assert posing.outcomes == ()
    assert all(pose.problems == () for pose in posing.poses)
    assert errors_m(posing.poses, blocks.at(times)).max() < 1e-3
    assert heading_errors(posing.poses, blocks.heading_at(times)).max() < 1e-6
    assert {pose.heading_source for pose in posing.poses} == {"exif"}
    assert posing.poses[0].taken_at == moment(times[0])
    assert str(posing.poses[0].taken_at)[-6:] == "+08:00"


@pytest.mark.parametrize("clock_s", [0.0, 47.0, -3.2, 8 * 3600.0, -8 * 3600.0])
def test_a_track_tells_clock_position_and_heading(blocks: Drive, times: Floats, clock_s: float) -> None:
    posing = pose_frames(shoot(blocks, times, clock_s=clock_s), PROFILE, blocks.track())
    assert posing.outcomes == ()
    assert [clock.method for clock in posing.clocks] == ["track"]
    assert posing.clocks[0].offset_s == pytest.approx(clock_s, abs=0.05)
    assert {pose.position.source for pose in posing.poses if pose.position} == {"gpx"}
    assert errors_m(posing.poses, blocks.at(times)).max() < CUT_CORNER_M
    told = np.array([pose.taken_at.timestamp() for pose in posing.poses if pose.taken_at])
    np.testing.assert_allclose(told, times, atol=0.1, rtol=0)


def test_headings_by_course_are_as_good_as_they_say(blocks: Drive, times: Floats) -> None:
    for source, track in (("track", blocks.track()), ("positions", None)):
        posing = pose_frames(shoot(blocks, times), PROFILE, track)
        assert {pose.heading_source for pose in posing.poses} == {source}
        wrong = heading_errors(posing.poses, blocks.heading_at(times))
        sigma = np.array([pose.heading_sigma_deg for pose in posing.poses], float)
        assert np.median(wrong) < 2
        assert (wrong <= 2 * sigma).mean() > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_covered_by_the_stated_accuracy(seed: int) -> None:
    drive = drive_round_blocks(seed=seed)
    times = np.arange(drive.times_s[0] + 10, drive.times_s[-1] - 10, 0.7)
    own = receiver_noise(times, 3.0, seed)
    fixes_s = np.arange(drive.times_s[0], drive.times_s[-1], 1.0)
    track = drive.track(noise_m=receiver_noise(fixes_s, 3.0, seed + 50))
    posing = pose_frames(shoot(drive, times, own, clock_s=47.0), PROFILE, track)
    assert posing.outcomes == ()
    clock = posing.clocks[0]
    assert abs(clock.offset_s - 47) < min(4 * clock.sigma_s, 1.0)
    error = errors_m(posing.poses, drive.at(times))
    sigma = np.array([pose.position.accuracy_m for pose in posing.poses if pose.position], float)
    assert (error < 2.45 * sigma).mean() > 0.8, (
        "95 % of a circular error, strongly correlated along the drive"
    )
    wrong = heading_errors(posing.poses, drive.heading_at(times))
    told = np.array([pose.heading_sigma_deg or np.nan for pose in posing.poses])
    assert (wrong[np.isfinite(told)] < 2 * told[np.isfinite(told)]).mean() > 0.9
    assert np.isfinite(told).mean() > 0.9


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_positions_are_in_the_declared_coordinates(blocks: Drive, times: Floats, crs: Crs) -> None:
    posing = pose_frames(shoot(blocks, times, crs=crs), PROFILE.model_copy(update={"coordinates": crs}))
    assert errors_m(posing.poses, blocks.at(times)).max() < 1e-3


def test_a_wrong_declaration_is_said(blocks: Drive, times: Floats) -> None:
    """The photos are GCJ-02, the profile says WGS-84: nobody guesses, but half a kilometre is noticed."""
    known = PROFILE.model_copy(update={"clock_offset_s": 0.0})
    posing = pose_frames(shoot(blocks, times, crs="gcj02"), known, blocks.track())
    assert said(posing) == {"track_disagrees"}


def test_a_datum_that_the_photo_names_is_compared(blocks: Drive, times: Floats) -> None:
    photos = [changed(photo, datum="TOKYO") for photo in shoot(blocks, times)]
    assert frames_with(pose_frames(photos, PROFILE), "datum_differs") == list(range(len(photos)))
    photos = [changed(photo, datum="WGS-84") for photo in photos]
    assert frames_with(pose_frames(photos, PROFILE), "datum_differs") == []


def test_gps_for_half_the_frames(blocks: Drive, times: Floats) -> None:
    """Every other one is put between its neighbours; a tunnel of half a minute stays dark."""
    photos = [changed(photo, position=None) if index % 2 else photo
              for index, photo in enumerate(shoot(blocks, times))]  # fmt: skip
    photos[100:143] = [changed(photo, position=None) for photo in photos[100:143]]
    posing = pose_frames(photos, PROFILE)
    dark = frames_with(posing, "no_position")
    assert dark == [index for index, pose in enumerate(posing.poses) if pose.position is None]
    assert dark == [*range(99, 144), len(photos) - 1]
    between = frames_with(posing, "interpolated")
    assert between == [index for index in range(1, len(photos), 2) if index not in dark]
    assert np.nanmax(errors_m(posing.poses, blocks.at(times))) < 2.5
    widths = [pose.position.accuracy_m for pose in posing.poses if pose.position and pose.position.accuracy_m]
    assert max(widths) >= PROFILE.errors.position_m


def test_no_gps_at_all(blocks: Drive, times: Floats) -> None:
    posing = pose_frames(shoot(blocks, times, gps=False), PROFILE)
    assert all(
        pose.position is None and pose.problems == ("no_heading", "no_position") for pose in posing.poses
    )
    assert all(pose.taken_at is not None for pose in posing.poses)


def test_no_gps_in_the_photos_but_a_track(blocks: Drive, times: Floats) -> None:
    posing = pose_frames(shoot(blocks, times, gps=False), PROFILE, blocks.track())
    assert said(posing) == {"clock_unknown"}
    assert (posing.clocks[0].method, posing.clocks[0].refusal) == ("assumed", "too_few")
    assert errors_m(posing.poses, blocks.at(times)).max() < CUT_CORNER_M
    widths = np.array([pose.position.accuracy_m for pose in posing.poses if pose.position], float)
    assert widths.max() > np.hypot(3, 0.5 * 6 / 2**0.5), (
        "half a second of clock error is metres along the way"
    )


def test_known_offset_goes_first(blocks: Drive, times: Floats) -> None:
    known = PROFILE.model_copy(update={"clock_offset_s": 47.0})
    posing = pose_frames(shoot(blocks, times, clock_s=47.0, gps=False), known, blocks.track())
    assert (posing.clocks[0].method, said(posing)) == ("profile", set())
    assert errors_m(posing.poses, blocks.at(times)).max() < CUT_CORNER_M


def test_gps_time_stamps_tell_the_clock(blocks: Drive, times: Floats) -> None:
    photos = [changed(photo, gps_time=datetime.fromtimestamp(int(when), UTC))
              for photo, when in zip(shoot(blocks, times, clock_s=47.0), times, strict=True)]  # fmt: skip
    posing = pose_frames(photos, PROFILE)
    assert posing.clocks[0].method == "gps_time"
    assert posing.clocks[0].offset_s == pytest.approx(47.0, abs=0.1)


def test_times_without_a_zone(blocks: Drive, times: Floats) -> None:
    photos = [changed(photo, taken_at=moment(when).replace(tzinfo=None))
              for photo, when in zip(shoot(blocks, times), times, strict=True)]  # fmt: skip
    posing = pose_frames(photos, PROFILE)
    assert frames_with(posing, "no_time") == list(range(len(photos)))
    assert all(pose.position is not None for pose in posing.poses), "the place is known all the same"
    zoned = pose_frames(photos, PROFILE.model_copy(update={"time_zone": "+08:00"}))
    assert zoned.poses[0].taken_at == moment(times[0])
    fix_times = [changed(photo, gps_time=moment(when).astimezone(UTC))
                 for photo, when in zip(photos, times, strict=True)]  # fmt: skip
    assert pose_frames(fix_times, PROFILE).poses[0].taken_at == moment(times[0])


def test_null_island_and_positions_off_the_globe(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times)
    photos[50:] = photos[80:]
    photos[50] = changed(photos[50], position=Position(0.0, 0.001, "device"))
    photos[-1] = changed(photos[-1], position=None, position_fault="out_of_range")
    posing = pose_frames(photos, PROFILE)
    assert frames_with(posing, "null_island") == [50]
    assert frames_with(posing, "out_of_range") == [len(photos) - 1]
    assert posing.poses[50].position is None


def test_one_position_in_another_city(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times[::20])
    photos[7] = moved(photos[7], 40_000, 0)
    posing = pose_frames(photos, PROFILE)
    assert frames_with(posing, "too_fast") == [7]
    assert [pose.position is None for pose in posing.poses].count(True) == 1


def test_one_position_aside(blocks: Drive, times: Floats) -> None:
    photos, sparse = shoot(blocks, times), shoot(blocks, times[::20])
    photos[70] = moved(photos[70], 60, -40)
    posing = pose_frames(photos, PROFILE)
    assert frames_with(posing, "interpolated") == [70]
    assert errors_m(posing.poses, blocks.at(times)).max() < 2, "put back between its neighbours"
    sparse[2] = moved(sparse[2], 900, 0)
    apart = pose_frames(sparse, PROFILE)
    assert frames_with(apart, "jump") == [2]
    assert apart.poses[2].position is None, "frames 14 s apart are no help"


def test_standing(blocks: Drive) -> None:
    """A minute at a traffic light with the receiver's noise: no course, and said so."""
    go, stop = np.arange(0, 60, 1.0), np.arange(60, 120, 1.0)
    times = blocks.times_s[0] + 20 + np.concatenate([go, stop])
    points = blocks.at(np.concatenate([times[:60], np.full(60, times[59])]))
    noise = receiver_noise(times, 1.0, 3, lasting_s=60)
    photos = [moved(photo, *(point - here)) for photo, point, here in
              zip(shoot(blocks, times), points + noise, blocks.at(times), strict=True)]  # fmt: skip
    posing = pose_frames(photos, PROFILE)
    standing = frames_with(posing, "stationary")
    assert set(standing) >= set(range(66, 120)) - {119}
    assert min(standing) > 55
    assert all(posing.poses[index].heading_source is None for index in standing)
    assert "stationary" not in said(posing)
    assert "stationary" in said(pose_frames(photos[62:], PROFILE))


def test_zig_zag(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times)
    for index in range(100, 130):
        photos[index] = moved(
            photos[index], *(blocks.at(times[100:101])[0] - blocks.at(times[index : index + 1])[0])
        )
        photos[index] = moved(photos[index], 0, 12.0 * (index % 2))
    posing = pose_frames(photos, PROFILE)
    found = frames_with(posing, "zig_zag") + frames_with(posing, "stationary")
    assert set(found) >= set(range(104, 126))
    assert all(posing.poses[index].heading_source is None for index in range(104, 126))


def test_frames_out_of_order(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times)
    mixed = np.random.default_rng(1).permutation(len(photos))
    posing = pose_frames([photos[index] for index in mixed], PROFILE)
    straight = pose_frames(photos, PROFILE)
    assert said(posing) == {"out_of_order"}
    assert [mixed[index] for index in posing.order] == list(range(len(photos)))
    assert [posing.poses[place] for place in np.argsort(mixed)] == list(straight.poses), (
        "order changes nothing"
    )


def test_reversed_files_are_no_clock_jump(blocks: Drive, times: Floats) -> None:
    assert said(pose_frames(shoot(blocks, times)[::-1], PROFILE)) == {"out_of_order"}


@pytest.mark.parametrize("jump_s", [-3600.0, -100.0, 8 * 3600.0])
def test_a_clock_that_was_set_on_the_way(blocks: Drive, times: Floats, jump_s: float) -> None:
    photos = shoot(blocks, times[:250]) + shoot(blocks, times, clock_s=jump_s)[250:]
    alone = pose_frames(photos, PROFILE)
    assert "clock_jump" in said(alone)
    assert frames_with(alone, "clock_jump") == list(range(250, len(photos)))
    assert errors_m(alone.poses, blocks.at(times)).max() < 1e-3
    assert alone.order == tuple(range(len(photos)))
    tracked = pose_frames(photos, PROFILE, blocks.track())
    assert [round(clock.offset_s) for clock in tracked.clocks] == [0, jump_s]
    assert tracked.poses[-1].taken_at is not None
    assert abs((tracked.poses[-1].taken_at - moment(times[-1])).total_seconds()) < 0.1


def test_gps_stamps_tell_a_clock_jump_of_seconds(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times[:250]) + shoot(blocks, times, clock_s=20.0)[250:]
    photos = [changed(photo, gps_time=moment(when).astimezone(UTC))
              for photo, when in zip(photos, times, strict=True)]  # fmt: skip
    posing = pose_frames(photos, PROFILE)
    assert [round(clock.offset_s, 2) for clock in posing.clocks] == [0, 20]


def test_lunch_is_no_clock_jump(blocks: Drive, times: Floats) -> None:
    """Parked for forty minutes: the frames before and after lie close and slow."""
    here = blocks.at(times[100:101])[0]
    slow = [
        moved(photo, *(here - blocks.at(times[i : i + 1])[0])) for i, photo in enumerate(shoot(blocks, times))
    ]
    photos = shoot(blocks, times)[:100] + slow[100:110]
    photos += [changed(photo, taken_at=moment(when + 2400)) for photo, when in
               zip([*slow[110:120], *shoot(blocks, times)[120:]], times[110:], strict=True)]  # fmt: skip
    assert "clock_jump" not in said(pose_frames(photos, PROFILE))


def test_a_track_from_another_city(blocks: Drive, times: Floats) -> None:
    far = blocks.track()
    far = replace(far, lon_lat=far.lon_lat + np.array([2.0, 1.0]))
    posing = pose_frames(shoot(blocks, times), PROFILE, far)
    assert said(posing) == {"track_elsewhere"}
    assert {pose.position.source for pose in posing.poses if pose.position} == {"exif"}


def test_a_track_from_another_day(blocks: Drive, times: Floats) -> None:
    """The same round on Tuesday must not place Monday's photos."""
    tuesday = blocks.track()
    tuesday = replace(tuesday, times_s=tuesday.times_s + 86_400)
    posing = pose_frames(shoot(blocks, times), PROFILE, tuesday)
    assert said(posing) == {"clock_unknown", "track_not_covering"}
    assert all(pose.position and pose.position.source == "exif" for pose in posing.poses)
    blind = pose_frames(shoot(blocks, times, gps=False), PROFILE, tuesday)
    assert frames_with(blind, "off_track") == list(range(len(times)))


def test_a_track_that_ends_early(blocks: Drive, times: Floats) -> None:
    half = Drive(blocks.times_s[:1500], blocks.points_m[:1500]).track()
    posing = pose_frames(shoot(blocks, times, clock_s=47.0), PROFILE, half)
    assert said(posing) == set()
    sources = [pose.position.source for pose in posing.poses if pose.position]
    assert sources == sorted(sources, reverse=True), "gpx first, then exif"
    assert len(sources) == len(times)
    assert posing.clocks[0].offset_s == pytest.approx(47.0, abs=0.1)


def test_duplicates(blocks: Drive, times: Floats) -> None:
    photos = shoot(blocks, times)
    posing = pose_frames([*photos, replace(photos[5], name="copy.jpg")], PROFILE)
    assert [outcome.frames for outcome in posing.outcomes] == [("copy.jpg",)]
    assert posing.poses[-1].problems == ("duplicate",)
    assert posing.poses[-1].position == posing.poses[5].position
    assert sorted(posing.order) == list(range(len(photos) + 1))


def test_two_devices_with_one_id(blocks: Drive, times: Floats) -> None:
    """Two vehicles 5 km apart, their frames mixed: each goes its own way, and it is said which."""
    photos = shoot(blocks, times)
    others = [moved(photo, 5000, 300) for photo in shoot(drive_round_blocks(seed=5), times[:300] + 0.3)]
    mixed = [photo for pair in zip(photos[:300], others, strict=True) for photo in pair] + photos[300:]
    posing = pose_frames(mixed, PROFILE)
    assert said(posing) == {"two_devices"}
    assert frames_with(posing, "two_devices") == list(range(1, 600, 2))
    assert all(pose.position is not None for pose in posing.poses)
    truth = np.array([blocks.heading_at(times[:300])])[0]
    assert np.median(heading_errors(posing.poses[:600:2], truth)) < 2


def test_camera_looks_right_and_sits_off_the_antenna(blocks: Drive, times: Floats) -> None:
    camera = CAMERA.model_copy(update={"yaw_deg": 90.0, "forward_m": 2.0, "right_m": -1.0})
    posing = pose_frames(shoot(blocks, times), PROFILE.model_copy(update={"camera": camera}))
    ahead = np.radians(blocks.heading_at(times))
    lens = 2 * np.stack([np.sin(ahead), np.cos(ahead)], -1) - np.stack([np.cos(ahead), -np.sin(ahead)], -1)
    assert np.median(errors_m(posing.poses, blocks.at(times) + lens)) < 0.1
    assert np.median(heading_errors(posing.poses, blocks.heading_at(times) + 90)) < 2


def test_without_a_camera_profile_a_course_is_no_heading(blocks: Drive, times: Floats) -> None:
    """Where the camera points on the vehicle is unknown, and not guessed to be ahead."""
    posing = pose_frames(shoot(blocks, times), DeviceProfile())
    assert frames_with(posing, "no_heading") == list(range(len(times)))


def test_courses_that_the_photos_carry(blocks: Drive, times: Floats) -> None:
    photos = [changed(photo, course_deg=45.0, speed_mps=6.0) for photo in shoot(blocks, times)]
    posing = pose_frames(photos, PROFILE)
    assert {pose.heading_source for pose in posing.poses} == {"gps_course"}
    crawling = pose_frames([changed(photo, speed_mps=0.2) for photo in photos], PROFILE)
    assert {pose.heading_source for pose in crawling.poses} == {"positions"}


def test_stated_accuracy_goes_first() -> None:
    here = Position(114.26, 30.54, "exif", accuracy_m=7.5)
    profile = PROFILE.model_copy(update={"errors": ErrorsProfile(position_m=4)})
    cases = [
        (FrameMetadata(position=here), 7.5),
        (FrameMetadata(position=replace(here, accuracy_m=None), dop=5.0), 5 * 4 / 2**0.5),
        (FrameMetadata(position=replace(here, accuracy_m=None)), 4.0),
    ]
    posing = pose_frames([Photo(str(n), str(n), metadata) for n, (metadata, _) in enumerate(cases)], profile)
    assert [pose.position.accuracy_m for pose in posing.poses if pose.position] == [each for _, each in cases]


def test_a_fixed_camera_is_where_its_profile_says(blocks: Drive, times: Floats) -> None:
    lon, lat = from_wgs84(np.array([[114.26, 30.54]]), "gcj02")[0].tolist()
    fixed = DeviceProfile(
        camera=CAMERA, coordinates="gcj02", fixed=FixedPlace(lon=lon, lat=lat, heading_deg=200)
    )
    posing = pose_frames(shoot(blocks, times, gps=False), fixed)
    assert errors_m(posing.poses, np.zeros((len(times), 2))).max() < 1e-3
    assert {(pose.problems, pose.heading_source) for pose in posing.poses} == {((), "profile")}
    assert posing.poses[3].taken_at == moment(times[3])


def test_nothing_at_all() -> None:
    assert pose_frames([], PROFILE) == Posing((), (), (), ())
    posing = pose_frames([Photo("broken.jpg", None)], PROFILE)
    assert posing.poses[0].problems == ("no_heading", "no_position", "no_time")


def test_every_code_and_sentence_has_its_chinese() -> None:
    catalogue = chinese()
    codes = [
        code for each in (PoseProblem, PatrolProblem, TrackFault, ClockRefusal) for code in get_args(each)
    ]
    assert [code for code in codes if code not in catalogue] == []
    assert set(SENTENCES) == set(get_args(PatrolProblem))
    assert [text for text in SENTENCES.values() if text not in catalogue] == []
    assert PatrolOutcome("duplicates", ("a", "b")).say("zh").startswith("2 张照片")
