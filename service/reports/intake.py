"""A report with photos: the photos go the way of all frames, then the report is written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from streetsight.inference.reading import read_photo
from streetsight.service.devices.service import DeviceAccess
from streetsight.service.devices.tables import Device
from streetsight.service.faults import Invalid
from streetsight.service.frames.intake import take_in
from streetsight.service.frames.schemas import MetadataSent
from streetsight.service.reports.schemas import PlaceSaid, ReportSaid
from streetsight.service.reports.service import categories_of, file_report
from streetsight.service.reports.tables import Report
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import WriteSession

DEVICE_NAME = "citizen reports"
"""The device that photos of citizens are said to come from; it has no token, so nothing else does."""
LEAST_SIDE_PX = 64
FORM_SECONDS, FORM_LEAST_SECONDS = 24 * 3600, 3


class FormTooOld(Invalid):
    """A form that was opened too long ago, or never."""

    code = "form_too_old"


class FormTooFast(Invalid):
    """A form that no person fills in so quickly, or a field that no person sees."""

    code = "form_too_fast"


@dataclass(frozen=True, slots=True)
class Filed:
    """A report that is safe. Attributes: token: None when it was here before."""

    report: Report
    token: str | None


def file_with_photos(server: Resources, said: ReportSaid, photos: Sequence[bytes], sealer: Sealer) -> Filed:
    """Take photos and report in. When this returns, all of it survives a power cut.

    Without a position the photos' EXIF may have one.

    Raises:
        PhotoError, ServiceError: why not; then there is no report.
    """
    checked = [read_photo(photo, LEAST_SIDE_PX) for photo in photos]
    if said.place is None:
        there = next((each.metadata.position for each in checked if each.metadata.position), None)
        if there is not None:
            place = PlaceSaid(lon=there.lon, lat=there.lat, source="exif", accuracy_m=there.accuracy_m)
            said = said.model_copy(update={"place": place})
    device = server.writer.run(_citizens) if photos else None
    frames = [take_in(server, device, photo, MetadataSent(), None).id for photo in photos] if device else []
    unit = partial(
        file_report, said=said.model_copy(update={"frames": tuple(dict.fromkeys(frames))}),
        categories=categories_of(server.settings), sealer=sealer,
    )  # fmt: skip
    try:
        return Filed(*server.writer.run(unit))
    except IntegrityError:  # the same ticket came to another process: now we see it
        return Filed(*server.writer.run(unit))


def new_stamp(sealer: Sealer) -> str:
    """When a form was opened, in a way that its sender cannot write."""
    return sealer.seal("report form")


def is_stamp(sealer: Sealer, stamp: str) -> bool:
    """Whether a form with this stamp was opened here, and not too long ago."""
    return sealer.open_young(stamp, FORM_SECONDS) is not None


def check_stamp(sealer: Sealer, stamp: str, honeypot: str) -> None:
    """Refuse what no person has filled in.

    Raises:
        FormTooOld, FormTooFast: saying what a person can do.
    """
    if not is_stamp(sealer, stamp):
        raise FormTooOld("this form was opened too long ago; open it again and send it once more")
    if honeypot or sealer.age_seconds(stamp, time.time()) < FORM_LEAST_SECONDS:
        raise FormTooFast("that was quicker than a person types; wait a moment and send it once more")


def _citizens(session: WriteSession) -> DeviceAccess:
    device = session.scalar(select(Device).where(Device.name == DEVICE_NAME))
    if device is None:
        device = Device(name=DEVICE_NAME)
        session.add(device)
        session.flush()
    return DeviceAccess(device.id, device.name, "", ("upload",), device.last_seen_at)
