"""HTTP: what devices say of themselves."""

from fastapi import APIRouter

from streetsight.service.dependencies import Server
from streetsight.service.devices.access import Uploader
from streetsight.service.devices.schemas import Heartbeat, HeartbeatAnswer
from streetsight.service.devices.tables import Device
from streetsight.service.store.sessions import WriteSession
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
    return HeartbeatAnswer(device_id=device.id, server_time=moment, clock_offset_seconds=offset)
