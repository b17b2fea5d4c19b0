"""Speaking with the server: one place that knows what an answer means, and whom it came from.

Nothing counts as an answer of the server that is not JSON in its own shape: networks with a sign-in page,
proxies and other programs answer too.
"""

import contextlib
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from streetsight.models.language import SpokenError
from streetsight.service.agent.faults import LinkError, Unauthorised, WrongServer
from streetsight.service.agent.identity import Identity
from streetsight.service.agent.pacing import Bucket
from streetsight.service.agent.trust import tls_context

CONNECT_S = 15.0
LATER = (408, 425, 429, 500, 502, 503, 504, 507)
LONGEST_ASKED_S = 3600.0
# What OpenSSL says of a port that answers in plain text.
NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said.

    Attributes:
        body: JSON object; empty when there was none.
        code: of a problem (RFC 9457), "" otherwise.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        return "" if self.ok else str(self.body.get("code", ""))

    @property
    def reason(self) -> str:
        """In words, of a problem."""
        return str(self.body.get("detail") or self.code or self.status)

    def text(self, name: str) -> str:
        """A text that has to be there. Raises WrongServer."""
        value = self.body.get(name)
        if not isinstance(value, str):
            raise WrongServer(
                "the server's answer ({status}) has no {name}: another program answers, or another version",
                wait_s=30, status=self.status, name=name,
            )  # fmt: skip
        return value


class Link:
    """A connection to one server. Safe to use from several threads."""

    def __init__(self, identity: Identity, bucket: Bucket, timeout_s: Callable[[], float]) -> None:
        """Raises LinkError for an address that is none."""
        self.server, self._bucket, self._timeout_s = identity.server, bucket, timeout_s
        verify = tls_context(identity.certificate, identity.pinned)
        headers = {"Authorization": f"Bearer {identity.token}"} if identity.token else {}
        self._client = httpx2.Client(verify=verify, headers=headers, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
    ) -> Answer:
        """Send a request and give the server's answer, whichever it is.

        Raises:
            WrongServer: it is not our server that answers.
            Unauthorised: it does not take our token.
            LinkError: no answer, or one that says to come again.
        """
        sent = dict(headers or {})
        if json_body is not None:
            content, sent["Content-Type"] = json.dumps(json_body).encode(), "application/json"
        answer = self._read(self._send(method, path, content, sent))
        if answer.status == 401:
            raise Unauthorised(
                "the server {server} does not take this vehicle's token ({reason}); have an admin make a "
                "code, run `streetsight agent enrol` again, and restart the agent. Nothing is lost meanwhile",
                wait_s=300, server=self.server, reason=answer.reason,
            )  # fmt: skip
        if answer.status in LATER:
            raise LinkError(
                "the server {server} cannot take it now ({status}: {reason}); it may later. Nothing is lost",
                wait_s=_asked_s(answer.headers), server=self.server, status=answer.status,
                reason=answer.reason,
            )  # fmt: skip
        return answer

    def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx2.Response:
        if content:
            headers["Content-Length"] = str(len(content))
        with reached(self.server):
            return self._client.request(
                method, f"{self.server}{path}", headers=headers,
                content=self._bucket.through(content) if content else None,
                timeout=httpx2.Timeout(self._timeout_s(), connect=CONNECT_S),
            )  # fmt: skip

    def _read(self, response: httpx2.Response) -> Answer:
        """Raises WrongServer for what our server does not say, LinkError for what a proxy before it does."""
        if response.is_redirect:  # with a page or without: proxies write one, and say the same
            raise _elsewhere(self.server, response.status_code, response.headers.get("Location", ""))
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if not response.content:
            return Answer(response.status_code, response.headers, {})
        body: Any = None
        if kind in ("application/json", "application/problem+json"):
            with contextlib.suppress(ValueError):
                body = response.json()
        if isinstance(body, dict):
            return Answer(response.status_code, response.headers, body)
        if response.status_code in (*LATER, 413):  # a proxy before the server speaks in its place
            return Answer(response.status_code, response.headers, {"detail": f"{kind}, from a proxy"})
        raise _stranger(self.server, f"{response.status_code} {kind or 'without a type'}")


def _stranger(server: str, answered: str) -> WrongServer:
    return WrongServer(
        "what answers at {server} is not the server ({answered}): a network that wants somebody to sign in "
        "first, or another program. Look at the network and the address; nothing is lost",
        wait_s=5, server=server, answered=answered,
    )  # fmt: skip


def _elsewhere(server: str, status: int, location: str) -> WrongServer:
    """To the same host: it has moved. To another: as networks do that want a sign-in."""
    ours, theirs = urlsplit(server), urlsplit(urljoin(server, location))
    if theirs.hostname != ours.hostname or (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
        return _stranger(server, f"{status} to {location}")
    return WrongServer(
        "{server} answers only that it is at {location} ({status}); enrol again with that address, or give "
        "it as --server. Nothing is lost",
        wait_s=30, server=server, location=f"{theirs.scheme}://{theirs.netloc}", status=status,
    )  # fmt: skip


@contextlib.contextmanager
def reached(server: str) -> Iterator[None]:
    """Failures of the connection, in words for people.

    Raises:
        WrongServer: another certificate than the trusted one.
        LinkError: everything else.
    """
    try:
        yield
    except httpx2.ConnectError as error:
        if (refused := _certificate_fault(error)) is not None:
            raise WrongServer(
                "{server} shows another certificate than the vehicle trusts ({reason}): it was renewed, or "
                "somebody stands in between. If it was renewed, enrol again with the new one; nothing was "
                "sent and nothing is lost",
                wait_s=30, server=server, reason=refused,
            ) from error  # fmt: skip
        raise _down(server, error) from error
    except (httpx2.TransportError, OSError) as error:
        raise _down(server, error) from error
    except httpx2.InvalidURL as error:
        raise LinkError(
            "{server} is no address of a server ({reason})", server=server, reason=error
        ) from error


def _down(server: str, error: Exception) -> LinkError:
    if any(each in str(error) for each in NO_TLS):
        return LinkError(
            "{server} answers, and does not speak TLS ({reason}): look at the port, or its address begins "
            "with http://",
            server=server, reason=error,
        )  # fmt: skip
    return LinkError(
        "the server {server} cannot be reached ({reason}); look at the address and the network. Nothing is "
        "lost",
        server=server, reason=_why(error),
    )  # fmt: skip


def _why(error: BaseException) -> SpokenError | str:
    """The usual reasons in our words, as they can be translated; the others in the system's."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ConnectionRefusedError():
                return SpokenError("nothing listens there")
            case socket.gaierror():
                return SpokenError("its name is not found")
            case TimeoutError() | httpx2.TimeoutException():
                return SpokenError("no answer in time")
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _certificate_fault(error: BaseException | None) -> str | None:
    """What OpenSSL has against the certificate, if that was it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return str(error).partition("CERTIFICATE_VERIFY_FAILED] ")[2] or "verification failed"
        error = error.__cause__ or error.__context__
    return None


def _asked_s(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds (RFC 9110, 10.2.3); 0 when absent or nonsense."""
    text = headers.get("Retry-After", "")
    with contextlib.suppress(ValueError):
        return min(max(float(text), 0.0), LONGEST_ASKED_S)
    with contextlib.suppress(ValueError, TypeError):
        wait = parsedate_to_datetime(text) - datetime.now(UTC)
        return min(max(wait.total_seconds(), 0.0), LONGEST_ASKED_S)
    return 0.0
