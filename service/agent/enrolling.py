"""From a code to a token: once, over a link that may lose the answer, from a server that is known."""

import hashlib
import re
import secrets
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import AgentError, WrongServer
from streetsight.service.agent.identity import (
    Identity,
    NotEnrolled,
    UnusableFile,
    checked_address,
    read_given,
    read_identity,
    write_identity,
    write_secret,
)
from streetsight.service.agent.link import Link, reached
from streetsight.service.agent.opening import spoken
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.remote import FILE as SETTINGS
from streetsight.service.agent.trust import tls_context

CLAIM, TIMEOUT_S = "claim", 30.0


class CodeRefused(AgentError):
    """The server gives no token for this code."""


class BadTrust(AgentError):
    """What was said of the server's certificate cannot be checked."""


def enrol(folder: Path, server: str, code: str, authority: Path | None, fingerprint: str | None) -> Identity:
    """Exchange a code for a token and the server's key, and keep both.

    Args:
        authority: PEM of the certificate authority that alone is trusted.
        fingerprint: SHA-256 of the server's own certificate, hex, which alone is trusted; one of both.

    Raises:
        BadTrust, OtherServer, UnusableFile: what was given is of no use; nothing was sent.
        CodeRefused, LinkError, WrongServer, SpoolError: why not; the same call may be made again.
    """
    server = checked_address(server)
    certificate = _certificate(server, authority, fingerprint)
    pinned = fingerprint is not None
    stranger = Identity(server, "", certificate=certificate, pinned=pinned)
    link = Link(stranger, Bucket(lambda: None), lambda: TIMEOUT_S)
    try:
        asked = {"code": code, "claim": _claim(folder)}
        answer = link.ask("POST", "/v1/devices/enrolment", json_body=asked)
    finally:
        link.close()
    if not answer.ok:
        raise CodeRefused("{server} gives no token ({reason})", server=server, reason=answer.reason)
    names = ("token", "device_id", "device", "public_key")
    token, device_id, device, public_key = (answer.text(name) for name in names)
    identity = Identity(server, token, device_id, device, public_key, certificate, pinned)
    _forget_settings_of_others(folder, identity)
    write_identity(folder, identity)
    (folder / CLAIM).unlink(missing_ok=True)
    return identity


def _forget_settings_of_others(folder: Path, identity: Identity) -> None:
    """What was signed for another device, or by another key, is nothing that this one was told."""
    try:
        known = read_identity(folder)
    except NotEnrolled:
        known = None
    if known is None or (known.device_id, known.public_key) != (identity.device_id, identity.public_key):
        with spoken(folder):
            (folder / SETTINGS).unlink(missing_ok=True)


def _claim(folder: Path) -> str:
    """Our secret for this exchange, on the disk before it is used: by it a lost answer is had again."""
    path = folder / CLAIM
    with spoken(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(32))
        return path.read_text()


def _certificate(server: str, authority: Path | None, fingerprint: str | None) -> str | None:
    """PEM to trust.

    Raises:
        BadTrust, UnusableFile: what was given says nothing that can be checked.
        WrongServer, LinkError: the server shows another certificate than was said, or none.
    """
    if authority is None and fingerprint is None:
        return None
    if authority is not None and fingerprint is not None:
        raise BadTrust(
            "--ca and --fingerprint each say what alone is trusted; give the fingerprint for a certificate "
            "that signed itself, --ca for an authority's, and not both"
        )
    if urlsplit(server).scheme != "https":
        raise BadTrust(
            "{server} shows no certificate that --ca or --fingerprint could be held against; expected is an "
            "address that begins with https://",
            server=server,
        )
    return _authority(authority) if authority is not None else _shown(server, _digest(fingerprint or ""))


def _authority(path: Path) -> str:
    expected = SpokenError("the certificate of an authority as PEM, -----BEGIN CERTIFICATE-----")
    text = read_given(path, "--ca", expected)
    try:
        tls_context(text, pinned=False)
    except ValueError as error:
        raise UnusableFile(
            "{path} has no certificate that can be read ({reason}); --ca expects {expected}",
            path=path, reason=error, expected=expected,
        ) from error  # fmt: skip
    return text


def _digest(fingerprint: str) -> str:
    """As 64 small hexadecimal digits. Raises BadTrust."""
    digits = fingerprint.replace(":", "").strip().lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise BadTrust(
            "{given} is no SHA-256 fingerprint: expected are 64 hexadecimal digits, as `openssl x509 -noout "
            "-fingerprint -sha256 -in FILE` prints them at the server",
            given=repr(fingerprint),
        )
    return digits


def _shown(server: str, digest: str) -> str:
    """PEM of the server's own certificate, if it is the one that was said."""
    parts = urlsplit(server)
    with reached(server):  # nothing is told to it yet: this only asks what it shows
        shown = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=TIMEOUT_S)
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    if found != digest:
        raise WrongServer(
            "{server} shows a certificate with the fingerprint {found}, expected was {expected}: a typing "
            "error, or somebody stands in between. Nothing was sent",
            server=server, found=found, expected=digest,
        )  # fmt: skip
    return shown
