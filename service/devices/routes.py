"""HTTP: what devices say of themselves, and what people say of devices."""

from functools import partial

from fastapi import APIRouter, Response

from streetsight.service.auth.access import Admin, Viewer
from streetsight.service.dependencies import Id, Server
from streetsight.service.devices import service
from streetsight.service.devices.access import Uploader
from streetsight.service.devices.remote import settings_version
from streetsight.service.devices.schemas import (
    DeviceChange,
    DeviceList,
    DeviceMade,
    DeviceNew,
    DeviceShown,
    Heartbeat,
    HeartbeatAnswer,
    TokenList,
    TokenMade,
    TokenNew,
    TokenShown,
)
from streetsight.service.devices.tables import Device
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.post("/self/heartbeat")
def heartbeat(server: Server, device: Uploader, said: Heartbeat) -> HeartbeatAnswer:
    """Say how the device is. The answer tells how far its clock is from the server's."""
    moment = now()

    def remember(session: WriteSession) -> None:
        row = session.get_one(Device, device.id)
        row.heartbeat, row.last_seen_at = said.model_dump(mode="json", exclude_none=True), moment

    server.writer.run(remember)
    offset = (said.clock - moment).total_seconds() if said.clock else None
    with server.database.read() as session:
        version = settings_version(session, device.id)
    return HeartbeatAnswer(
        device_id=device.id, server_time=moment, clock_offset_seconds=offset, settings_version=version
    )


@router.get("")
def list_devices(server: Server, actor: Viewer) -> DeviceList:
    """All devices that work where the person may see, by name."""
    with server.database.read() as session:
        found = service.devices_seen(session, actor)
    return DeviceList(items=[DeviceShown.of(*each) for each in found])


@router.post("", status_code=201, responses={409: {"description": "The name is taken."}})
def add_device(server: Server, actor: Admin, sent: DeviceNew, response: Response) -> DeviceMade:
    """Add a device. Its first token is shown this once."""
    add = partial(
        service.add_device_with_token, name=sent.name, scopes=sent.scopes, area_path=sent.area_path,
        actor=actor,
    )  # fmt: skip
    device, token = server.writer.run(add)
    response.headers["Location"] = f"/v1/devices/{device.id}"
    return DeviceMade(**DeviceShown.of(device, 1).model_dump(), token=token)


@router.get("/{device_id}")
def read_device(server: Server, actor: Viewer, device_id: Id) -> DeviceShown:
    """One device."""
    with server.database.read() as session:
        return _shown(session, service.find_device(session, actor, device_id))


@router.patch("/{device_id}")
def change_device(server: Server, actor: Admin, device_id: Id, change: DeviceChange) -> DeviceShown:
    """Say anew where a device works."""
    move = partial(service.move_device, actor=actor, device_id=device_id, area_path=change.area_path)
    device = server.writer.run(move)
    with server.database.read() as session:
        return _shown(session, device)


@router.get("/{device_id}/tokens")
def list_tokens(server: Server, actor: Admin, device_id: Id) -> TokenList:
    """All tokens of a device, newest first."""
    with server.database.read() as session:
        found = service.tokens_of(session, service.find_device(session, actor, device_id))
        return TokenList(items=[*map(TokenShown.of, found)])


@router.post("/{device_id}/tokens", status_code=201)
def add_token(server: Server, actor: Admin, device_id: Id, sent: TokenNew) -> TokenMade:
    """One more token, shown this once. The others stay good."""
    add = partial(service.add_token_to, actor=actor, device_id=device_id, scopes=sent.scopes)
    token, secret = server.writer.run(add)
    return TokenMade(**TokenShown.of(token).model_dump(), token=secret)


@router.delete("/{device_id}/tokens/{token_id}", status_code=204)
def revoke_token(server: Server, actor: Admin, device_id: Id, token_id: Id) -> None:
    """Take back one token, at once."""
    server.writer.run(partial(service.revoke_token, actor=actor, device_id=device_id, token_id=token_id))


def _shown(session: ReadSession, device: Device) -> DeviceShown:
    good = [each for each in service.tokens_of(session, device) if each.revoked_at is None]
    return DeviceShown.of(device, len(good))
