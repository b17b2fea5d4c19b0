"""From a code to a token: once, over a link that may lose the answer, from a server that is known."""

import hashlib
import secrets
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from streetsight.service.agent.faults import AgentError, LinkError, WrongServer
from streetsight.service.agent.identity import Identity, checked_address, write_identity, write_secret
from streetsight.service.agent.link import Link
from streetsight.service.agent.opening import spoken
from streetsight.service.agent.pacing import Bucket

CLAIM, TIMEOUT_S = "claim", 30.0


class CodeRefused(AgentError):
    """The server gives no token for this code."""


def enrol(folder: Path, server: str, code: str, authority: Path | None, fingerprint: str | None) -> Identity:
    """Exchange a code for a token and the server's key, and keep both.

    Args:
        authority: PEM of the certificate authority that alone is trusted.
        fingerprint: SHA-256 of the server's own certificate, hex, which alone is trusted.

    Raises:
        CodeRefused, LinkError, WrongServer, SpoolError: why not; the same call may be made again.
    """
    server = checked_address(server)
    certificate = _certificate(server, authority, fingerprint)
    stranger = Identity(server, "", certificate=certificate, pinned=fingerprint is not None)
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
    pinned = fingerprint is not None
    identity = Identity(server, token, device_id, device, public_key, certificate, pinned)
    write_identity(folder, identity)
    (folder / CLAIM).unlink(missing_ok=True)
    return identity


def _claim(folder: Path) -> str:
    """Our secret for this exchange, on the disk before it is used: by it a lost answer is had again."""
    path = folder / CLAIM
    with spoken(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(32))
        return path.read_text()


def _certificate(server: str, authority: Path | None, fingerprint: str | None) -> str | None:
    """PEM to trust. Raises WrongServer when the server shows another one than was said."""
    if authority is not None:
        with spoken(authority):
            return authority.read_text()
    if fingerprint is None:
        return None
    parts = urlsplit(server)
    try:  # nothing is told to it yet: this only asks what it shows
        shown = ssl.get_server_certificate((parts.hostname or "", parts.port or 443), timeout=TIMEOUT_S)
    except OSError as error:
        raise LinkError(
            "the server {server} cannot be reached ({reason}); it is tried again", server=server, reason=error
        ) from error
    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
    if found != fingerprint.replace(":", "").lower():
        raise WrongServer(
            "{server} shows a certificate with the fingerprint {found}, expected was {expected}: a typing "
            "error, or somebody stands in between. Nothing was sent",
            server=server, found=found, expected=fingerprint,
        )  # fmt: skip
    return shown
