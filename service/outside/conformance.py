"""Whether a server keeps the contract, and whether a receiver takes its events as it has to."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from streetsight.service.events.envelope import MEDIA_TYPE, TYPE_PREFIX
from streetsight.service.outside.contract import TOLD, VERSION, CandidatePageV1, EventV1, IssuePageV1
from streetsight.service.store.ids import new_id
from streetsight.service.webhooks.signing import signed_headers

NAMED = 5
OLD_SECONDS = 3600
MOST_PAGES = 10_000


class Answered(Protocol):
    """As httpx has it."""

    status_code: int

    def json(self) -> Any: ...


Get = Callable[[str, Mapping[str, str]], Answered]
Post = Callable[[bytes, Mapping[str, str]], int]
"""Sends a body with headers, and gives the status."""


@dataclass(slots=True)
class Check:
    """One thing that was looked at. Attributes: count: how many; problems: the first of them."""

    name: str
    count: int = 0
    problems: list[str] = field(default_factory=list)

    def wrong(self, problem: str) -> None:
        """Remember a problem; of many the first."""
        if len(self.problems) < NAMED:
            self.problems.append(problem)

    def valid(self, shape: type[BaseModel], content: Any, what: str) -> None:
        """Count a thing, and remember how it differs from its shape."""
        self.count += 1
        try:
            shape.model_validate_json(json.dumps(content), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            self.wrong(f"{what}: {'.'.join(map(str, first['loc']))}: {first['msg']}")


def check_server(get: Get) -> list[Check]:
    """Everything that a server tells, from the beginning: schemas, issues, leads, events.

    Args:
        get: asks the server for a path with parameters.
    """
    return [
        _schemas(get), _pulled(get, "issues", IssuePageV1), _pulled(get, "candidates", CandidatePageV1),
        _events(get), _refusals(get),
    ]  # fmt: skip


def check_receiver(post: Post, secret: str) -> list[Check]:
    """What a receiver has to do: take what is signed, also twice; refuse what is not, or is old."""
    body, event_id, moment = _sample(), new_id(), int(time.time())
    good = {"Content-Type": MEDIA_TYPE, **signed_headers(event_id, moment, body, [secret])}
    old = {**good, **signed_headers(event_id, moment - OLD_SECONDS, body, [secret])}
    tries: list[tuple[str, bytes, Mapping[str, str], bool]] = [
        ("a signed event is taken", body, good, True),
        ("the same event again is taken", body, good, True),
        ("a changed event is refused", body.replace(b"filed", b"closed"), good, False),
        ("an old event is refused", body, old, False),
        ("an event without a signature is refused", body, {"Content-Type": MEDIA_TYPE}, False),
    ]
    checks = []
    for name, content, headers, taken in tries:
        check, status = Check(name, 1), post(content, headers)
        if (200 <= status < 300) is not taken:
            check.wrong(f"expected {'2xx' if taken else '4xx'}, got {status}")
        checks.append(check)
    return checks


def _schemas(get: Get) -> Check:
    check, answer = Check("schemas"), get("/v1/outside/schemas", {})
    if answer.status_code != 200:
        check.wrong(f"/v1/outside/schemas answers {answer.status_code}")
        return check
    told = answer.json()
    if told.get("contract") != VERSION:
        check.wrong(f"the contract is {told.get('contract')}; this program knows {VERSION}")
    for path in told.get("schemas", []):
        check.count += 1
        if get(path, {}).status_code != 200:
            check.wrong(f"{path} is not there")
    return check


def _pulled(get: Get, noun: str, shape: type[BaseModel]) -> Check:
    """All pages; what comes in the walk through all rows comes once, and the last cursor leads on."""
    check, seen = Check(noun), set[str]()
    for number, page in enumerate(_pages(get, f"/v1/outside/{noun}", check), 1):
        check.valid(shape, page, f"page {number}")
        ids = [each.get("id") for each in page.get("items", [])]
        if again := seen.intersection(ids):
            check.wrong(f"{len(again)} come twice, {min(again)} for one")
        seen.update(ids)
    check.count = len(seen)
    return check


def _pages(get: Get, path: str, check: Check) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        answer = get(path, cursor)
        if answer.status_code != 200:
            check.wrong(f"{path} answers {answer.status_code}")
            return
        page = answer.json()
        yield page
        cursor = {"cursor": page.get("next", "")}
        if not page.get("more"):
            break
    if get(path, cursor).status_code != 200:
        check.wrong(f"{path}: the last cursor does not lead on")


def _events(get: Get) -> Check:
    check, after = Check("events"), 0
    while True:
        answer = get("/v1/events", {"after": str(after), "limit": "200"})
        if answer.status_code != 200:
            check.wrong(f"/v1/events answers {answer.status_code}")
            return check
        told = answer.json()
        for each in told["items"]:
            if each["number"] <= after:
                check.wrong(f"event {each['number']} comes after {after}")
            after = each["number"]
            if shape := TOLD.get(each["kind"]):
                check.valid(shape, each["data"], f"{each['kind']} {each['number']}")
        if not told["items"]:
            return check


def _refusals(get: Get) -> Check:
    check = Check("refusals", 1)
    status = get("/v1/outside/issues", {"cursor": "nonsense"}).status_code
    if status != 422:
        check.wrong(f"a cursor that is none is answered by {status}; expected 422")
    return check


def _sample() -> bytes:
    """An event as a webhook gets it; its kind is one that receivers must be able to pass over."""
    event = {
        "specversion": "1.0",
        "id": new_id(),
        "source": "urn:streetsight",
        "type": f"{TYPE_PREFIX}issue.sample",
        "subject": "issue/sample",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"state": "filed"},
    }
    EventV1.model_validate(event)
    return json.dumps(event).encode()
