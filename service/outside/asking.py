"""Conformance checks over the network."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2

from streetsight.service.faults import Invalid, Unavailable
from streetsight.service.outside.conformance import Check, check_receiver, check_server
from streetsight.service.webhooks.signing import PREFIX

TIMEOUT_SECONDS = 30.0


class NoCredentials(Invalid):
    """A token or a secret is missing."""

    code = "no_credentials"


def ask_server(url: str, token: str) -> list[Check]:
    """Check a server. Raises NoCredentials, Unavailable."""
    if not token:
        raise NoCredentials(
            "give a token of a person who may follow events: --token ssp_... or CONFORMANCE_TOKEN"
        )
    headers = {"Authorization": f"Bearer {token}"}
    with _client(url) as client:
        return check_server(
            lambda path, asked: client.get(f"{url.rstrip('/')}{path}", params=asked, headers=headers)
        )


def ask_receiver(url: str, secret: str) -> list[Check]:
    """Check a receiver of webhooks. Raises NoCredentials, Unavailable."""
    if not secret.startswith(PREFIX):
        raise NoCredentials("give the receiver's secret: --secret whsec_... or CONFORMANCE_SECRET")

    def post(body: bytes, headers: Mapping[str, str]) -> int:
        status: int = client.post(url, content=body, headers=headers).status_code
        return status

    with _client(url) as client:
        return check_receiver(post, secret)


@contextmanager
def _client(url: str) -> Iterator[httpx2.Client]:
    try:
        with httpx2.Client(timeout=TIMEOUT_SECONDS) as client:
            yield client
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable("{url} does not answer: {reason}", url=url, reason=str(error)[:300]) from error
