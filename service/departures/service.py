"""Write down what leaves, at the door; read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, and_, select, true, update

from streetsight.service.auth.actor import Actor
from streetsight.service.departures.tables import Departure
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

Channel = Literal["export", "national", "labels", "original", "bulletin", "pull", "open311", "webhook"]
"""export: rows as a file; national: in the fields of GB/T 47678.5; labels: with or without their photos;
original: one photo as it came; bulletin: a period's documents; pull: /v1/outside; open311: its lists."""

NOBODY = ("system", "open311", "anybody")
"""Who asks without saying who they are."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is about to go. See `Departure`."""

    channel: Channel
    what: str
    items: int
    wanted: str | None = None
    address: str | None = None


def note(session: WriteSession, actor: Actor | None, leaving: Leaving) -> None:
    """Write down what somebody takes along. `actor`: None for who does not say who they are."""
    kind, id_, name = (actor.kind, actor.id, actor.name) if actor else NOBODY
    session.add(
        Departure(
            channel=leaving.channel, actor_kind=kind, actor_id=id_[:100], actor_name=name[:100],
            what=leaving.what[:200], wanted=(leaving.wanted or "")[:1000] or None,
            address=(leaving.address or "")[:300] or None, items=leaving.items,
        )
    )  # fmt: skip
    session.flush()


def count_on(session: WriteSession, actor: Actor | None, leaving: Leaving) -> None:
    """As `note`, for what a machine takes all day: one row an hour. Two at the same moment may make two."""
    moment = now()
    id_ = actor.id if actor else NOBODY[1]
    this_hour = moment.replace(minute=0, second=0, microsecond=0)
    latest = (
        select(Departure.id)
        .where(
            Departure.channel == leaving.channel, Departure.actor_id == id_[:100],
            Departure.what == leaving.what[:200], Departure.created_at >= this_hour,
            Departure.address == leaving.address if leaving.address else Departure.address.is_(None),
        )
        .order_by(Departure.id.desc())
        .limit(1)
    )  # fmt: skip
    if (found := session.scalar(latest)) is None:
        return note(session, actor, leaving)
    more = update(Departure).where(Departure.id == found)
    session.execute(
        more.values(times=Departure.times + 1, items=Departure.items + leaving.items, last_at=moment)
    )
    return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which departures; None takes all. since, before: aware moments of their beginning."""

    channel: Channel | None = None
    actor: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def conditions(self) -> ColumnElement[bool]:
        found: list[ColumnElement[bool]] = [true()]
        if self.channel is not None:
            found.append(Departure.channel == self.channel)
        if self.actor is not None:
            found.append(Departure.actor_id == self.actor)
        if self.since is not None:
            found.append(Departure.last_at >= self.since)
        if self.before is not None:
            found.append(Departure.created_at < self.before)
        return and_(*found)


def list_departures(session: ReadSession, wanted: Wanted, limit: int, cursor: str | None) -> Page[Departure]:
    """Departures, newest first."""
    return page(session, select(Departure).where(wanted.conditions()), Departure, limit, cursor)


def departures(session: ReadSession, wanted: Wanted) -> Iterator[Departure]:
    """All of them, oldest first; few of them in memory."""
    found = select(Departure).where(wanted.conditions()).order_by(Departure.id)
    yield from session.scalars(found, execution_options={"yield_per": 500})
