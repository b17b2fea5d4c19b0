"""A vehicle's parts against a real server: outcomes, tokens, hours and networks, heartbeats, looking."""

import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from vehicles import City, Vehicle, jpegs

from streetsight.models.language import SpokenError
from streetsight.service.agent.clock import Clock
from streetsight.service.agent.heart import Heart, temperature_celsius
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.link import Link
from streetsight.service.agent.looking import Looking, look_at_all
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.remote import SettingsInForce
from streetsight.service.agent.sending import Sender
from streetsight.service.agent.settings import LookSettings, SpoolSettings, UploadSettings
from streetsight.service.agent.spool import Looked, Spool
from streetsight.service.agent.troubles import Troubles


@pytest.fixture
def city(tmp_path: Path, free_port: int) -> Iterator[City]:
    city = City(tmp_path / "city", free_port)
    city.start()
    yield city
    city.end()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "spool", lambda: SpoolSettings(min_free_bytes=0))  # type: ignore[arg-type]
    yield spool
    spool.close()


@pytest.fixture
def link(city: City) -> Iterator[Link]:
    identity = Identity(city.url, city.command("device", "add", "car"))
    link = Link(identity, Bucket(lambda: None), lambda: 30)
    yield link
    link.close()


def keep(spool: Spool, photo: bytes, **metadata: Any) -> None:
    assert spool.keep(photo, "a.jpg", metadata, spool.outings.current(3600), Looked(0))


def states(spool: Spool) -> dict[str, int]:
    with closing(sqlite3.connect(spool.folder / "spool.sqlite")) as database:
        return dict(database.execute("SELECT state, count(*) FROM frames GROUP BY 1").fetchall())


def test_each_photo_has_an_outcome_of_its_own_and_a_lost_patrol_is_opened_again(
    city: City, spool: Spool, link: Link
) -> None:
    good = jpegs(3, 1)
    for photo in (good[0], b"no picture at all", good[1]):
        keep(spool, photo, clock_offset_s=1.5)
    troubles = Troubles()
    sender = Sender(spool, link, UploadSettings, troubles)
    sender.turn()
    assert states(spool) == {"sent": 2, "refused": 1}
    assert len(city.photos()) == 2
    assert city.rows("SELECT count(*) FROM frames WHERE metadata_sent LIKE '%clock_offset_s%1.5%'") == [(2,)]

    spool.retry()
    sender.turn()
    assert states(spool) == {"sent": 2, "refused": 1}, "it is no better the second time, and costs no other"
    spool.outings.know(1, "01a20233-5f67-77ae-9e8a-8156a002b49c")  # the server was put back from a back-up
    keep(spool, good[2])
    sender.turn()
    assert states(spool)["waiting"] == 1
    assert troubles.now()[0].where == "link"
    while states(spool).get("waiting"):
        sender.turn()
    spool.outings.close()
    while spool.left_to_send():
        sender.turn()
    assert city.rows("SELECT closed_by FROM patrols") == [("device",)]
    assert troubles.now() == []


def test_a_token_that_was_taken_back_is_told_and_loses_nothing(city: City, spool: Spool, link: Link) -> None:
    keep(spool, jpegs(1, 2)[0])
    city.command("device", "revoke", "car")
    troubles = Troubles()
    Sender(spool, link, UploadSettings, troubles).turn()
    assert "agent enrol" in str(troubles.now()[0].error)
    assert states(spool) == {"waiting": 1}


def test_a_link_that_breaks_off_is_no_failure_of_the_server(city: City, link: Link) -> None:
    token = city.command("device", "add", "other")
    head = (
        f"POST /v1/frames/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}"
        "\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n--x\r\n"
    )
    with socket.create_connection(("127.0.0.1", city.port)) as broken:
        broken.sendall(head.encode())
        time.sleep(0.3)
    assert link.ask("POST", "/v1/devices/self/heartbeat", json_body={}).ok
    city.end()
    assert "request_failed" not in city.log.read_text()
    assert "ASGI" not in city.log.read_text()


@pytest.mark.parametrize(
    "only", [{"hours": ["03:00-04:00"]}, {"networks": ["ssid:Depot", "wlan7", "10.99.0.0/16"]}]
)
def test_sending_waits_for_its_hours_and_networks_unless_told_otherwise(
    city: City, spool: Spool, link: Link, only: dict[str, Any]
) -> None:
    keep(spool, jpegs(1, 3)[0])
    troubles, settings = Troubles(), UploadSettings(**only)
    noon = datetime(2026, 5, 6, 12)
    Sender(spool, link, lambda: settings, troubles, lambda: noon).turn()
    assert states(spool) == {"waiting": 1}
    assert "sending waits for" in str(troubles.now()[0].error)
    Sender(spool, link, lambda: settings, troubles, lambda: noon, anyway=True).turn()
    assert states(spool) == {"sent": 1}


def test_the_heartbeat_tells_how_the_vehicle_is_and_how_far_its_clock_is_off(
    city: City, spool: Spool, link: Link
) -> None:
    keep(spool, jpegs(1, 4)[0])
    troubles, clock, answers = Troubles(), Clock(), list[dict[str, Any]]()
    troubles.has("camera a", SpokenError("it is dark"))
    settings = SettingsInForce(spool.folder, Identity("http://here", "token"), {})
    heart = Heart(spool, link, clock, troubles, settings, answers.append)
    heart.beat()
    heart.beat()
    offset = clock.offset()
    assert offset is not None
    assert abs(offset.seconds) <= offset.uncertainty_s + 0.05, "both clocks are this machine's"
    assert answers[0]["settings_version"] == 0
    ((said,),) = city.rows("SELECT heartbeat FROM devices")
    assert all(word in said for word in ("it is dark", '"queued_frames": 1', "clock_offset_s", "free_bytes",
                                    '"settings_version": 0'))  # fmt: skip


def test_the_surest_measurement_of_the_clock_counts() -> None:
    clock, server = Clock(), datetime.now().astimezone()
    now = server.timestamp()
    assert clock.offset() is None
    clock.measure(now + 60, now + 60.2, server + timedelta(seconds=0.1))
    clock.measure(now + 10, now + 70, server)
    offset = clock.offset()
    assert offset is not None
    assert (round(offset.seconds, 6), round(offset.uncertainty_s, 6)) == (60.0, 0.1)


def test_the_hottest_sensor_counts(tmp_path: Path) -> None:
    assert temperature_celsius(tmp_path) is None
    for number, text in enumerate(["41500", "nonsense", "67250", "999999"]):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    assert temperature_celsius(tmp_path) == 67.25


def test_frames_with_detections_go_first_and_the_others_are_thinned_by_the_way(
    spool: Spool, photos: list[bytes]
) -> None:
    looking = Looking(lambda: LookSettings(detect=True, context_every_m=15))
    empty = jpegs(6, 5, side=320)
    for number, photo in enumerate(empty):
        position = {"lon": 120 + number * 5 / 96_400, "lat": 30.0, "source": "device"}  # every five metres
        assert spool.keep(photo, f"empty {number}", {"position": position}, spool.outings.current(9999), None)
    for number, photo in enumerate(photos):
        assert spool.keep(photo, f"street {number}", {}, spool.outings.current(9999), None)
    look_at_all(spool, looking, threading.Event(), lambda: None, Troubles(), until_done=True)
    waiting = spool.waiting(100)
    seen = [each for each in waiting if each.detections]
    assert seen, "the rendered street has garbage and potholes"
    assert waiting[: len(seen)] == seen
    assert {each.name for each in waiting if each.name.startswith("empty")} == {"empty 0", "empty 3"}


def test_redaction_counts_at_once_for_what_waits_and_what_comes(
    tmp_path: Path, city: City, link: Link, photos: list[bytes]
) -> None:
    """The server may ask for it at any time: nothing that was taken before leaves as it was taken."""
    look = [LookSettings()]
    spool = Spool(
        tmp_path / "spool", lambda: SpoolSettings(min_free_bytes=0),  # type: ignore[arg-type]
        only_covered=lambda: look[0].redact,
    )  # fmt: skip
    looking, sender = Looking(lambda: look[0]), Sender(spool, link, UploadSettings, Troubles())
    keep(spool, photos[0])
    keep(spool, b"no picture at all")
    assert not looking.is_wanted
    look[0] = LookSettings(redact=True)
    assert spool.keep(photos[1], "b.jpg", {}, spool.outings.current(3600), None)
    sender.turn()
    assert city.photos() == {}
    look_at_all(spool, looking, threading.Event(), lambda: None, Troubles(), until_done=True)
    while spool.waiting(1):
        sender.turn()
    sent = city.photos()
    assert len(sent) == 2
    assert not {*photos} & {*sent.values()}
    assert not any(b"Exif" in photo for photo in sent.values())
    assert states(spool) == {"sent": 2, "refused": 1}
    spool.close()


def test_drain_goes_by_the_settings_that_the_agent_ran_with(
    city: City, tmp_path: Path, photos: list[bytes]
) -> None:
    vehicle = Vehicle(tmp_path / "vehicle", "http://127.0.0.1:9", city.command("device", "add", "van"))
    vehicle.configure(look={"redact": True})
    vehicle.shoot("a.jpg", photos[0])
    vehicle.start()
    vehicle.wait_until_running()
    while vehicle.in_camera():
        time.sleep(0.05)
    vehicle.end()
    done = subprocess.run(
        [sys.executable, "-m", "streetsight", "agent", "drain", "--state", str(vehicle.state), "--server",
         city.url, "--token-file", str(vehicle.folder / "token"), "--lang", "en"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "0 frames are left"), done.stderr
    (sent,) = city.photos().values()
    assert sent != photos[0]
    assert b"Exif" not in sent


def test_an_agent_loads_no_toolkit_that_it_does_not_need() -> None:
    code = (
        "import sys, streetsight.cli, streetsight.service.agent.running\n"
        "heavy = 'torch ultralytics fastapi sqlalchemy onnxruntime openvino cv2'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_command_line_says_what_is_missing(tmp_path: Path) -> None:
    def agent(*words: str) -> tuple[int, str]:
        words = (*words, "--state", str(tmp_path), "--lang", "en")
        command = [sys.executable, "-m", "streetsight", "agent", *words]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.returncode, answer.stderr

    assert agent("run", "--source", str(tmp_path))[0] == 2
    assert "agent enrol" in agent("run", "--source", str(tmp_path))[1]
    status, said = agent("status")
    assert (status, "has no spool" in said) == (3, True)
