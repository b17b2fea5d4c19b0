"""What does the jobs of one kind."""

from collections.abc import Callable
from typing import Protocol

from streetsight.service.jobs.queue import Claim
from streetsight.service.store.sessions import WriteSession

Effect = Callable[[WriteSession], None]
"""What a job changes; runs in the transaction that ends the job, so both happen or neither."""


class Handler(Protocol):
    """Does jobs of one kind.

    Attributes:
        kind: of the jobs.
        calls: how many may be worked on at once.
        alone: of its kind one job is under way at any time, on all machines together.

    Work that may last as long as a lease calls `progress.going_on` on its way.
    """

    kind: str
    calls: int
    alone: bool

    def work(self, claim: Claim) -> Effect:
        """The heavy part, outside of any transaction; called from several threads.

        Raises:
            Unavailable: when something that is needed does not answer; the attempt does not count.
            Exception: anything else is a failed attempt.
        """

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """The job is dead: leave a trace where people look."""
