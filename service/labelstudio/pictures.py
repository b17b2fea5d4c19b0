"""The picture of a Label Studio task: in the task itself, one of our frames, or from an allowed host."""

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx2
from sqlalchemy import ColumnElement, select

from streetsight.service.devices.service import DeviceAccess
from streetsight.service.faults import Forbidden, Invalid, NotFound, TooLarge, Unavailable
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.tables import Frame
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

FETCH_SECONDS, MAX_URL_CHARACTERS = 20.0, 4096
_FRAME = re.compile(r"(?:^|/)v1/frames/([0-9a-f-]{36})/photo$")
_DIGEST = re.compile(r"^(?:sha256:)?([0-9a-f]{64})$")


class NoPicture(NotFound):
    """There is none, or none that who asks may see."""

    code = "no_picture"


class HostNotAllowed(Forbidden):
    """Pictures are fetched only from where the operator said."""

    code = "host_not_allowed"


class BadPicture(Invalid):
    """A task whose picture is not named in a way that is understood."""

    code = "bad_picture"


def picture_of(server: Resources, device: DeviceAccess, reference: str) -> bytes:
    """The bytes of a task's picture. Raises ServiceError: why not."""
    if reference.startswith("data:"):
        return _from_data(reference)
    try:
        path = urlsplit(reference[:MAX_URL_CHARACTERS]).path
    except ValueError as error:
        raise BadPicture("{reference} is no address", reference=reference[:100]) from error
    if (frame := _FRAME.search(path)) is not None:
        return _from_frame(server, device, lambda _: Frame.id == frame[1])
    if (digest := _DIGEST.fullmatch(reference)) is not None:
        return _from_frame(server, device, lambda session: has_digest(session, [digest[1]]))
    return _from_web(server.settings, reference)


def _from_data(reference: str) -> bytes:
    head, _, encoded = reference.partition(",")
    try:
        if not head.endswith(";base64"):
            raise ValueError("not base64")
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadPicture("a data: URI must hold base64, as data:image/jpeg;base64,...") from error


def _from_frame(
    server: Resources, device: DeviceAccess, which: Callable[[ReadSession], ColumnElement[bool]]
) -> bytes:
    device.require("read")
    with server.database.read() as session:
        frame = session.scalar(select(Frame).where(which(session)))
    if frame is None or not device.actor.sees(frame.area_path):
        raise NoPicture("there is no such frame, or not for this device")
    return server.blobs.get(frame.sha256)


def _from_web(settings: Settings, reference: str) -> bytes:
    """Only from the hosts of the settings: who may ask for predictions must not read our network by us."""
    base = settings.labelstudio_url or ""
    url = urljoin(base, reference) if base and reference.startswith("/") else reference
    parts = urlsplit(url)
    own = bool(base) and (parts.scheme, parts.netloc) == urlsplit(base)[:2]
    allowed = {each.strip().lower() for each in settings.labelstudio_hosts.split(",")} - {""}
    if parts.scheme not in ("http", "https") or not (own or parts.netloc.lower() in allowed):
        raise HostNotAllowed(
            "pictures are not fetched from {host}; an operator can allow it in "
            "STREETSIGHT_LABELSTUDIO_HOSTS, or send the picture as a data: URI",
            host=(parts.netloc or reference)[:100],
        )  # fmt: skip
    token = settings.labelstudio_token
    headers = {"Authorization": f"Token {token.get_secret_value()}"} if own and token else {}
    try:
        return _fetched(url, headers, int(settings.max_photo_bytes))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(
            "{url}: the picture cannot be fetched ({reason})", url=url[:200], reason=error
        ) from error


def _fetched(url: str, headers: dict[str, str], limit: int) -> bytes:
    content = bytearray()
    with (
        httpx2.Client(timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        if answer.status_code != 200:
            raise NoPicture("{url} answers {status}", url=url[:200], status=answer.status_code)
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > limit:
                raise TooLarge("{url} has more than {limit} bytes", url=url[:200], limit=limit)
    return bytes(content)
