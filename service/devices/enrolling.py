"""Letting a vehicle in by a code that is good once: an admin reads it out, the vehicle has its token for it.

A code has 60 random bits and lives for hours: there is nothing to guess, so that one round of SHA-256 does.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.tokens import token_hash
from streetsight.service.devices.service import Scope, add_token_to, locked_device
from streetsight.service.devices.tables import Device, DeviceToken, Enrolment
from streetsight.service.faults import Forbidden
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is misread over the phone
MISREAD = str.maketrans("OIL", "011")
GROUPS, GROUP = 3, 4


class CodeOver(Forbidden):
    """A code that is not known, was used, or is too old; which of them is nobody's business."""

    code = "code_over"


def make_code(
    session: WriteSession, actor: Actor, device_id: str, scopes: Sequence[Scope], hours: float
) -> tuple[Enrolment, str]:
    """A code for a device, which is shown this once. Codes before it are over. Raises NoDevice."""
    device = locked_device(session, actor, device_id)  # else two codes made at once are both good
    moment = now()
    for before in session.scalars(select(Enrolment).where(Enrolment.device_id == device.id)):
        before.expires_at = min(before.expires_at, moment)
    code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    made = Enrolment(
        device_id=device.id, code_sha256=_hash(code), scopes=" ".join(scopes), made_by=actor.name,
        expires_at=moment + timedelta(hours=hours),
    )  # fmt: skip
    session.add(made)
    session.flush()
    record(session, actor, "device.code_made", f"device/{device.id}", {"scopes": [*scopes], "hours": hours})
    return made, code


def exchange(session: WriteSession, code: str, claim: str) -> tuple[Device, str, list[str]]:
    """A token for a code: the device, the token and its scopes.

    Whoever exchanged it may do so again until it expires, and then has another token; the one before is over.

    Raises:
        CodeOver: there is nothing to be had for it.
    """
    found = session.scalar(select(Enrolment).where(Enrolment.code_sha256 == _hash(code)).with_for_update())
    if found is None or found.expires_at <= now() or found.claim_sha256 not in (None, token_hash(claim)):
        raise CodeOver(
            "this code is not known, was used, or is too old; have an admin make a new one with `streetsight "
            "device code NAME`"
        )
    device = session.get_one(Device, found.device_id)
    if found.token_id is not None:
        session.get_one(DeviceToken, found.token_id).revoked_at = now()
    areas = None if device.area_path is None else (device.area_path,)
    actor = Actor("device", device.id, device.name, Role.DEVICE, areas)
    token, secret = add_token_to(session, actor, device.id, found.scopes.split())  # type: ignore[arg-type]
    found.used_at, found.claim_sha256, found.token_id = now(), token_hash(claim), token.id
    session.flush()
    record(session, actor, "device.enrolled", f"device/{device.id}", {"token": token.id})
    return device, secret, token.scopes.split()


def _hash(code: str) -> str:
    """However it was typed."""
    plain = "".join(each for each in code.upper().translate(MISREAD) if each in ALPHABET)
    return token_hash(f"enrolment {plain}")
