"""Who the agent is and whom it serves: kept in its folder, for its user alone."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streetsight.models.durable import replace_file
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.opening import spoken

FILE = "agent.json"


class OtherServer(AgentError):
    """An address that is none, or not the one that the vehicle was enrolled with."""


class NotEnrolled(AgentError):
    """The agent has no server yet."""


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
        values: dict[str, Any] = json.loads(path.read_text())
    return Identity(**values)


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
        NotEnrolled, OtherServer, SpoolError: when neither tells.
    """
    if token_file is not None:
        if server is None:
            raise NotEnrolled("a token alone does not tell the server; give --server too")
        with spoken(token_file):
            identity = Identity(checked_address(server), token_file.read_text().strip())
        known = read_identity(folder) if (folder / FILE).exists() else None
        if identity != known:
            write_identity(folder, identity)  # so that status and drain know
        return identity
    identity = read_identity(folder)
    if server is not None and checked_address(server) != identity.server:
        raise OtherServer(
            "this vehicle is enrolled with {ours}, not with {theirs}; leave --server out, or enrol it there",
            ours=identity.server, theirs=server,
        )  # fmt: skip
    return identity


def checked_address(server: str) -> str:
    """`https://host[:port][/path]` without a slash at its end. Raises OtherServer."""
    parts = urlsplit(server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OtherServer("{server}: expected an address such as https://streetsight.example", server=server)
    return server.rstrip("/")
