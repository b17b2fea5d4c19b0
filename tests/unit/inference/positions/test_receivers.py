"""GPX and NMEA as receivers really write them, damaged ones included."""

from datetime import UTC, datetime
from pathlib import Path

import gpxpy.gpx
import numpy as np
import pytest

from streetsight.inference.positions.coordinates import from_wgs84
from streetsight.inference.positions.profile import Crs
from streetsight.inference.positions.receivers import TrackError, read_track

NOON = datetime(2026, 5, 6, 4, 0, 0, tzinfo=UTC).timestamp()
GPX = (
    '<?xml version="1.0"?>\n<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1"><trk>{}</trk></gpx>'
)


def point(second: int, lon: float = 114.26, inside: str = "") -> str:
    time = f"<time>2026-05-06T04:00:{second:02d}Z</time>"
    return f'<trkpt lat="30.54" lon="{lon + second * 5e-5}">{time}{inside}</trkpt>'


def segment(*points: str) -> str:
    return f"<trkseg>{''.join(points)}</trkseg>"


def write(folder: Path, text: str | bytes, name: str = "track.gpx") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def sentence(body: str) -> str:
    checksum = 0
    for letter in body:
        checksum ^= ord(letter)
    return f"${body}*{checksum:02X}"


def rmc(clock: str, date: str = "060526", status: str = "A", course: str = "90.0") -> str:
    return sentence(f"GNRMC,{clock},{status},3032.4000,N,11415.6000,E,10.0,{course},{date},,,A")


def gga(clock: str, lon: str = "11415.60000", quality: int = 1, hdop: str = "1.0") -> str:
    return sentence(f"GNGGA,{clock},3032.40000,N,{lon},E,{quality},09,{hdop},23.0,M,-14.0,M,,")


def test_gpx_as_gpxpy_writes_it(tmp_path: Path) -> None:
    """Two segments, precision, and fractions of a second."""
    gpx = gpxpy.gpx.GPX()
    gpx.tracks.append(gpxpy.gpx.GPXTrack())
    for start in (0, 30):
        points = [gpxpy.gpx.GPXTrackPoint(30.54, 114.26 + second * 5e-5, horizontal_dilution=1.5,
                                          time=datetime.fromtimestamp(NOON + second + 0.25, UTC))
                  for second in range(start, start + 10)]  # fmt: skip
        gpx.tracks[0].segments.append(gpxpy.gpx.GPXTrackSegment(points))
    track = read_track(write(tmp_path, gpx.to_xml()))
    np.testing.assert_allclose(track.times_s, NOON + 0.25 + np.r_[0:10, 30:40], atol=1e-6)
    np.testing.assert_allclose(track.lon_lat[-1], [114.26 + 39 * 5e-5, 30.54], atol=1e-9)
    np.testing.assert_allclose(track.accuracy_m, 1.5 * 4 / 2**0.5)
    np.testing.assert_allclose(track.course_deg, 90, atol=1e-3)
    assert list(np.bincount(track.segment)) == [10, 10]
    assert track.dropped == {}


def test_a_damaged_point_costs_only_itself(tmp_path: Path) -> None:
    bad = [
        '<trkpt lat="north" lon="114"><time>2026-05-06T04:00:04Z</time></trkpt>',
        '<trkpt lon="114"><time>2026-05-06T04:00:04Z</time></trkpt>',
        '<trkpt lat="30.54" lon="114.26"><time>yesterday</time></trkpt>',
        '<trkpt lat="30.54" lon="114.26"/>',
        '<trkpt lat="0" lon="0"><time>2026-05-06T04:00:05Z</time></trkpt>',
        '<trkpt lat="NaN" lon="114.26"><time>2026-05-06T04:00:05Z</time></trkpt>',
        '<trkpt lat="300" lon="114.26"><time>2026-05-06T04:00:05Z</time></trkpt>',
        point(2),
        point(6, lon=120.0),
    ]
    path = write(tmp_path, GPX.format(segment(*(point(second) for second in (3, 1, 2)), *bad, point(7))))
    track = read_track(path)
    np.testing.assert_allclose(track.times_s - NOON, [1, 2, 3, 7])
    assert track.dropped == {"damaged": 3, "no_time": 1, "no_fix": 3, "repeated_time": 1, "stray": 1}


def test_what_a_point_may_carry(tmp_path: Path) -> None:
    extension = "<extensions><c xmlns='urn:t'><course>45.5</course><speed>6</speed></c></extensions>"
    body = segment(
        point(1, inside=extension), point(2, inside="<hdop>bad</hdop><course>46</course><speed>6</speed>")
    )
    track = read_track(write(tmp_path, GPX.format(body)))
    np.testing.assert_allclose(track.course_deg, [45.5, 46])
    assert np.isnan(track.accuracy_m).all()
    assert (track.course_sigma_deg < 4).all()


@pytest.mark.parametrize(
    "time", ["2026-05-06T12:00:01+08:00", "2026-05-06T04:00:01.0Z", "2026-05-06T04:00:01", "20260506T040001Z"]
)
def test_times_are_utc_unless_they_say_otherwise(tmp_path: Path, time: str) -> None:
    body = segment(f'<trkpt lat="30.5" lon="114"><time> {time} </time></trkpt>')
    assert read_track(write(tmp_path, GPX.format(body))).times_s.tolist() == [NOON + 1]


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09"])
def test_coordinates_as_declared(tmp_path: Path, crs: Crs) -> None:
    lon, lat = from_wgs84(np.array([[114.26, 30.54]]), crs)[0].tolist()
    body = segment(f'<trkpt lat="{lat!r}" lon="{lon!r}"><time>2026-05-06T04:00:00Z</time></trkpt>')
    np.testing.assert_allclose(
        read_track(write(tmp_path, GPX.format(body)), crs).lon_lat, [[114.26, 30.54]], atol=1e-9
    )


@pytest.mark.parametrize("cut", [350, 500, 700])
def test_a_logger_that_lost_power(tmp_path: Path, cut: int) -> None:
    whole = GPX.format(segment(*(point(second) for second in range(10))))
    track = read_track(write(tmp_path, whole[:cut]))
    assert 1 <= len(track.times_s) < 10
    assert track.dropped == {"cut_short": 1}


def test_the_same_track_twice_in_one_file(tmp_path: Path) -> None:
    once = segment(*(point(second) for second in range(10)))
    part = segment(*(point(second, lon=114.3) for second in range(4)))
    track = read_track(write(tmp_path, GPX.format(part + once + once)))
    assert len(track.times_s) == 10
    assert track.dropped == {"overlapping": 14}
    np.testing.assert_allclose(track.lon_lat[:, 0].max(), 114.26 + 9 * 5e-5)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><gpx><trk><name>&b;</name></trk></gpx>'
UNUSABLE = {
    "empty": (b"", "neither GPX nor NMEA"),
    "a photo": (b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8, "neither GPX nor NMEA"),
    "a text": (b"dear diary, it cost $9", "neither GPX nor NMEA"),
    "not XML": (b"<gpx><trk", "broken XML"),
    "entities": (BOMB.encode(), "document type"),
    "no points": (GPX.format("").encode(), "no point with a position and a time (left out: nothing)"),
    "no times": (GPX.format(segment('<trkpt lat="30" lon="114"/>' * 3)).encode(), "(left out: no_time 3)"),
    "void": ("\n".join(rmc(f"04000{n}.00", status="V") for n in range(5)).encode(), "(left out: no_fix 5)"),
    "no date": ("\n".join(gga(f"04000{n}.00") for n in range(5)).encode(), "(left out: no_time 5)"),
}


@pytest.mark.parametrize(("data", "says"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_file_without_a_track_says_so(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(TrackError) as caught:
        read_track(write(tmp_path, data))
    assert says in str(caught.value)
    assert "track.gpx" in caught.value.say("zh")
    assert caught.value.say("zh") != str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="cannot be read"):
        read_track(tmp_path / "none.gpx")


def test_nmea_takes_each_sentence_for_what_it_knows_best(tmp_path: Path) -> None:
    lines = [
        gga("040000.00", hdop="2.0"), rmc("040000.00"),
        sentence("GPGSV,1,1,01,12,07,344,39"),
        rmc("040001.00"), gga("040001.00", lon="11415.60300"), sentence("GNGST,040001.00,3.2,,,,3.0,4.0,9.0"),
        "2026-05-06 12:00:02 " + rmc("040002.00"),
    ]  # fmt: skip
    track = read_track(write(tmp_path, "\r\n".join(lines), "log.nmea"))
    np.testing.assert_allclose(track.times_s - NOON, [0, 1, 2])
    np.testing.assert_allclose(track.accuracy_m, [2 * 4 / 2**0.5, 5 / 2**0.5, np.nan])
    np.testing.assert_allclose(track.course_deg, 90)
    np.testing.assert_allclose(track.speed_mps, 10 * 1852 / 3600)
    np.testing.assert_allclose(track.lon_lat[:, 0], [114.26, 114.26005, 114.26], atol=1e-9)
    np.testing.assert_allclose(track.lon_lat[:, 1], 30.54, atol=1e-9)
    assert track.dropped == {}


def test_nmea_over_midnight(tmp_path: Path) -> None:
    """The date comes with RMC only; a lost one does not put the next fix a day back."""
    lines = [rmc("235958.00", "310526"), gga("235958.00"), gga("235959.00"), gga("000000.00"),
             rmc("000001.00", "010626"), gga("000001.00"), rmc("000002.00", "010626")]  # fmt: skip
    track = read_track(write(tmp_path, "\n".join(lines), "log.nmea"))
    np.testing.assert_allclose(np.diff(track.times_s), 1)
    assert datetime.fromtimestamp(track.times_s[2], UTC) == datetime(2026, 6, 1, tzinfo=UTC)


def test_a_void_sentence_tells_no_date(tmp_path: Path) -> None:
    """A receiver that has lost the sky may say 1980; what follows without a date is of no such day."""
    lines = [rmc("040000.00"), rmc("040001.00", "060180", status="V"), gga("040002.00"), gga("040003.00"),
             rmc("040004.00")]  # fmt: skip
    track = read_track(write(tmp_path, "\n".join(lines), "log.nmea"))
    np.testing.assert_allclose(track.times_s - NOON, [0, 2, 3, 4])


def test_damaged_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [rmc(f"04000{second}.00") for second in range(8)]
    lines[1] = lines[1].replace("3032", "3132")  # checksum
    lines[2] = lines[2][:30]  # cut
    lines[3] = rmc("040003.00", status="V")
    lines[4] = sentence("GNRMC,046199.00,A,3032.4000,N,11415.6000,E,10.0,90.0,060526,,,A")  # 61 minutes
    lines[5] = sentence("GNRMC,040005.00,A,here,N,11415.6000,E,10.0,90.0,060526,,,A")
    data = "\n".join(lines).encode() + b"\n\x00\xff\xfe rubbish \x80\n"
    track = read_track(write(tmp_path, data, "log.nmea"))
    np.testing.assert_allclose(track.times_s - NOON, [0, 6, 7])
    assert sum(track.dropped.values()) == 6
    assert track.dropped["no_fix"] == 1


def test_a_gga_without_a_fix_voids_the_moment(tmp_path: Path) -> None:
    lines = [
        rmc("040000.00"),
        gga("040000.00"),
        rmc("040001.00"),
        gga("040001.00", quality=0),
        rmc("040002.00"),
    ]
    assert len(read_track(write(tmp_path, "\n".join(lines), "log.nmea")).times_s) == 2
