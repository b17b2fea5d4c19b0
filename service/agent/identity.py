"""Who the agent is and whom it serves: kept in its folder, for its user alone."""

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.opening import spoken
from streetsight.service.agent.trust import tls_context

FILE = "agent.json"


class OtherServer(AgentError):
    """An address that is none, or not the one that the vehicle was enrolled with."""


class NotEnrolled(AgentError):
    """The agent has no server yet, or does not know it any more."""


class UnusableFile(AgentError):
    """A file that was named on the command line is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What enrolment left.

    Attributes:
        server: `https://host`, without a slash at its end.
        token: the device's, for its owner's eyes only.
        device_id, device: id and name at the server; None where a token was given by hand.
        public_key: the server's Ed25519 key, hex, that settings must be signed with; None takes none.
        certificate: PEM that alone is trusted; None trusts the machine's certificate authorities.
        pinned: whether that is the server's own certificate rather than an authority's.
    """

    server: str
    token: str
    device_id: str | None = None
    device: str | None = None
    public_key: str | None = None
    certificate: str | None = None
    pinned: bool = False


_IDENTITY = TypeAdapter(Identity)


def read_identity(folder: Path) -> Identity:
    """Raises NotEnrolled, SpoolError."""
    path = folder / FILE
    if not path.exists():
        raise NotEnrolled(
            "{folder} belongs to no server yet; run `streetsight agent enrol --server URL CODE` with a code "
            "that an admin of the server made, or give --server and --token-file",
            folder=folder,
        )
    with spoken(folder):
        text = path.read_bytes()
    try:
        return _identity(text)
    except (ValueError, OtherServer) as error:
        raise NotEnrolled(
            "{path} is damaged ({reason}), so that the vehicle knows neither its server nor its token; run "
            "`streetsight agent enrol` again with a new code. What is in the spool is safe",
            path=path, reason=error,
        ) from error  # fmt: skip


def _identity(text: bytes) -> Identity:
    """Without what a later version wrote besides. Raises ValueError, OtherServer."""
    try:
        identity = _IDENTITY.validate_json(text)
    except ValidationError as error:  # in its own words it would tell the token
        raise ValueError(
            "; ".join(f"{'.'.join(map(str, at['loc']))} {at['msg']}" for at in error.errors())
        ) from None
    checked_address(identity.server)
    if identity.certificate is not None:
        tls_context(identity.certificate, identity.pinned)
    return identity


def write_identity(folder: Path, identity: Identity) -> None:
    """Durably, readable by its owner only. Raises SpoolError."""
    with spoken(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(folder / FILE, json.dumps(asdict(identity), indent=1))


def write_secret(path: Path, text: str) -> None:
    """Durably, readable by its owner only from the first byte on."""
    draft = path.with_name(f".{path.name}.draft")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    replace_file(path, text.encode(), draft)


def identity_of(folder: Path, server: str | None, token_file: Path | None) -> Identity:
    """By enrolment, or by an address and a token that were given.

    Raises:
        NotEnrolled, OtherServer, UnusableFile, SpoolError: when neither tells.
    """
    if token_file is not None:
        return _identity_by_token(folder, server, token_file)
    identity = read_identity(folder)
    if server is not None:
        _check_server(identity, server)
    return identity


def _identity_by_token(folder: Path, server: str | None, token_file: Path) -> Identity:
    """With the token of a file. An enrolment stays as it is, and what it trusts counts for this one too."""
    if server is None:
        raise NotEnrolled("a token alone does not tell the server; give --server too")
    identity = Identity(checked_address(server), _read_token(token_file))
    known = read_identity(folder) if (folder / FILE).exists() else None
    if known is not None and known.device_id is not None:
        _check_server(known, server)
        return replace(known, token=identity.token)
    if identity != known:
        write_identity(folder, identity)  # so that status and drain know
    return identity


def _read_token(path: Path) -> str:
    text = read_given(path, "--token-file", SpokenError("a file with a device's token, and nothing else"))
    token = text.strip()
    if not re.fullmatch(r"[!-~]+", token):  # what a header can carry
        raise UnusableFile(
            "{path} has no token: expected is one line of letters and digits, as `streetsight device add` "
            "prints it",
            path=path,
        )
    return token


def read_given(path: Path, option: str, expected: SpokenError) -> str:
    """Text of a file that was named by an option. Raises UnusableFile."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFile(
            "{path} cannot be read ({reason}); {option} expects {expected}, which user {user} may read",
            path=path, reason=getattr(error, "strerror", None) or error, option=option, expected=expected,
            user=os.getuid(),
        ) from error  # fmt: skip


def _check_server(identity: Identity, server: str) -> None:
    """Raises OtherServer."""
    if checked_address(server) != identity.server:
        raise OtherServer(
            "this vehicle is enrolled with {ours}, not with {theirs}; leave --server out, or enrol it there",
            ours=identity.server, theirs=server,
        )  # fmt: skip


def checked_address(server: str) -> str:
    """`https://host[:port][/path]` without a slash at its end. Raises OtherServer."""
    try:
        parts = urlsplit(server)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an IPv6 address that does not end, a port that is no number
        good = False
    if not good:
        raise OtherServer("{server}: expected an address such as https://streetsight.example", server=server)
    return server.rstrip("/")
