"""The job that assembles a patrol.

Of this kind one job is under way at any time, on all machines together: two patrols along one street would
else not see each other's sightings. So what is worked out from the database stays true until it is written,
but for what people decide meanwhile, which is read again in the transaction that writes.
"""

from collections.abc import Callable
from datetime import tzinfo
from functools import partial

import structlog

from streetsight.inference.coverage.recall import recall_of
from streetsight.inference.patrol.patrols import Masking
from streetsight.inference.rules.context import Context
from streetsight.inference.rules.settings import Rules
from streetsight.models.card import Card
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.assembling.arming import KIND
from streetsight.service.assembling.loading import load_patrol
from streetsight.service.assembling.merging import merge
from streetsight.service.assembling.tracking import track
from streetsight.service.assembling.writing import (
    Assembled,
    forget_sightings,
    write_poses,
    write_rest,
    write_sightings,
)
from streetsight.service.candidates.reports import RADIUS_M
from streetsight.service.candidates.updating import tell, update_candidates
from streetsight.service.coverage.laying import tiles_of
from streetsight.service.coverage.rechecking import Rechecked, recheck_around, write_rechecks
from streetsight.service.files.blobs import Blobs
from streetsight.service.issues.proposals import propose_by_leads, propose_by_passes
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Claim
from streetsight.service.profiles.service import all_profiles
from streetsight.service.steps import passed
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.zones.service import zones_in_force

log = structlog.get_logger(__name__)


class AssembleJob:
    """See `Handler`."""

    kind = KIND
    calls = 1
    alone = True

    def __init__(
        self, database: Database, blobs: Blobs, rules: Rules, card: Callable[[], Card], zone: tzinfo,
        reports_within_m: float = RADIUS_M,
    ) -> None:  # fmt: skip
        """Of the city.

        Args:
            card: of the release in force; its recall tells how much an empty look proves.
            zone: whose midnight parts the days on which ground was seen.
            reports_within_m: what was reported so near to a new lead is about the same thing.
        """
        self._database, self._blobs, self._rules, self._card = database, blobs, rules, card
        self._zone, self._reports_within_m = zone, reports_within_m

    def work(self, claim: Claim) -> Effect:
        with self._database.read() as session:
            material = load_patrol(session, claim.key)
            context = self._context(session)
        if material is None:
            return nothing
        masking = Masking(context.zones, context.rules.certainty.mask)
        tracked = track(material, masking, self._blobs)
        tiles = tiles_of(tracked, material.patrol_id, self._zone)
        with self._database.read() as session:
            merged = merge(session, material, tracked.sightings, context)
            rechecked = recheck_around(session, material, tracked, merged, context, recall_of(self._card()))
        passed("assembled")
        log.info(
            "patrol_assembled", patrol=claim.key, frames=len(material.shots),
            sightings=len(merged.sightings), places=len(merged.verdicts),
        )  # fmt: skip
        return partial(
            publish_assembly, assembled=Assembled(material, tracked, merged, tiles), context=context,
            rechecked=rechecked, reports_within_m=self._reports_within_m,
        )  # fmt: skip

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        """Its frames and detections stay; `streetsight jobs retry` assembles it again."""

    def _context(self, session: ReadSession) -> Context:
        return Context(
            zones_in_force(session, self._rules.zone_kinds), self._rules, default_taxonomy(),
            all_profiles(session),
        )  # fmt: skip


def publish_assembly(
    session: WriteSession, assembled: Assembled, context: Context, rechecked: Rechecked,
    reports_within_m: float,
) -> None:  # fmt: skip
    """Write an assembly; the same one again changes nothing."""
    write_sightings(session, assembled)
    update = update_candidates(session, assembled.merged, context, reports_within_m)
    forget_sightings(session, assembled.merged.dropped)
    write_rechecks(session, assembled.material, rechecked, update)
    write_poses(session, assembled)
    write_rest(session, assembled)
    tell(update)
    propose_by_passes(session, update.claims.candidates)
    propose_by_leads(session, update.created)
    passed("settling")


def nothing(session: WriteSession) -> None:
    """The patrol is no more."""
