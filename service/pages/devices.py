"""Pages: devices that upload, how each of them is, its camera's quality and mounting, its tokens."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select

from streetsight.service.areas.service import named_areas
from streetsight.service.auth.access import Viewer
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission, may
from streetsight.service.dependencies import Id, Server
from streetsight.service.devices.quality import quality_days
from streetsight.service.devices.service import SCOPES, devices_seen, find_device, tokens_of
from streetsight.service.devices.tables import DeviceSettings
from streetsight.service.frames.tables import Frame
from streetsight.service.pages.rendering import page, wants_fragment
from streetsight.service.pages.vehicle_settings import settings_fields
from streetsight.service.patrols.progress import progress_of
from streetsight.service.patrols.service import list_patrols
from streetsight.service.profiles.service import find_profile
from streetsight.service.profiles.tables import StoredProfile
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

router = APIRouter(include_in_schema=False)

FRESH, STALE = timedelta(minutes=15), timedelta(days=1)
DAYS = 14
PATROLS_SHOWN = 10


@router.get("/devices", response_class=HTMLResponse)
def show_all(server: Server, request: Request, actor: Viewer) -> HTMLResponse:
    """All devices: who is in contact, what waits, what is wrong."""
    with server.database.read() as session:
        return page(
            request, server, "_devices.html" if wants_fragment(request) else "devices.html", actor,
            devices=devices_seen(session, actor), waiting=_waiting(session),
            areas=named_areas(session, actor), scopes=SCOPES, **_limits(),
        )  # fmt: skip


@router.get("/devices/{device_id}", response_class=HTMLResponse)
def show_one(server: Server, request: Request, actor: Viewer, device_id: Id) -> HTMLResponse:
    """One device: how it is, its outings, mounting and tokens."""
    with server.database.read() as session:
        device = find_device(session, actor, device_id)
        values: dict[str, Any] = {"device": device, "waiting": _waiting(session), **_limits()}
        if wants_fragment(request):
            return page(request, server, "_device.html", actor, **values)
        patrols = list_patrols(session, actor, device_id, PATROLS_SHOWN, None).items
        return page(
            request, server, "device.html", actor, **values,
            patrols=patrols, progress=progress_of(session, [each.id for each in patrols]),
            profile=find_profile(session, actor, device_id),
            has_profile=session.get(StoredProfile, device_id) is not None,
            tokens=tokens_of(session, device) if may(actor, Permission.ADMINISTER) else [],
            areas=named_areas(session, actor), scopes=SCOPES, **_told(session, actor, device_id),
        )  # fmt: skip


@router.get("/devices/{device_id}/quality", response_class=HTMLResponse)
def show_quality(server: Server, request: Request, actor: Viewer, device_id: Id) -> HTMLResponse:
    """What its pictures were worth on the latest days: a fragment, because it takes counting."""
    with server.database.read() as session:
        device = find_device(session, actor, device_id)
        days = quality_days(session, device, server.settings.zone, DAYS)
    worst = max((each.refused or 0 for each in days), default=0)
    return page(request, server, "_quality.html", actor, days=days, worst=worst)


def _waiting(session: ReadSession) -> dict[str, int]:
    """Frames that are here and were not looked at yet, by device."""
    found = select(Frame.device_id, func.count()).where(Frame.state == "queued").group_by(Frame.device_id)
    return dict(session.execute(found).all())


def _told(session: ReadSession, actor: Actor, device_id: str) -> dict[str, Any]:
    """What the vehicle was told to do; it may name networks, which is for those who may change it."""
    if not may(actor, Permission.ADMINISTER):
        return {}
    told = session.get(DeviceSettings, device_id)
    return {"told": told, "orders": settings_fields(told)}


def _limits() -> dict[str, Any]:
    moment = now()
    return {"fresh_after": moment - FRESH, "stale_after": moment - STALE}
