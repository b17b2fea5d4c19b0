"""Events get their number as the last thing before their transaction is committed.

Ids are given when an event is written, transactions end in another order, and a reader who has seen the later
one would never look for the earlier. So numbers are given under a lock that is held from here to the commit:
whoever has seen number n has seen all below it. Nothing else is locked after it, so it cannot deadlock.
"""

from sqlalchemy import event, func, select, text, update
from sqlalchemy.orm import Session

from streetsight.service.events.tables import Event
from streetsight.service.store.sessions import WriteSession

_LOCK = 0x57E7E5E5  # any number that nobody else uses for an advisory lock of PostgreSQL
PUBLISHED = "events_published"


@event.listens_for(WriteSession, "before_commit")
def give_numbers(session: Session) -> None:
    """Number what this transaction published, in the order of ids."""
    if session.in_nested_transaction() or not session.info.pop(PUBLISHED, False):
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":  # SQLite: BEGIN IMMEDIATE has done it
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    last = session.scalar(select(func.max(Event.number))) or 0
    # others' are either numbered or not to be seen yet, so these are all ours
    fresh = session.scalars(select(Event.id).where(Event.number.is_(None)).order_by(Event.id)).all()
    for number, event_id in enumerate(fresh, last + 1):
        session.execute(
            update(Event)
            .where(Event.id == event_id)
            .values(number=number)
            .execution_options(synchronize_session=False)
        )
