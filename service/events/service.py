"""Publish events, and read them in their order."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python
from sqlalchemy import insert

from streetsight.service.events.kinds import KINDS
from streetsight.service.events.numbering import PUBLISHED
from streetsight.service.events.tables import Event
from streetsight.service.store.ids import new_id
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.webhooks.outbox import enqueue


def publish(
    session: WriteSession, kind: str, subject: str, data: Mapping[str, Any], area_path: str | None
) -> str:
    """Say that something happened, in the transaction that makes it so; gives the event's id.

    Args:
        kind: one of `kinds.KINDS`.
        subject: what it is about, `noun/id`.
        data: what a receiver needs to know, as JSON has it; it leaves the system, so it names no person.
        area_path: where it happened; None when nowhere in particular.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of event; expected one of {', '.join(KINDS)}")
    event: dict[str, Any] = {
        "id": new_id(), "created_at": now(), "kind": kind, "subject": subject,
        "data": to_jsonable_python(dict(data)), "area_path": area_path,
    }  # fmt: skip
    session.connection().execute(insert(Event), event)
    enqueue(session, event["id"], kind, area_path, event["created_at"])
    session.info[PUBLISHED] = True
    return str(event["id"])
