"""Guessing passwords is made slow: each login and each network may fail only so often in a row.

Kept in the database, so that all processes count together. A try is counted before the password is looked at:
a hundred at the same moment are a hundred tries. What is counted is what was typed, whether such a login is
there or not, so that being locked out tells nothing of who is there.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import case, delete, update

from streetsight.service.faults import OverQuota
from streetsight.service.people.tables import SignInFailures
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

# A network is often a whole office: it forgets sooner.
FORGET = {"login": timedelta(days=1), "address": timedelta(minutes=15)}


class LockedOut(OverQuota):
    """Too many sign-ins failed."""

    code = "locked_out"


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody's try to sign in.

    Attributes:
        login: as `normal_login` writes it.
        address: IP address that it comes from.
    """

    login: str
    address: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How many tries are free, and how long to wait after that.

    Attributes:
        first, longest: wait after the last free failure, doubled by each further one, and its bound.
    """

    login: int
    address: int
    first: timedelta
    longest: timedelta

    def wait(self, kind: str, failures: int) -> timedelta | None:
        """How long to wait after so many failures in a row; None for no wait."""
        over = failures - (self.login if kind == "login" else self.address)
        if over < 0:
            return None
        return min(self.first * (1 << min(over, 30)), self.longest)


def count_try(session: WriteSession, tried: Try, patience: Patience) -> bool:
    """Count a try as failed until it is known better; gives whether the login is locked if it does fail.

    Raises:
        LockedOut: when it has to wait; then it is not counted.
    """
    _forget(session)
    locks = [_count(session, kind, digest, patience) for kind, digest in _keys(tried)]
    return locks[0]


def clear(session: WriteSession, tried: Try) -> None:
    """It was the right password: the login starts anew, and the try does not stand against the network."""
    (_, login), (_, address) = _keys(tried)
    session.execute(
        delete(SignInFailures).where(SignInFailures.kind == "login", SignInFailures.digest == login)
    )
    counted = update(SignInFailures).where(
        SignInFailures.kind == "address", SignInFailures.digest == address, SignInFailures.failures > 0
    )
    session.execute(counted.values(failures=SignInFailures.failures - 1, blocked_until=None))


def _count(session: WriteSession, kind: str, digest: str, patience: Patience) -> bool:
    moment = now()
    stale = SignInFailures.failed_at < moment - FORGET[kind]
    insert = upsert(session, SignInFailures).values(kind=kind, digest=digest, failures=1, failed_at=moment)
    counted = insert.on_conflict_do_update(
        index_elements=["kind", "digest"],
        set_={
            "failures": case((stale, 1), else_=SignInFailures.failures + 1),
            "failed_at": moment,
        },
    ).returning(SignInFailures.failures, SignInFailures.blocked_until)
    failures, blocked_until = session.execute(counted).one()
    if blocked_until is not None and blocked_until > moment:
        _refuse(blocked_until - moment)  # the savepoint takes the count back
    if (wait := patience.wait(kind, failures)) is None:
        return False
    row = update(SignInFailures).where(SignInFailures.kind == kind, SignInFailures.digest == digest)
    session.execute(row.values(blocked_until=moment + wait))
    return True


def _refuse(wait: timedelta) -> None:
    seconds = max(1, round(wait.total_seconds()))
    raise LockedOut(
        "too many sign-ins failed; try again in {seconds} seconds",
        retry_after_seconds=seconds, seconds=seconds,
    )  # fmt: skip


def _forget(session: WriteSession) -> None:
    old = now() - max(FORGET.values())
    session.execute(delete(SignInFailures).where(SignInFailures.failed_at < old))


def _keys(tried: Try) -> tuple[tuple[str, str], tuple[str, str]]:
    """Always in this order, in which their rows are locked."""
    return ("login", _digest(tried.login)), ("address", _digest(_network(tried.address)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _network(address: str) -> str:
    """What one attacker has: an address, or with IPv6 a network of 2^64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
