"""The courier: brings events to their destinations, one at a time to each, to all of them at once.

*At least once.* What was sent is written down after the answer; a courier that is killed in between leaves
the delivery to the next one, which sends it again under the same webhook-id.

*In the order of events, as long as the destination answers.* A delivery that failed is tried again later and
does not hold up the others: one event that a receiver chokes on must not cost it all that follow. `sequence`
in the envelope tells a receiver that needs the order.

*A destination that fails rests*, longer each time, so that neither it nor we are flooded; each has a thread
of its own while it is sent to, so a slow one delays nobody.
"""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from pydantic_core import to_json
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError
from streetsight.service.auth.actor import SYSTEM
from streetsight.service.departures.service import Leaving, count_on
from streetsight.service.events.envelope import envelope
from streetsight.service.events.service import publish
from streetsight.service.jobs.leases import LeaseWatch
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database, spoken
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.webhooks import outbox
from streetsight.service.webhooks.sending import Answer, send
from streetsight.service.webhooks.service import delivery_headers, source_of
from streetsight.service.webhooks.tables import Attempt, Delivery, Webhook

MAX_AT_ONCE = 64
"""Destinations that are sent to at the same moment; each waits for its own answers only."""
REST_FIRST_SECONDS, REST_MAX_SECONDS = 5.0, 300.0
TROUBLE_SECONDS = 5.0
SWEEP_SECONDS = 600.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Parcel:
    """A delivery, ready to be sent."""

    delivery: Delivery
    url: str
    headers: dict[str, str]
    body: bytes


class Courier:
    """Sends what is due until it is told to stop. Any number may compete."""

    def __init__(self, database: Database, settings: Settings, sealer: Sealer) -> None:
        self._database, self._settings, self._sealer = database, settings, sealer
        # a turn may last half a lease, and its last delivery a while longer
        self._watch = LeaseWatch(settings.lease_seconds + 4 * settings.webhook_timeout_seconds)
        self._stop = threading.Event()
        self._busy: set[str] = set()
        self._next_sweep = 0.0

    def stop(self) -> None:
        """End after what is being sent. Safe in a signal handler."""
        self._stop.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send on a thread of its own while the block lasts."""
        thread = threading.Thread(target=self.run, name="courier")
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join()

    def run(self) -> None:
        """Send until `stop`. A database that is gone is waited for."""
        with ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="courier") as pool:
            while not self._stop.is_set():
                try:
                    self._keep_house()
                    for webhook_id in self._due():
                        self._busy.add(webhook_id)
                        pool.submit(self._serve, webhook_id)
                except (SpokenError, SQLAlchemyError) as error:
                    log.warning("courier_waits", reason=str(spoken(error)))
                    self._stop.wait(TROUBLE_SECONDS)
                self._stop.wait(self._settings.poll_seconds)

    def turn(self) -> int:
        """Send what is due now, one destination after the other; gives how many destinations it served."""
        self._keep_house()
        due = self._due()
        for webhook_id in due:
            self._serve(webhook_id)
        return len(due)

    def _due(self) -> list[str]:
        with self._database.read() as session:
            return [each for each in outbox.due_webhooks(session) if each not in self._busy]

    def _serve(self, webhook_id: str) -> None:
        """Send to one destination what is due for it, until something fails."""
        try:
            with self._database.write() as session:
                lease = outbox.lease(session, webhook_id)
            if lease is None:
                return
            until = time.monotonic() + self._settings.lease_seconds / 2
            while time.monotonic() < until and not self._stop.is_set():
                if not self._deliver_one(webhook_id, lease):
                    break
            with self._database.write() as session:
                outbox.release(session, webhook_id, lease)
        except Exception as error:  # noqa: BLE001  the lease brings the destination back
            log.warning("courier_failed", webhook=webhook_id, reason=str(error))
            self._stop.wait(TROUBLE_SECONDS)
        finally:
            self._busy.discard(webhook_id)

    def _deliver_one(self, webhook_id: str, lease: str) -> bool:
        """Send one delivery; gives whether to go on with this destination."""
        parcel = self._next(webhook_id)
        if parcel is None:
            return False
        answer = send(
            parcel.url,
            parcel.headers,
            parcel.body,
            self._settings.private_networks,
            self._settings.webhook_timeout_seconds,
        )
        with self._database.write() as session:
            return self._record(session, parcel.delivery, lease, answer)

    def _next(self, webhook_id: str) -> _Parcel | None:
        with self._database.read() as session:
            webhook, delivery = (
                session.get_one(Webhook, webhook_id),
                outbox.next_delivery(session, webhook_id),
            )
        if delivery is None or not _is_open(webhook):
            return None
        body = to_json(envelope(delivery.event, source_of(self._settings)))
        headers = delivery_headers(webhook, self._sealer, delivery.event_id, body)
        return _Parcel(delivery, webhook.url, headers, body)

    def _record(self, session: WriteSession, sent: Delivery, lease: str, answer: Answer) -> bool:
        """Write down how it went; gives whether to go on. Nothing is written when the lease was lost."""
        # not the key: whoever publishes meanwhile refers to it, and neither shall wait for the other
        webhook = session.get_one(Webhook, sent.webhook_id, with_for_update={"key_share": True})
        delivery = session.get_one(Delivery, sent.id)
        if webhook.lease != lease:
            log.warning("courier_late", webhook=webhook.id, delivery=delivery.id)
            return False
        delivery.attempts += 1
        session.add(
            Attempt(
                delivery_id=delivery.id, number=delivery.attempts, status=answer.status,
                duration_ms=answer.duration_ms, answer=answer.body, error=answer.error,
            )
        )  # fmt: skip
        if answer.delivered:
            delivery.state = "delivered"
            what, host = f"{webhook.name}: {sent.event.kind}", urlsplit(webhook.url).hostname
            leaving = Leaving("webhook", what, 1, address=host)
            count_on(session, SYSTEM, leaving)
            webhook.failures, webhook.failing_since, webhook.rest_until = 0, None, None
            return _is_open(webhook)
        self._put_off(delivery, answer)
        self._rest(session, webhook, answer)
        log.warning(
            "webhook_failed", webhook=webhook.name, event_id=delivery.event_id, attempt=delivery.attempts,
            status=answer.status, reason=answer.error, state=delivery.state,
        )  # fmt: skip
        return answer.final and _is_open(webhook)

    def _put_off(self, delivery: Delivery, answer: Answer) -> None:
        """When to try again; never, when that would not help or it has been long enough."""
        moment = now()
        given_up = delivery.queued_at + timedelta(hours=self._settings.webhook_give_up_hours)
        waits = self._settings.webhook_retry_minutes
        longest = timedelta(minutes=waits[min(delivery.attempts, len(waits)) - 1])
        asked = timedelta(seconds=answer.retry_after_seconds or 0)
        delivery.run_after = moment + max(asked, longest * random.random())  # full jitter
        if answer.final or delivery.run_after > given_up:
            delivery.state = "dead"

    def _rest(self, session: WriteSession, webhook: Webhook, answer: Answer) -> None:
        """Leave the destination alone for a while; for good, when it has failed for days."""
        moment = now()
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or moment
        if not answer.final:  # a final answer is about that delivery; the destination is there
            rest = min(REST_MAX_SECONDS, REST_FIRST_SECONDS * 2.0 ** min(webhook.failures - 1, 10))
            seconds = max(answer.retry_after_seconds or 0.0, rest * random.random())
            webhook.rest_until = moment + timedelta(seconds=seconds)
        if moment - webhook.failing_since >= timedelta(days=self._settings.webhook_pause_days):
            webhook.paused_at = moment
            webhook.version += 1
            details = {"name": webhook.name, "failing_since": webhook.failing_since}
            publish(session, "webhook.paused", f"webhook/{webhook.id}", details, None)
            log.error("webhook_paused", webhook=webhook.name, failing_since=webhook.failing_since.isoformat())

    def _keep_house(self) -> None:
        """Free destinations whose courier went silent; forget what is old."""
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_SECONDS
            with self._database.write() as session:
                outbox.forget(session, now() - timedelta(days=self._settings.event_days))
        with self._database.read() as session:
            late = self._watch.late(outbox.leases(session))
        for webhook_id, lease in late:
            with self._database.write() as session:
                outbox.release(session, webhook_id, lease)
            log.warning("courier_lease_taken_back", webhook=webhook_id)


def _is_open(webhook: Webhook) -> bool:
    return webhook.enabled and webhook.paused_at is None and webhook.removed_at is None
