"""Requests that a foreign page made the browser send: told by what such a page cannot know or set."""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from streetsight.service.faults import Forbidden

HEADER = "X-CSRF-Token"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class CrossSite(Forbidden):
    """A request with the cookie of a session, and no sign that our own page sent it."""

    code = "csrf"


def csrf_token(session_token: str) -> str:
    """What our own pages send beside the cookie. Made from its value: nothing to keep, nothing to steal."""
    return hashlib.sha256(f"csrf {session_token}".encode()).hexdigest()


def check_csrf(method: str, headers: Mapping[str, str], session_token: str, hosts: set[str]) -> None:
    """Refuse an unsafe request that may come from a foreign page.

    Args:
        hosts: `host:port` of ourselves, as browsers may know it.

    Raises:
        CrossSite: saying what is missing or wrong.
    """
    if method in SAFE_METHODS:
        return
    check_site(headers, hosts)
    sent = headers.get(HEADER, "")
    if not hmac.compare_digest(sent.encode(), csrf_token(session_token).encode()):
        raise CrossSite(
            "the header X-CSRF-Token is missing or of another session; GET /v1/session gives the one to send"
        )


def check_site(headers: Mapping[str, str], hosts: set[str]) -> None:
    """Refuse what a browser says that a foreign page sent. Raises CrossSite."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site not in (None, "same-origin", "none") or (
        origin is not None and urlsplit(origin).netloc not in hosts
    ):
        raise CrossSite("this was sent by a page of another site; open the page of this server and try again")
