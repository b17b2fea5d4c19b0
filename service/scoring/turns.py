"""Who waits for whom: nothing is brought in between the last look at it and the closing of its period."""

from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.turns import take_turn

DAYS = "inspection days"


def bring_something(session: WriteSession, key: str) -> None:
    """Beside others who bring something in for a scheme; after who closes a period of it now."""
    take_turn(session, _turn(key), shared=True)


def say_days(session: WriteSession) -> None:
    """One at a time say the days of announced inspections, which are those of all schemes."""
    take_turn(session, DAYS)


def settle(session: WriteSession, key: str) -> None:
    """Close or reopen a period of a scheme, or adopt it: alone, after all who bring something in now."""
    take_turn(session, _turn(key))
    take_turn(session, DAYS, shared=True)


def _turn(key: str) -> str:
    return f"scores {key}"
