"""Rounds of retention and of the sweep as jobs: a few seconds of a worker at a time."""

from datetime import timedelta

from sqlalchemy import select

from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim, arm, enqueue
from streetsight.service.jobs.tables import Job
from streetsight.service.retention.rounds import FIRST, Kind, Place, Rounds
from streetsight.service.retention.tables import RetentionRun
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now

KIND = "retention"
"""Jobs that carry a round on; their key is the kind of the round."""
SLICE_SECONDS = 3.0
STARTED_BY = "worker"


class RetentionJob:
    """See `Handler`."""

    kind = KIND
    calls = 1
    alone = False

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def work(self, claim: Claim) -> Effect:
        place = Place(**claim.payload) if claim.payload else self._rounds.start(_kind(claim), STARTED_BY)
        reached = self._rounds.go_on(place, SLICE_SECONDS)
        return lambda session: _carry_on(session, claim.key, reached)

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """The round stays without an end in the log; the next one does its work."""


def begin_when_due(session: WriteSession, settings: Settings) -> None:
    """Have the rounds done whose turn it is; a round under way goes on."""
    since = now() - timedelta(hours=settings.retention_every_hours)
    for kind in FIRST:
        begun = select(RetentionRun.id).where(RetentionRun.kind == kind, RetentionRun.created_at > since)
        under_way = select(Job.id).where(Job.kind == KIND, Job.key == kind, Job.state != "dead")
        if session.scalar(begun.limit(1)) is None and session.scalar(under_way) is None:
            arm(session, KIND, kind, timedelta(0))


def _carry_on(session: WriteSession, kind: str, reached: Place) -> None:
    if reached.stage != "done":
        enqueue(session, KIND, kind, reached.as_json())


def _kind(claim: Claim) -> Kind:
    return "sweep" if claim.key == "sweep" else "retention"
