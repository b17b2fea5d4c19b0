"""Which device is asking, for Label Studio: it sends Basic credentials where other clients send a bearer."""

import base64
import binascii
from typing import Annotated

from fastapi import Header, Security
from fastapi.security import HTTPBasic, HTTPBearer

from streetsight.service.dependencies import Server
from streetsight.service.devices.access import known_device
from streetsight.service.devices.service import DeviceAccess, NoToken

_basic = HTTPBasic(scheme_name="token as password", auto_error=False)
_bearer = HTTPBearer(scheme_name="device token", auto_error=False)


def labelling_device(
    server: Server, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> DeviceAccess:
    """Dependency: the device whose token comes as a bearer, or as the password of Basic credentials.

    Raises:
        Unauthenticated, Forbidden: when it may not.
    """
    kind, _, value = (authorization or "").partition(" ")
    token = value.strip() if kind.lower() == "bearer" else _password(value) if kind.lower() == "basic" else ""
    if not token:
        raise NoToken("no token was sent; give Label Studio a device's token as the password of Basic auth")
    return known_device(server, token, ["detect"])


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


Labeller = Annotated[DeviceAccess, Security(labelling_device)]
DECLARED = [Security(_basic), Security(_bearer)]
"""For OpenAPI: either of them."""
