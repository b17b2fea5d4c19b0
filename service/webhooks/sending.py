"""One HTTP request to one destination, with a deadline for the whole of it."""

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import httpx2

from streetsight.models.language import SpokenError
from streetsight.service.detections.service import clean
from streetsight.service.settings import Network
from streetsight.service.webhooks.addresses import Address, AddressRefused, is_allowed, resolve

KEPT_BYTES = 500
MAX_ADDRESSES = 3
MAX_RETRY_AFTER_SECONDS = 86400.0
AGAIN = {408, 425, 429}
"""Statuses below 500 that say: not now, try again."""


class PlainHttp(AddressRefused):
    """http:// to somewhere that the operator has not named."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one try went.

    Attributes:
        status: None when there was no answer; then `error` says why.
        body: its beginning.
        retry_after_seconds: what the receiver asked for.
        final: trying again would not help.
    """

    duration_ms: int
    status: int | None = None
    body: str | None = None
    error: str | None = None
    retry_after_seconds: float | None = None
    final: bool = False

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def send(
    url: str, headers: Mapping[str, str], body: bytes, allowed: Sequence[Network], seconds: float
) -> Answer:
    """POST; never raises for what the other side does. Redirects are not followed, proxies not used.

    Args:
        allowed: networks that may be reached though they are not public, and without TLS.
        seconds: for everything: connecting, sending, reading the answer.
    """
    started = time.monotonic()

    def took() -> int:
        return round((time.monotonic() - started) * 1000)

    try:
        with _client(seconds) as client, _deadline(seconds) as watched:
            response, text = _post(client, httpx2.URL(url), headers, body, allowed, watched)
    except AddressRefused as error:
        return Answer(took(), error=str(error), final=True)
    except (SpokenError, httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return Answer(took(), error=f"{type(error).__name__}: {error}"[:KEPT_BYTES])
    status = response.status_code
    return Answer(
        took(), status, text, retry_after_seconds=_retry_after(response.headers.get("retry-after")),
        final=status < 500 and status not in AGAIN,
    )  # fmt: skip


def _post(
    client: httpx2.Client,
    url: httpx2.URL,
    headers: Mapping[str, str],
    body: bytes,
    allowed: Sequence[Network],
    watched: "_Watched",
) -> tuple[httpx2.Response, str]:
    """To the first of the name's addresses that lets us connect."""
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = resolve(url.raw_host.decode("ascii"), port, allowed)[:MAX_ADDRESSES]
    if url.scheme != "https" and not all(is_allowed(each, allowed) for each in addresses):
        raise PlainHttp(
            "{url}: without TLS, webhooks go only to networks that "
            "STREETSIGHT_WEBHOOK_PRIVATE_NETWORKS names",
            url=url,
        )
    for address in addresses[:-1]:
        with contextlib.suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
            return _post_to(client, address, url, headers, body, watched)
    return _post_to(client, addresses[-1], url, headers, body, watched)


def _post_to(
    client: httpx2.Client,
    address: Address,
    url: httpx2.URL,
    headers: Mapping[str, str],
    body: bytes,
    watched: "_Watched",
) -> tuple[httpx2.Response, str]:
    own = {
        "Host": url.netloc.decode(),
        "User-Agent": f"streetsight/{version('streetsight')}",
        "Accept-Encoding": "identity",
    }
    # the certificate is checked against the name, though the connection goes to the address
    extensions = {"sni_hostname": url.raw_host.decode("ascii"), "trace": watched.trace}
    there = url.copy_with(host=str(address))
    sent = own | dict(headers)
    with client.stream("POST", there, content=body, headers=sent, extensions=extensions) as response:
        return response, clean(_beginning(response).decode("utf-8", "replace"))


def _client(seconds: float) -> httpx2.Client:
    return httpx2.Client(timeout=seconds, verify=_certificates(), trust_env=False, follow_redirects=False)


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; `SSL_CERT_FILE` adds a city's own authority. Takes long to read, so it is read once."""
    return httpx2.create_ssl_context(trust_env=True)


def _beginning(response: httpx2.Response) -> bytes:
    """The first bytes of the body; the status is what counts, so a body that breaks off is no failure."""
    kept = b""
    with contextlib.suppress(httpx2.HTTPError, OSError):
        for chunk in response.iter_raw():
            kept += chunk
            if len(kept) >= KEPT_BYTES:
                break
    return kept[:KEPT_BYTES]


class _Watched:
    """The connection of a request, to be cut off from another thread."""

    def __init__(self) -> None:
        self._stream: Any = None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Told by httpx of every step; remembers the newest stream, which TLS replaces."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._stream = info["return_value"]

    def cut(self) -> None:
        found = self._stream.get_extra_info("socket") if self._stream else None
        if isinstance(found, socket.socket):
            with contextlib.suppress(OSError):
                found.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _deadline(seconds: float) -> Iterator[_Watched]:
    """Timeouts count from byte to byte: who sends one now and then would hold us for ever."""
    watched = _Watched()
    timer = threading.Timer(seconds, watched.cut)
    timer.daemon = True
    timer.start()
    try:
        yield watched
    finally:
        timer.cancel()


def _retry_after(text: str | None) -> float | None:
    """Seconds or a date (RFC 9110, section 10.2.3); None when it is neither."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else 0.0
    return min(MAX_RETRY_AFTER_SECONDS, max(0.0, seconds)) if math.isfinite(seconds) else None
