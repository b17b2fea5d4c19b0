"""Devices and their tokens: add, list, revoke, recognise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import ColumnElement, select, update

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM, Actor, Role
from streetsight.service.auth.tokens import new_token, token_hash
from streetsight.service.devices.tables import Device, DeviceToken, Enrolment
from streetsight.service.faults import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

Scope = Literal["upload", "read", "detect"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
SEEN_EVERY = timedelta(minutes=1)


class NoToken(Unauthenticated):
    """No token, or none that we know."""

    code = "unauthenticated"


class TokenRevoked(Unauthenticated):
    """A token that was taken back."""

    code = "token_revoked"


class MissingScope(Forbidden):
    """A token that is good for other things."""

    code = "missing_scope"


class UnknownScope(Invalid):
    """A scope that no token can have."""

    code = "unknown_scope"


class DeviceExists(Conflict):
    """Another device has this name."""

    code = "device_exists"


class NoDevice(NotFound):
    """No device of this name."""

    code = "no_device"


class BeyondAreas(Forbidden):
    """A device that would work where its admin may not see."""

    code = "beyond_areas"


class NoDeviceToken(NotFound):
    """No token of this id, or of another device."""

    code = "no_device_token"


@dataclass(frozen=True, slots=True)
class DeviceAccess:
    """The device that is asking, and what its token is good for.

    Attributes:
        seen_at: when it was last seen, as far as the database knows.
    """

    id: str
    name: str
    token_id: str
    scopes: tuple[str, ...]
    seen_at: datetime | None
    area_path: str | None = None

    @property
    def actor(self) -> Actor:
        """The device, as one who acts."""
        return Actor(
            "device", self.id, self.name, Role.DEVICE, None if self.area_path is None else (self.area_path,)
        )

    def require(self, scope: str) -> None:
        """Raises MissingScope when the token is not good for this."""
        if scope not in self.scopes:
            raise MissingScope(
                "this token of {device} is good for {scopes}, not for {scope}; ask for another one",
                device=self.name, scopes=", ".join(self.scopes), scope=scope,
            )  # fmt: skip

    def is_news(self) -> bool:
        """Whether it is worth a write that the device was seen now."""
        return self.seen_at is None or abs(now() - self.seen_at) > SEEN_EVERY


def add_device(
    session: WriteSession,
    name: str,
    scopes: Sequence[Scope] = SCOPES,
    area_path: str | None = None,
    actor: Actor = SYSTEM,
) -> str:
    """Add a device and give its first token, which is shown this once.

    Args:
        area_path: where it works; None is everywhere.

    Raises:
        DeviceExists: when the name is taken.
    """
    return add_device_with_token(session, name, scopes, area_path, actor)[1]


def add_device_with_token(
    session: WriteSession, name: str, scopes: Sequence[Scope], area_path: str | None, actor: Actor
) -> tuple[Device, str]:
    """As `add_device`, and the device beside its token. Raises DeviceExists, BeyondAreas."""
    _require_sees(actor, area_path)
    if session.scalar(select(Device.id).where(Device.name == name)) is not None:
        raise DeviceExists(
            "there is a device {name} already; choose another name, or `streetsight device token {name}`",
            name=name,
        )
    device = Device(name=name, area_path=area_path)
    session.add(device)
    session.flush()
    record(session, actor, "device.added", f"device/{device.id}", {"name": name, "area": area_path})
    return device, _add_token(session, device, scopes, actor)


def add_token(
    session: WriteSession, name: str, scopes: Sequence[Scope] = SCOPES, actor: Actor = SYSTEM
) -> str:
    """One more token for a device. Raises NoDevice."""
    return _add_token(session, device_named(session, name), scopes, actor)


def revoke_tokens(session: WriteSession, name: str, actor: Actor = SYSTEM) -> int:
    """Take back all tokens of a device, and its code; gives how many tokens were good until now.

    Raises:
        NoDevice: of this name.
    """
    device = device_named(session, name)
    _end_codes(session, Enrolment.device_id == device.id)
    good = [each for each in _tokens(session, device) if each.revoked_at is None]
    for token in good:
        token.revoked_at = now()
    record(session, actor, "device.tokens_revoked", f"device/{device.id}", {"tokens": len(good)})
    return len(good)


def list_devices(session: ReadSession) -> list[tuple[Device, int]]:
    """All devices by name, with the number of their tokens that are good."""
    devices = session.scalars(select(Device).order_by(Device.name)).all()
    good = select(DeviceToken.device_id).where(DeviceToken.revoked_at.is_(None))
    held = list(session.scalars(good))
    return [(device, held.count(device.id)) for device in devices]


def devices_seen(session: ReadSession, actor: Actor) -> list[tuple[Device, int]]:
    """As `list_devices`, those that work where the actor may see."""
    return [(device, good) for device, good in list_devices(session) if actor.sees(device.area_path)]


def find_device(session: ReadSession, actor: Actor, device_id: str) -> Device:
    """A device that works where the actor may see. Raises NoDevice."""
    device = session.get(Device, device_id)
    if device is None or not actor.sees(device.area_path):
        raise NoDevice("there is no device {name}; `streetsight device list` shows all", name=device_id)
    return device


def locked_device(session: WriteSession, actor: Actor, device_id: str) -> Device:
    """As `find_device`; nobody else changes it until the transaction ends. Raises NoDevice."""
    session.get(Device, device_id, with_for_update={"key_share": True}, populate_existing=True)
    return find_device(session, actor, device_id)


def tokens_of(session: ReadSession, device: Device) -> list[DeviceToken]:
    """All tokens of a device, revoked ones too, newest first."""
    return sorted(_tokens(session, device), key=lambda each: each.id, reverse=True)


def move_device(session: WriteSession, actor: Actor, device_id: str, area_path: str | None) -> Device:
    """Say anew where a device works; None is everywhere. Raises NoDevice, BeyondAreas."""
    device = find_device(session, actor, device_id)
    _require_sees(actor, area_path)
    before, device.area_path = device.area_path, area_path
    session.flush()
    record(session, actor, "device.moved", f"device/{device.id}", {"from": before, "to": area_path})
    return device


def add_token_to(
    session: WriteSession, actor: Actor, device_id: str, scopes: Sequence[Scope]
) -> tuple[DeviceToken, str]:
    """One more token for a device, and its secret, which is shown this once. Raises NoDevice."""
    device = find_device(session, actor, device_id)
    secret = _add_token(session, device, scopes, actor)
    return tokens_of(session, device)[0], secret


def revoke_token(session: WriteSession, actor: Actor, device_id: str, token_id: str) -> None:
    """Take back one token, and the code that it was given for; taking it back again changes nothing.

    Raises:
        NoDevice, NoDeviceToken: there is none of this id where the actor may see.
    """
    device, token = find_device(session, actor, device_id), session.get(DeviceToken, token_id)
    if token is None or token.device_id != device.id:
        raise NoDeviceToken("{device} has no token {id}", device=device.name, id=token_id)
    if token.revoked_at is None:
        _end_codes(session, Enrolment.token_id == token.id)
        token.revoked_at = now()
        session.flush()
        record(session, actor, "device_token.revoked", f"device/{device.id}", {"token": token.id})


def _end_codes(session: WriteSession, of: ColumnElement[bool]) -> None:
    """Codes are over: who was let in by one could have another token for it while it lasts."""
    good = Enrolment.expires_at > now()
    session.execute(update(Enrolment).where(of, good).values(expires_at=now()))


def recognise(session: ReadSession, token: str) -> DeviceAccess:
    """Who shows this token.

    Raises:
        NoToken, TokenRevoked: when nobody may, by it.
    """
    found = session.scalar(select(DeviceToken).where(DeviceToken.token_sha256 == token_hash(token)))
    if found is None:
        raise NoToken("this token is not known here; send `Authorization: Bearer TOKEN` of a device")
    if found.revoked_at is not None:
        raise TokenRevoked("this token of {device} was revoked; ask for a new one", device=found.device.name)
    return DeviceAccess(
        found.device_id, found.device.name, found.id, tuple(found.scopes.split()),
        found.device.last_seen_at, found.device.area_path,
    )  # fmt: skip


def mark_seen(session: WriteSession, access: DeviceAccess) -> None:
    """Remember that the device was here."""
    moment = now()
    session.execute(update(Device).where(Device.id == access.id).values(last_seen_at=moment))
    session.execute(update(DeviceToken).where(DeviceToken.id == access.token_id).values(last_used_at=moment))


def _require_sees(actor: Actor, area_path: str | None) -> None:
    if not actor.sees(area_path):
        raise BeyondAreas(
            "you look after {areas}; a device of yours works there, or in a part of it",
            areas=", ".join(actor.areas or ()),
        )


def _add_token(session: WriteSession, device: Device, scopes: Sequence[Scope], actor: Actor) -> str:
    token = new_token()
    session.add(DeviceToken(device_id=device.id, token_sha256=token_hash(token), scopes=" ".join(scopes)))
    session.flush()
    record(session, actor, "device_token.added", f"device/{device.id}", {"scopes": [*scopes]})
    return token


def device_named(session: ReadSession, name: str) -> Device:
    """Raises NoDevice."""
    device = session.scalar(select(Device).where(Device.name == name))
    if device is None:
        raise NoDevice("there is no device {name}; `streetsight device list` shows all", name=name)
    return device


def _tokens(session: ReadSession, device: Device) -> Sequence[DeviceToken]:
    return session.scalars(select(DeviceToken).where(DeviceToken.device_id == device.id)).all()
