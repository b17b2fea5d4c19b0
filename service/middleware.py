"""What happens around every request: an id, a line in the log, a duration, a limit of its body."""

import re
import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from uuid import uuid4

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streetsight.service.metrics import REQUESTS

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET = ("/healthz", "/readyz", "/metrics")

log = structlog.get_logger(__name__)


class RequestLog:
    """Gives each request an id (its own `X-Request-ID` if sensible), and logs how it ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        status, started = 500, time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_headers(request_id)]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "none")
            REQUESTS.labels(scope["method"], route, str(status)).observe(seconds)
            if scope["path"] not in QUIET:
                log.info(
                    "request", method=scope["method"], path=scope["path"], status=status,
                    ms=round(seconds * 1000, 1),
                )  # fmt: skip


def _headers(request_id: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]


class BodyLimit:
    """Refuses bodies that are larger than their route takes, by what they say and by what they send."""

    def __init__(self, app: ASGIApp, default: int, routes: Mapping[str, int]) -> None:
        """`routes`: limits in bytes by path, where `*` stands for an id; `default` for all others."""
        self._app, self._default, self._routes = app, default, routes
        self._patterns = [path for path in routes if "*" in path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = self._limit_of(scope["path"])
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        received = 0

        async def limited() -> Message:
            nonlocal received
            if not announced.isdigit() or int(announced) > limit:
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, limited, send)

    def _limit_of(self, path: str) -> int:
        known = next((each for each in self._patterns if fnmatchcase(path, each)), path)
        return self._routes.get(known, self._default)


def _too_large(limit: int) -> HTTPException:
    # An HTTPException, because that is what the parsers of bodies let through.
    return HTTPException(413, f"the body is larger than the {limit} bytes that are taken here")
