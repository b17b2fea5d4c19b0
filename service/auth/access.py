"""Who is asking, and whether it may: `def route(actor: Reviewer)`. No route is without one of these.

People come with the cookie of a session, or with a personal token `ssp_...`; devices with theirs, `ssd_...`.
"""

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from streetsight.service.auth import tokens
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.csrf import check_csrf
from streetsight.service.auth.permissions import GRANTS, Permission
from streetsight.service.dependencies import Server
from streetsight.service.devices.access import known_device
from streetsight.service.devices.service import Scope
from streetsight.service.faults import Forbidden, Unauthenticated
from streetsight.service.people.recognising import Recognised, by_session, by_token, mark_used
from streetsight.service.people.tables import PersonSession
from streetsight.service.resources import Resources
from streetsight.service.settings import Settings
from streetsight.service.store.writer import WriterBusy

COOKIE = "streetsight_session"

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Security(HTTPBearer(scheme_name="token", description="Of a person or a device", auto_error=False)),
]
Cookie = Annotated[
    str | None,
    Security(APIKeyCookie(name=COOKIE, scheme_name="session", description="Signed in", auto_error=False)),
]


class NotSignedIn(Unauthenticated):
    """Nobody is said to be asking."""

    code = "unauthenticated"


class NotAllowed(Forbidden):
    """The role of who asks does not have the permission."""

    code = "not_allowed"


@dataclass(frozen=True, slots=True)
class allowed:
    """Dependency: who asks, if its role has one of these permissions, or it is a device with this scope.

        Inspector = Annotated[Actor, Security(allowed(Permission.DECIDE))]

    Raises:
        Unauthenticated, Forbidden: when it may not.
    """

    who: tuple[Permission, ...]
    device: Scope | None

    def __init__(self, *who: Permission, device: Scope | None = None) -> None:
        object.__setattr__(self, "who", who)
        object.__setattr__(self, "device", device)

    def __call__(self, request: Request, server: Server, bearer: Bearer, cookie: Cookie) -> Actor:
        if bearer is not None and bearer.credentials.startswith(tokens.DEVICE):
            return self._device(server, bearer.credentials)
        actor = recognised(request, server, bearer, cookie).actor
        if not self.includes(actor.role):
            raise NotAllowed(
                "the role {role} may not do this; it takes {needed}",
                role=actor.role, needed=" / ".join(self.who),
            )  # fmt: skip
        return actor

    def includes(self, role: Role) -> bool:
        """Whether people of this role may."""
        return not GRANTS[role].isdisjoint(self.who)

    def _device(self, server: Resources, token: str) -> Actor:
        device = known_device(server, token, [self.device] if self.device else [])
        if self.device is None:
            raise NotAllowed(
                "the role {role} may not do this; it takes {needed}",
                role=Role.DEVICE, needed=" / ".join(self.who),
            )  # fmt: skip
        return device.actor


def recognised(request: Request, server: Server, bearer: Bearer, cookie: Cookie) -> Recognised:
    """Dependency: the person who asks, whatever they may.

    Raises:
        Unauthenticated: when nobody known is asking.
        CrossSite: when a foreign page may have sent it.
    """
    if bearer is not None:
        with server.database.read() as session:
            who = by_token(session, bearer.credentials)
    elif cookie is not None:
        with server.database.read() as session:
            who = by_session(session, cookie, idle_time(server.settings))
        check_csrf(request.method, request.headers, cookie, own_hosts(request, server.settings))
    else:
        raise NotSignedIn("nobody is signed in; sign in, or send `Authorization: Bearer TOKEN`")
    structlog.contextvars.bind_contextvars(person=who.actor.id)
    if who.is_news():
        with contextlib.suppress(WriterBusy):  # the next request will do
            server.writer.submit(partial(mark_used, who=who))
    return who


def signed_in(who: Annotated[Recognised, Security(recognised)]) -> Recognised:
    """Dependency: a person at a browser. What a stolen token must not do asks for this. Raises NotAllowed."""
    if who.kind is not PersonSession:
        raise NotAllowed("this takes a session: sign in with a password; a token does not do")
    return who


def idle_time(settings: Settings) -> timedelta:
    """How long a session may rest."""
    return timedelta(minutes=settings.session_idle_minutes)


def own_hosts(request: Request, settings: Settings) -> set[str]:
    """`host:port` that browsers may know us by."""
    public = {urlsplit(settings.public_url).netloc} if settings.public_url else set()
    return {request.headers.get("Host", ""), *public}


AnyPerson = Annotated[Actor, Security(allowed(Permission.OWN_ACCOUNT))]
Viewer = Annotated[Actor, Security(allowed(Permission.READ))]
Observer = Annotated[Actor, Security(allowed(Permission.READ, device="read"))]  # or a device, for its own
Follower = Annotated[Actor, Security(allowed(Permission.FOLLOW))]
Asker = Annotated[Actor, Security(allowed(Permission.ENTER, device="detect"))]  # or a device
PhotoTaker = Annotated[
    Actor, Security(allowed(Permission.ENTER, Permission.ANSWER_TASKS, Permission.MANAGE_ISSUES))
]
Reviewer = Annotated[Actor, Security(allowed(Permission.DECIDE))]
Analyst = Annotated[Actor, Security(allowed(Permission.ANALYSE))]
Admin = Annotated[Actor, Security(allowed(Permission.ADMINISTER))]
SignedIn = Annotated[Recognised, Security(signed_in)]
