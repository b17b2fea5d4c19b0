"""HTTP: vehicles that are let in by a code, and settings that they are sent signed."""

from functools import partial
from typing import Any

from fastapi import APIRouter

from streetsight.service.auth.access import Admin, Viewer
from streetsight.service.dependencies import Id, Server
from streetsight.service.devices import enrolling, remote
from streetsight.service.devices.access import Uploader
from streetsight.service.devices.schemas import (
    Enrolled,
    EnrolmentAsked,
    EnrolmentMade,
    EnrolmentNew,
    SignedSettings,
)
from streetsight.service.devices.service import find_device
from streetsight.service.devices.tables import DeviceSettings
from streetsight.service.store.sealing import open_sealer
from streetsight.service.store.sessions import WriteSession

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.post("/enrolment", status_code=201, responses={403: {"description": "The code is over."}})
def enrol(server: Server, asked: EnrolmentAsked) -> Enrolled:
    """Exchange a code for the device's token, once. The code is the only thing that has to be shown."""
    sealer = open_sealer(server.settings)

    def unit(session: WriteSession) -> Enrolled:
        device, token, scopes = enrolling.exchange(session, asked.code, asked.claim)
        public_key = remote.signing_key(session, sealer)[1]
        return Enrolled(
            device_id=device.id, device=device.name, token=token, scopes=scopes, public_key=public_key
        )

    return server.writer.run(unit)


@router.get("/self/settings", responses={404: {"description": "There are none."}})
def read_own_settings(server: Server, device: Uploader) -> SignedSettings:
    """Settings for the device that asks, signed."""
    with server.database.read() as session:
        return _shown(remote.settings_of(session, device.id))


@router.post("/{device_id}/enrolments", status_code=201)
def make_code(server: Server, actor: Admin, device_id: Id, sent: EnrolmentNew) -> EnrolmentMade:
    """Make a code by which a vehicle gets its token, once; it is shown this once."""
    make = partial(
        enrolling.make_code, actor=actor, device_id=device_id, scopes=sent.scopes, hours=sent.hours
    )
    made, code = server.writer.run(make)
    return EnrolmentMade(code=code, device_id=made.device_id, expires_at=made.expires_at)


@router.get("/{device_id}/settings", responses={404: {"description": "There are none."}})
def read_settings(server: Server, actor: Viewer, device_id: Id) -> SignedSettings:
    """What a vehicle was last told to do."""
    with server.database.read() as session:
        return _shown(remote.settings_of(session, find_device(session, actor, device_id).id))


@router.put("/{device_id}/settings")
def put_settings(server: Server, actor: Admin, device_id: Id, settings: dict[str, Any]) -> SignedSettings:
    """Say what a vehicle is to do, as the section `agent` of its profile; it is signed, and fetched soon."""
    put = partial(
        remote.put_settings, actor=actor, device_id=device_id, settings=settings,
        sealer=open_sealer(server.settings),
    )  # fmt: skip
    return _shown(server.writer.run(put))


def _shown(kept: DeviceSettings) -> SignedSettings:
    return SignedSettings(version=kept.version, payload=kept.payload, signature=kept.signature)
