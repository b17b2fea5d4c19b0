"""Settings in force: the vehicle's own, and over them those that its server signed.

The server signs a text (Ed25519) that names the vehicle, a version that only grows, and the settings. Taken
is only what the key verifies that was learnt at enrolment, for this vehicle, and newer than what is held.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from streetsight.inference.positions.profile import ProfileError
from streetsight.models.durable import replace_file
from streetsight.service.agent.faults import AgentError
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.opening import spoken
from streetsight.service.agent.settings import AgentSettings, combine

FILE = "settings.json"

log = structlog.get_logger(__name__)


class NotOurs(AgentError):
    """Settings that the agent does not take."""


@dataclass(frozen=True, slots=True)
class Signed:
    """As the server sends them. Attributes: payload: JSON text, to the byte; signature: hex."""

    payload: str
    signature: str


class SettingsInForce:
    """Read by all parts at each use, so that new ones count at once.

    Attributes:
        version: of the server's; 0 without any.
        left: why those that were taken before do not count any more; None when they do, or there are none.
    """

    def __init__(self, folder: Path, identity: Identity, local: Mapping[str, Any]) -> None:
        """What was taken before is verified again, and left where it does not hold: the vehicle's own stand.

        Raises:
            ProfileError, SpoolError: the vehicle's own are of no use, or the file cannot be read.
        """
        self._folder, self._identity, self._local = folder, identity, local
        self.version, self._current = 0, combine(local, {})
        self.left: NotOurs | None = None
        try:
            self._put_held()
        except NotOurs as error:
            log.warning("settings_left", reason=str(error))
            self.left = error

    def __call__(self) -> AgentSettings:
        return self._current

    def take(self, signed: Signed) -> None:
        """Put newer settings in force, and keep them over a restart.

        Raises:
            NotOurs: not signed by our server, for another vehicle, not newer, or of no use here.
        """
        before = (self.version, self._current)
        self._put(signed)
        try:
            with spoken(self._folder):
                held = {"payload": signed.payload, "signature": signed.signature}
                replace_file(self._folder / FILE, json.dumps(held).encode())
            self.left = None
        except AgentError:
            self.version, self._current = before
            raise

    def _put_held(self) -> None:
        """Raises NotOurs: cut off by somebody, or taken as another vehicle or from another server."""
        path = self._folder / FILE
        if not path.exists():
            return
        with spoken(self._folder):
            text = path.read_bytes()
        try:
            held = json.loads(text)
            signed = Signed(str(held["payload"]), str(held["signature"]))
        except (ValueError, TypeError, LookupError) as error:
            raise NotOurs(
                "{path} is damaged; the vehicle's own settings stand until the server's come again", path=path
            ) from error
        self._put(signed)

    def _put(self, signed: Signed) -> None:
        said = verified(signed, self._identity)
        version = said.get("version")
        if not isinstance(version, int) or version <= self.version:
            raise NotOurs(
                "the server's settings have version {theirs}, here is {ours} already; older ones are left",
                theirs=version, ours=self.version,
            )  # fmt: skip
        try:
            current = combine(self._local, said.get("settings") or {})
        except ProfileError as error:
            raise NotOurs("the server's settings cannot be used here ({reason})", reason=error) from error
        self.version, self._current = version, current


def verified(signed: Signed, identity: Identity) -> dict[str, Any]:
    """What a signed text says, if our server signed it for us. Raises NotOurs."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if identity.public_key is None:
        raise NotOurs(
            "this vehicle was not enrolled and knows no key of its server; settings from there are not taken"
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(identity.public_key))
        key.verify(bytes.fromhex(signed.signature), signed.payload.encode())
        said = json.loads(signed.payload)
    except (InvalidSignature, ValueError) as error:
        raise NotOurs(
            "the settings are not signed by the server that this vehicle was enrolled with; they are left"
        ) from error
    if not isinstance(said, dict) or said.get("device_id") != identity.device_id:
        raise NotOurs("the settings are another vehicle's; they are not taken")
    return said
