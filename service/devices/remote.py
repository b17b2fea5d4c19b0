"""Settings for a vehicle, signed by the server's key: it takes no others, and none that are older."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from streetsight.inference.positions.profile import ProfileError
from streetsight.service.agent.settings import check_settings
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.devices.service import locked_device
from streetsight.service.devices.tables import DeviceSettings, SigningKey
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

KEY = "settings"


class NoSettings(NotFound):
    """Nobody has said anything for this device."""

    code = "no_settings"


class BadSettings(Invalid):
    """Settings that no agent could use."""

    code = "bad_settings"


def signing_key(session: WriteSession, sealer: Sealer) -> tuple[Ed25519PrivateKey, str]:
    """The server's key and its public half, hex; made when it is first needed, by one process of all."""
    fresh = Ed25519PrivateKey.generate()
    session.execute(
        upsert(session, SigningKey)
        .values(
            name=KEY, public_key=fresh.public_key().public_bytes_raw().hex(),
            private_key_sealed=sealer.seal(fresh.private_bytes_raw().hex()),
        )
        .on_conflict_do_nothing(index_elements=[SigningKey.name])
    )  # fmt: skip
    kept = session.execute(
        select(SigningKey.private_key_sealed, SigningKey.public_key).where(SigningKey.name == KEY)
    ).one()
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sealer.open(kept[0]))), kept[1]


def put_settings(
    session: WriteSession, actor: Actor, device_id: str, settings: dict[str, Any], sealer: Sealer
) -> DeviceSettings:
    """Say anew what a vehicle is to do; its own settings stand where this says nothing.

    Raises:
        NoDevice, BadSettings: nothing was changed.
    """
    device = locked_device(session, actor, device_id)  # there may be no settings to lock yet
    try:
        check_settings("settings", settings)
    except ProfileError as error:
        raise BadSettings(error.message, **error.values) from error
    held = session.get(DeviceSettings, device.id)
    version = held.version + 1 if held else 1
    said = {
        "device_id": device.id, "version": version, "made_at": now().isoformat(), "settings": settings,
    }  # fmt: skip
    payload = json.dumps(said, ensure_ascii=False, sort_keys=True)
    signature = signing_key(session, sealer)[0].sign(payload.encode()).hex()
    kept = session.merge(
        DeviceSettings(device_id=device.id, version=version, payload=payload, signature=signature)
    )
    session.flush()
    record(session, actor, "device.settings_changed", f"device/{device.id}", {"version": version, **settings})
    return kept


def settings_of(session: ReadSession, device_id: str) -> DeviceSettings:
    """Raises NoSettings."""
    found = session.get(DeviceSettings, device_id)
    if found is None:
        raise NoSettings("nobody has put settings for this device; its own stand")
    return found


def settings_version(session: ReadSession, device_id: str) -> int:
    """Of the settings that wait for a device; 0 for none."""
    version = select(DeviceSettings.version).where(DeviceSettings.device_id == device_id)
    return session.scalar(version) or 0
