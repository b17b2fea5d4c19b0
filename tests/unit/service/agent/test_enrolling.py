"""What may be said of a server before it is trusted, and what a new enrolment leaves of the old one."""

import json
import re
import socket
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from answering import Said, answering
from certificates import self_signed

from streetsight.service.agent.enrolling import BadTrust, enrol
from streetsight.service.agent.faults import LinkError
from streetsight.service.agent.identity import (
    Identity,
    NotEnrolled,
    OtherServer,
    UnusableFile,
    identity_of,
    read_identity,
    write_identity,
)

DIGEST = "ab" * 32
ENROLLED = Identity("https://city", "ssd_x", "1", "car-1", "00" * 32)


@pytest.mark.parametrize("fingerprint", ["00:11:22", "", DIGEST[:-1] + "g", DIGEST + "00", "SHA256:abc"])
def test_a_fingerprint_that_is_none_is_refused(tmp_path: Path, fingerprint: str) -> None:
    with pytest.raises(BadTrust, match="64 hexadecimal digits"):
        enrol(tmp_path, "https://127.0.0.1:9", "code", None, fingerprint)


def test_an_authority_and_a_fingerprint_are_not_both_taken(tmp_path: Path) -> None:
    with pytest.raises(BadTrust, match="not both"):
        enrol(tmp_path, "https://127.0.0.1:9", "code", tmp_path / "ca.pem", DIGEST)


@pytest.mark.parametrize(("authority", "fingerprint"), [(Path("ca.pem"), None), (None, DIGEST)])
def test_what_shows_no_certificate_cannot_be_held_against_one(
    tmp_path: Path, authority: Path | None, fingerprint: str | None
) -> None:
    with answering({}) as server, pytest.raises(BadTrust, match="begins with https://"):
        enrol(tmp_path, server.url, "code", authority, fingerprint)
    assert not server.asked


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"", "no certificate"),
        (b"# Read me\n", "no certificate"),
        ("# Lies mich, schön".encode(), "no certificate"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_is_no_authority_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableFile, match=said) as caught:
        enrol(tmp_path / "state", "https://127.0.0.1:9", "code", file, None)
    assert str(file) in str(caught.value)
    assert "--ca expects the certificate of an authority" in str(caught.value)
    assert "spool" not in str(caught.value)


def test_who_cannot_be_reached_is_not_said_to_be_tried_again(tmp_path: Path, free_port: int) -> None:
    for server, fingerprint in ((f"http://127.0.0.1:{free_port}", None), ("https://127.0.0.1:9", DIGEST)):
        with pytest.raises(LinkError, match=r"cannot be reached \(nothing listens there") as caught:
            enrol(tmp_path, server, "code", None, fingerprint)
        assert "again" not in str(caught.value)


@pytest.mark.parametrize("fingerprint", [None, DIGEST])
def test_a_port_without_tls_is_told(tmp_path: Path, fingerprint: str | None) -> None:
    with answering({}) as server, pytest.raises(LinkError, match="does not speak TLS"):
        enrol(tmp_path, server.url.replace("http:", "https:"), "code", None, fingerprint)


@pytest.mark.parametrize(
    "server", ["http://[::1", "https://city:port", "https://city:0", "city", "ftp://city"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(OtherServer, match="expected an address"):
        enrol(tmp_path, server, "code", None, None)


def test_a_new_enrolment_leaves_no_settings_of_another_device(tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    said = {"token": "ssd_y", "device_id": "1", "device": "car-1", "public_key": "00" * 32}
    with answering({"/v1/devices/enrolment": Said(201, said)}) as server:
        enrol(tmp_path, server.url, "code", None, None)
        settings.write_text("those of car-1")
        enrol(tmp_path, server.url, "code", None, None)
        assert settings.exists(), "the same vehicle: a new token changes nothing of what it was told"
        server.answers["/v1/devices/enrolment"] = Said(201, {**said, "device_id": "2"})
        enrol(tmp_path, server.url, "code", None, None)
    assert not settings.exists()


def test_a_damaged_identity_is_told_and_made_anew(tmp_path: Path) -> None:
    for damaged in ("", "[]", '{"server": 5', '{"server": "https://city"}', "\x00" * 80):
        (tmp_path / "agent.json").write_text(damaged)
        with pytest.raises(NotEnrolled, match=r"agent\.json is damaged .* agent enrol"):
            read_identity(tmp_path)
    said = {"token": "ssd_y", "device_id": "1", "device": "car-1", "public_key": "00" * 32}
    with answering({"/v1/devices/enrolment": Said(201, said)}) as server:
        enrol(tmp_path, server.url, "code", None, None)
    assert read_identity(tmp_path).token == "ssd_y"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"),
        ("certificate", "é", "no certificate"),
        ("certificate", "", "no certificate"),
        ("token", 5, "token Input should be a valid string"),
        ("server", "city", "city: expected an address"),
    ],
)
def test_an_identity_that_was_edited_wrongly_is_told(
    tmp_path: Path, name: str, value: object, told: str
) -> None:
    file = tmp_path / "agent.json"
    file.write_text(json.dumps({**asdict(ENROLLED), name: value}))
    with pytest.raises(NotEnrolled, match=re.escape(told)) as caught:
        read_identity(tmp_path)
    assert "ssd_x" not in str(caught.value), "a token is nobody's to read"


def test_what_a_later_version_wrote_besides_is_left(tmp_path: Path) -> None:
    write_identity(tmp_path, ENROLLED)
    file = tmp_path / "agent.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "colour": "red"}))
    assert read_identity(tmp_path) == ENROLLED


def test_a_token_by_hand_takes_no_enrolment_away(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path / "city")[0].read_text()
    enrolled = replace(ENROLLED, certificate=certificate, pinned=True)
    write_identity(tmp_path, enrolled)
    token = tmp_path / "token"
    token.write_text("ssd_other\n")
    by_hand = identity_of(tmp_path, "https://city", token)
    assert (by_hand.token, by_hand.certificate, by_hand.pinned) == ("ssd_other", certificate, True)
    with pytest.raises(OtherServer, match="enrolled with https://city"):
        identity_of(tmp_path, "https://elsewhere", token)
    assert identity_of(tmp_path, None, None) == enrolled


@pytest.mark.parametrize("content", [None, b"", b"\n", "tök".encode(), b"two words", b"\xff"])
def test_a_file_without_a_token_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableFile, match="token") as caught:
        identity_of(tmp_path, "https://city", file)
    assert str(file) in str(caught.value)
    assert "spool" not in str(caught.value)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
