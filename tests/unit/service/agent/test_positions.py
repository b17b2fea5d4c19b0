"""Where the vehicle is: gpsd, NMEA by TCP and by a serial line, tracks; jumps and silence are noticed."""

import contextlib
import json
import os
import pty
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.positions.tracks import Fix
from streetsight.service.agent.positions.opening import NoReceiver, open_places
from streetsight.service.agent.positions.places import Received
from streetsight.service.agent.troubles import Troubles

PROFILE = DeviceProfile()


def nmea(second: int, lat: str = "3015.0000", lon: str = "12010.0000", status: str = "A") -> bytes:
    body = f"GPRMC,0830{second:02},{status},{lat},N,{lon},E,19.438,90.0,060526,,"
    return f"${body}*{_checksum(body)}\r\n".encode()


def _checksum(body: str) -> str:
    total = 0
    for each in body.encode():
        total ^= each
    return f"{total:02X}"


@pytest.fixture
def speak() -> Iterator[Callable[..., int]]:
    """A TCP server that says something to each who connects, then waits; gives its port."""
    listeners: list[socket.socket] = []
    held: list[socket.socket] = []

    def speak(content: bytes, hang_up: bool = False) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    connection.sendall(content)
                except OSError:
                    return
                if hang_up:
                    connection.close()
                else:
                    held.append(connection)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield speak
    for each in (*listeners, *held):
        each.close()


@pytest.fixture
def chat() -> Iterator[Callable[..., int]]:
    """A TCP server that says the same lines again and again, which a test may change; gives its port."""
    with contextlib.ExitStack() as stack:
        over = threading.Event()
        stack.callback(over.set)

        def chat(lines: list[bytes], end: bytes = b"\n") -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve() -> None:
                with contextlib.suppress(OSError):
                    while True:
                        connection, _ = listener.accept()
                        with connection, contextlib.suppress(OSError):
                            while not over.wait(0.02):
                                connection.sendall(b"".join(each + end for each in lines))

            threading.Thread(target=serve, daemon=True).start()
            return int(listener.getsockname()[1])

        yield chat


def now_s() -> float:
    return datetime.now(UTC).timestamp()


def test_gpsd_tells_where_the_vehicle_is(
    speak: Callable[..., int], running: Callable[..., None], troubles: Troubles,
    eventually: Callable[..., None],
) -> None:  # fmt: skip
    reports = [
        {"class": "VERSION", "release": "3.25"},
        {"class": "TPV", "mode": 1},
        {"class": "TPV", "mode": 3, "time": "2026-05-06T00:30:00.000Z", "lat": 30.25, "lon": 120.5,
         "epx": 3.92, "epy": 1.96, "track": 90.0, "speed": 10.0},
        {"class": "TPV", "mode": 3, "lat": "broken"},
    ]  # fmt: skip
    port = speak(b"".join(json.dumps(each).encode() + b"\r\n" for each in reports) + b"no JSON\n")
    places, receiver = open_places(f"gpsd://127.0.0.1:{port}", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)
    eventually(lambda: places.at(now_s()))
    place = places.at(now_s())
    assert place is not None
    assert place.lat == pytest.approx(30.25)
    assert (place.accuracy_m, place.source) == (2.0, "device")
    assert 120.5 <= place.lon < 120.51
    said = place.as_metadata()
    assert said["gps_time"] == "2026-05-06T00:30:00+00:00"
    assert (said["course_deg"], said["speed_mps"]) == (90.0, 10.0)


def test_nmea_over_tcp_survives_noise_and_a_receiver_that_hangs_up(
    speak: Callable[..., int], running: Callable[..., None], troubles: Troubles,
    eventually: Callable[..., None],
) -> None:  # fmt: skip
    port = speak(b"\xff\xfe$GPRMC,damaged*00\r\n" + nmea(1) + nmea(2), hang_up=True)
    places, receiver = open_places(f"nmea://127.0.0.1:{port}", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)
    eventually(lambda: places.at(now_s()))
    place = places.at(now_s())
    assert place is not None
    assert place.lat == pytest.approx(30.25)
    assert place.speed_mps == pytest.approx(10, abs=0.01)
    eventually(lambda: any("hung up" in str(each.error) for each in troubles.now()))


def test_nmea_over_a_serial_line(
    running: Callable[..., None], troubles: Troubles, eventually: Callable[..., None]
) -> None:
    outer, inner = pty.openpty()
    places, receiver = open_places(f"nmea:{os.ttyname(inner)}?baud=4800", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)

    def said() -> object:
        os.write(outer, nmea(3) + nmea(4))
        return places.at(now_s())

    eventually(said)
    os.close(outer)
    os.close(inner)


def test_a_receiver_that_is_away_is_told_and_waited_for(
    running: Callable[..., None], troubles: Troubles, eventually: Callable[..., None]
) -> None:
    _, receiver = open_places("nmea:/dev/no-such-port", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)
    eventually(lambda: troubles.now())
    assert "No such file" in str(troubles.now()[0].error)


TPV = b'{"class":"TPV","mode":3,"lat":30.25,"lon":120.5}'


@pytest.mark.parametrize(
    ("scheme", "lines"),
    [
        ("gpsd", [b'{"class":"TPV","mode":1}', b'{"class":"SKY"}', b'{"class":"TPV","mode":3}']),
        ("nmea", [nmea(1, status="V"), nmea(2, status="V"), b"$GPGSV,1,1,00*79"]),
    ],
)  # fmt: skip
def test_a_receiver_without_a_fix_is_told_until_it_has_one(
    scheme: str, lines: list[bytes], chat: Callable[..., int], running: Callable[..., None],
    troubles: Troubles, eventually: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("streetsight.service.agent.positions.receivers.NO_FIX_S", 0.3)
    port = chat(lines)
    places, receiver = open_places(f"{scheme}://127.0.0.1:{port}", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)
    eventually(lambda: "has had no fix since" in str([str(each.error) for each in troubles.now()]))
    assert places.at(now_s()) is None
    monkeypatch.setattr("streetsight.service.agent.positions.receivers.NO_FIX_S", 60)
    lines[:] = [TPV] if scheme == "gpsd" else [nmea(2), nmea(3)]
    eventually(lambda: not troubles.now() and places.at(now_s()))


@pytest.mark.parametrize(
    ("scheme", "lines", "told"),
    [
        ("nmea", [bytes(range(128, 200))], "?baud="),  # another speed: not even lines
        ("nmea", [b"!AIVDM,1,1,,A,x,0*00", TPV], "?baud="),
        ("gpsd", [b"5", b"[1]", b"null", b"[" * 9000, b"SSH-2.0"], "no gpsd"),
    ],
)
def test_what_does_not_speak_as_expected_is_told(
    scheme: str, lines: list[bytes], told: str, chat: Callable[..., int], running: Callable[..., None],
    troubles: Troubles, eventually: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("streetsight.service.agent.positions.receivers.GARBLED_S", 0.3)
    port = chat(lines, b"" if lines[0][0] >= 128 else b"\n")
    _, receiver = open_places(f"{scheme}://127.0.0.1:{port}", PROFILE, troubles)
    assert receiver is not None
    running(receiver.run)
    eventually(lambda: told in str([str(each.error) for each in troubles.now()]))


def test_a_short_time_without_a_fix_is_nothing(
    chat: Callable[..., int], troubles: Troubles, eventually: Callable[..., None]
) -> None:
    port = chat([b'{"class":"TPV","mode":1}'])
    _, receiver = open_places(f"gpsd://127.0.0.1:{port}", PROFILE, troubles)
    assert receiver is not None
    stop, beats = threading.Event(), iter(range(1000))
    receiver.run(stop, lambda: stop.set() if next(beats) == 30 else None)
    assert troubles.now() == []


@pytest.mark.parametrize(
    "said",
    [
        "carrier-pigeon", "gps:1", "gpsd://127.0.0.1:abc", "gpsd://127.0.0.1:99999", "gpsd://[::1",
        "nmea:/dev/ttyUSB0?baud=123", "nmea:/dev/ttyUSB0?baud=abc", "nmea:/dev/ttyUSB0?baud=0",
    ],
)  # fmt: skip
def test_what_is_no_receiver_is_refused(said: str, troubles: Troubles) -> None:
    with pytest.raises(NoReceiver, match="expected gpsd://"):
        open_places(said, PROFILE, troubles)


def test_a_recorded_track_tells_by_the_time(tmp_path: Path, troubles: Troubles) -> None:
    points = "".join(
        f'<trkpt lat="30.0" lon="{120 + i * 1e-4:.4f}"><time>2026-05-06T00:00:{i:02}Z</time></trkpt>'
        for i in range(10)
    )
    track = tmp_path / "a.gpx"
    track.write_text(f"<gpx><trk><trkseg>{points}</trkseg></trk></gpx>")
    places, receiver = open_places(f"gpx:{track}", PROFILE, troubles)
    start = datetime(2026, 5, 6, tzinfo=UTC).timestamp()
    place = places.at(start + 4.5)
    assert receiver is None
    assert place is not None
    assert place.lon == pytest.approx(120.00045)
    assert place.course_deg == pytest.approx(90, abs=1)
    assert places.at(start + 100) is None


def east(metres: float, second: float) -> Fix:
    return Fix(second, 120 + metres / 96_400, 30.0)


def test_positions_that_jump_are_left_out_until_they_agree(troubles: Troubles) -> None:
    places = Received(troubles, "test")
    for second in range(5):
        places.add(second, east(10 * second, second))
    places.add(5, east(90_000, 5))
    place = places.at(5)
    assert place is not None
    assert place.lon < 120.01, "one jump is not believed"
    assert "jumps" in str(troubles.now()[0].error)
    places.add(6, east(60, 6))
    assert troubles.now() == []
    for second in range(7, 12):
        places.add(second, east(90_000 + second, second))
    place = places.at(11)
    assert place is not None
    assert place.lon > 120.5, "but a place where it stays is: what came before was wrong"


def test_null_island_and_old_fixes_are_no_places(troubles: Troubles) -> None:
    places = Received(troubles, "test")
    places.add(1, Fix(1, 0.0, 0.0))
    assert places.at(1) is None
    assert "0, 0" in str(troubles.now()[0].error)
    places.add(2, Fix(2, 200.0, 0.0))
    places.add(3, east(0, 3))
    assert places.at(7.9) is not None
    assert places.at(8.1) is None
