"""What is wrong is told while it is wrong: by the sender, in the heart's notes, by `agent status`."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from answering import Answering, Said, answering
from typer.testing import CliRunner

from streetsight.models.language import SpokenError
from streetsight.service.agent.cli import app
from streetsight.service.agent.clock import Clock
from streetsight.service.agent.faults import LinkError, SpoolError
from streetsight.service.agent.heart import Heart
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.link import Link
from streetsight.service.agent.opening import held
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.remote import SettingsInForce
from streetsight.service.agent.sending import Sender, run_sender
from streetsight.service.agent.settings import SpoolSettings, UploadSettings
from streetsight.service.agent.spool import Looked, Spool
from streetsight.service.agent.status import lines, read_status
from streetsight.service.agent.troubles import Troubles

Running = Callable[[Callable[..., None]], None]
Eventually = Callable[..., None]


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering({}) as server:
        yield server


@pytest.fixture
def link(server: Answering) -> Iterator[Link]:
    link = Link(Identity(server.url, "t"), Bucket(lambda: None), lambda: 30)
    yield link
    link.close()


def keep(spool: Spool, photo: bytes = b"photo") -> None:
    assert spool.keep(photo, "a.jpg", {}, spool.outings.current(3600), Looked(0))


def wrong(troubles: Troubles) -> dict[str, str]:
    return {each.where: str(each.error) for each in troubles.now()}


def told(spool: Spool, language: Any = "en") -> str:
    return "\n".join(lines(read_status(spool.folder), language))


def test_a_sender_without_work_takes_back_no_trouble_of_the_link(
    spool: Spool, link: Link, troubles: Troubles
) -> None:
    keep(spool)
    sender = Sender(spool, link, UploadSettings, troubles)
    sender.turn()
    assert wrong(troubles)["link"].startswith("the server opens no patrol (404: Not Found)")
    idle = Sender(spool, link, lambda: UploadSettings(hours=()), troubles)
    idle._taken.add(1)  # another one is sending it
    idle.turn()
    assert "link" in wrong(troubles)
    spool.mark(1, "sent")
    idle.turn()
    assert "link" not in wrong(troubles), "nothing is left that could not be sent"


def test_a_sender_leaves_what_cameras_say_of_the_spool(
    spool: Spool, link: Link, troubles: Troubles, running: Running, eventually: Eventually
) -> None:
    troubles.has("spool", SpoolError("full"))
    turns = list[float]()

    class Counted(Sender):
        def turn(self) -> float:
            turns.append(super().turn())
            return 0.01

    sender = Counted(spool, link, UploadSettings, troubles)
    running(lambda stop, beat: run_sender(sender, stop, beat, troubles))
    eventually(lambda: len(turns) > 2)
    assert wrong(troubles) == {"spool": "full"}


@pytest.fixture
def heart(spool: Spool, link: Link, troubles: Troubles, server: Answering) -> Heart:
    settings = SettingsInForce(spool.folder, Identity(server.url, "t"), {"heartbeat_s": 3600})
    return Heart(spool, link, Clock(), troubles, settings)


def test_what_a_heartbeat_finds_wrong_is_in_the_status_before_the_next(
    spool: Spool, heart: Heart, running: Running, eventually: Eventually
) -> None:
    with held(spool.folder):
        running(heart.run)
        eventually(lambda: "trouble: heartbeat: the server does not take the heartbeat" in told(spool))
        assert "an agent is at work" in told(spool).splitlines()
        assert "故障:heartbeat: 服务器未接受心跳" in told(spool, "zh")
    assert "no agent is at work" in told(spool)
    assert "trouble when an agent last ran, " in told(spool), "and not as if it were so now"


def test_what_goes_wrong_between_heartbeats_is_noted_too(
    spool: Spool, heart: Heart, troubles: Troubles, running: Running, eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("streetsight.service.agent.heart.LOOK_S", 0.02)
    running(heart.run)
    eventually(lambda: "heartbeat" in told(spool))
    troubles.has(
        "link", LinkError("the server cannot be had ({reason})", reason=SpokenError("no answer in time"))
    )
    eventually(lambda: "link: the server cannot be had (no answer in time)" in told(spool))
    assert "没有及时回答" in told(spool, "zh"), "reasons within reasons are translated as well"
    troubles.over("link")
    eventually(lambda: "link: " not in told(spool))


def test_settings_that_were_left_are_a_trouble(
    spool: Spool, link: Link, troubles: Troubles, running: Running, eventually: Eventually
) -> None:
    (spool.folder / "settings.json").write_text("{")
    settings = SettingsInForce(spool.folder, Identity("http://x", "t"), {"heartbeat_s": 3600})
    running(Heart(spool, link, Clock(), troubles, settings).run)
    eventually(lambda: "settings.json is damaged" in told(spool))


@pytest.mark.parametrize("said", ["soon", "2026-05-06T12:00:00", 5, None])
def test_a_time_that_is_none_is_told(server: Answering, heart: Heart, said: object) -> None:
    server.answers["/v1/devices/self/heartbeat"] = Said(200, {"server_time": said})
    with pytest.raises(LinkError, match="for its time; expected is one such as"):
        heart.beat()


def test_a_damaged_file_is_not_said_to_be_refused_by_the_server(spool: Spool) -> None:
    keep(spool)
    keep(spool, b"another")
    (frame, other) = spool.waiting(2)
    (spool.folder / "photos" / frame.file).unlink()
    assert spool.photo(frame) is None
    spool.mark(other.id, "refused", reason="too large")
    assert read_status(spool.folder).frames == {"damaged": 1, "refused": 1}
    assert "damaged in the spool, or gone from it: a.jpg" in told(spool)
    assert "will not be sent: a.jpg (too large)" in told(spool)
    assert json.loads(CliRunner().invoke(app, ["status", "--json", "--state", str(spool.folder)]).output)


def test_there_is_nothing_to_retry_where_no_spool_is(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["retry", "--state", str(tmp_path / "typo"), "--lang", "en"])
    assert answer.exit_code == 3
    assert "has no spool" in answer.output
    assert not (tmp_path / "typo").exists()


def test_who_enrols_beside_a_running_agent_is_told_to_restart_it(tmp_path: Path, server: Answering) -> None:
    said = {"token": "ssd_y", "device_id": "1", "device": "car-1", "public_key": "00" * 32}
    server.answers["/v1/devices/enrolment"] = Said(201, said)
    words = ["enrol", "code", "--server", server.url, "--state", str(tmp_path), "--lang", "en"]
    assert "restart" not in CliRunner().invoke(app, words).output
    with held(tmp_path):
        assert "goes by what it had: restart it" in CliRunner().invoke(app, words).output


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A spool as on a disk that is mounted to be read; who is root is nobody for as long as it takes."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # tmp_path is for its owner only
    spool = Spool(folder, SpoolSettings)
    keep(spool)
    spool.close()
    (folder / "spool.sqlite").chmod(0o444)
    folder.chmod(0o555)
    was_root = os.getuid() == 0
    if was_root:
        os.setresuid(65534, 65534, 0)
    yield folder
    if was_root:
        os.setresuid(0, 0, 0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_the_status_of_a_spool_that_can_only_be_read(read_only: Path) -> None:
    assert read_status(read_only).frames == {"waiting": 1}
