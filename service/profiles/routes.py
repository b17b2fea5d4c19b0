"""HTTP: device profiles."""

from functools import partial

from fastapi import APIRouter

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.service.auth.access import Admin, Viewer
from streetsight.service.dependencies import Id, Server
from streetsight.service.profiles import service

router = APIRouter(prefix="/v1/devices", tags=["devices"])


@router.get("/{device_id}/profile")
def read_profile(server: Server, actor: Viewer, device_id: Id) -> DeviceProfile:
    """What is known of a device's camera, clock and coordinates."""
    with server.database.read() as session:
        return service.find_profile(session, actor, device_id)


@router.put("/{device_id}/profile")
def put_profile(server: Server, actor: Admin, device_id: Id, profile: DeviceProfile) -> DeviceProfile:
    """Say how a device's camera is mounted, what its clock and coordinates are.

    Its open patrols are assembled again with it; closed ones too when it had no profile before. The name in
    `device` is the device's own, whatever was sent.
    """
    return server.writer.run(partial(service.put_profile, actor=actor, device_id=device_id, profile=profile))
