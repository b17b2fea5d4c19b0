"""Which device is asking: `def route(device: Uploader)`. No route of a device is without one of these."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import structlog
from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from streetsight.service.dependencies import Server
from streetsight.service.devices.service import DeviceAccess, NoToken, mark_seen, recognise
from streetsight.service.resources import Resources
from streetsight.service.store.writer import WriterBusy

_bearer = HTTPBearer(
    scheme_name="device token", description="From `streetsight device add`", auto_error=False
)


def authenticated_device(
    server: Server,
    needed: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> DeviceAccess:
    """Dependency: the device that shows its token, with all scopes that the route needs.

    Raises:
        Unauthenticated, Forbidden: when it may not.
    """
    if credentials is None:
        raise NoToken("no token was sent; send `Authorization: Bearer TOKEN` of a device")
    return known_device(server, credentials.credentials, needed.scopes)


def known_device(server: Resources, token: str, scopes: Sequence[str]) -> DeviceAccess:
    """The device that this token is of.

    Raises:
        Unauthenticated, Forbidden: when there is none, or it may not.
    """
    with server.database.read() as session:
        access = recognise(session, token)
    for scope in scopes:
        access.require(scope)
    structlog.contextvars.bind_contextvars(device=access.name)
    if access.is_news():
        with contextlib.suppress(WriterBusy):  # the next request will do
            server.writer.submit(partial(mark_seen, access=access))
    return access


Uploader = Annotated[DeviceAccess, Security(authenticated_device, scopes=["upload"])]
Reader = Annotated[DeviceAccess, Security(authenticated_device, scopes=["read"])]
