"""Device profiles: keep, find."""

from sqlalchemy import select

from streetsight.inference.positions.profile import DeviceProfile
from streetsight.service.assembling.arming import profile_changed
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.devices.service import find_device
from streetsight.service.devices.tables import Device
from streetsight.service.profiles.tables import StoredProfile
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


def put_profile(session: WriteSession, actor: Actor, device_id: str, profile: DeviceProfile) -> DeviceProfile:
    """Keep a profile in place of the one before; the device's open patrols are assembled again with it.

    Closed ones only where there was none before: a camera mounted anew says nothing of what it saw till then.

    Raises:
        NoDevice: none of this id that works where the actor may see.
    """
    device = find_device(session, actor, device_id)
    named = profile.model_copy(update={"device": device.name})
    content = named.model_dump(mode="json", exclude={"device"})
    stored = session.get(StoredProfile, device_id)
    if stored is None:
        session.add(StoredProfile(device_id=device_id, profile=content))
    else:
        stored.profile, stored.updated_at = content, now()
    session.flush()
    profile_changed(session, device_id, first=stored is None)
    record(session, actor, "device.profile_changed", f"device/{device_id}", content)
    return named


def put_named_profile(
    session: WriteSession, actor: Actor, name: str, profile: DeviceProfile
) -> DeviceProfile:
    """`put_profile` for the device that people call so. Raises NoDevice."""
    found = session.scalar(select(Device.id).where(Device.name == name))
    return put_profile(session, actor, found or name, profile)


def profile_of(session: ReadSession, device_id: str, name: str) -> DeviceProfile:
    """A device's profile under the device's name; one that knows nothing where none was given."""
    found = session.get(StoredProfile, device_id)
    return DeviceProfile.model_validate({**(found.profile if found else {}), "device": name})


def all_profiles(session: ReadSession) -> dict[str, DeviceProfile]:
    """Profiles by the name of their device."""
    found = session.execute(select(Device.name, StoredProfile.profile).join(Device))
    return {name: DeviceProfile.model_validate({**said, "device": name}) for name, said in found}


def find_profile(session: ReadSession, actor: Actor, device_id: str) -> DeviceProfile:
    """The profile of a device that works where the actor may see. Raises NoDevice."""
    device = find_device(session, actor, device_id)
    return profile_of(session, device.id, device.name)
