"""Jobs: at least once, with exactly-once effect, whoever crashes, hangs or competes."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from waiting import wait_for

from streetsight.service.devices.tables import Device
from streetsight.service.faults import Unavailable
from streetsight.service.jobs import queue
from streetsight.service.jobs.handler import Effect
from streetsight.service.jobs.queue import Backoff, Claim, LeaseLost
from streetsight.service.settings import Settings
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.writer import GroupWriter
from streetsight.service.worker import Worker

BACKOFF = Backoff(attempts=3, first_seconds=0.0, max_seconds=600)


def add(database: Database, count: int = 1) -> None:
    with database.write() as session:
        for number in range(count):
            queue.enqueue(session, "work", f"job {number}")


def claim(database: Database, limit: int = 10) -> list[Claim]:
    with database.write() as session:
        return queue.claim(session, "work", limit, BACKOFF)


def counts(database: Database) -> dict[str, int]:
    with database.read() as session:
        counted = queue.counts(session).items()
        return {state: count for (kind, state), count in counted if kind == "work"}  # no rounds of retention


def test_a_key_is_one_job(database: Database) -> None:
    add(database)
    add(database)
    assert len(claim(database)) == 1
    assert claim(database) == []


def test_an_effect_and_its_job_end_together_or_not_at_all(database: Database) -> None:
    add(database)
    (held,) = claim(database)

    def finish_and_fail() -> None:
        with database.write() as session:
            queue.finish(session, held)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish_and_fail()
    assert counts(database) == {"leased": 1}
    with database.write() as session:
        queue.finish(session, held)
    assert counts(database) == {}
    with pytest.raises(LeaseLost), database.write() as session:
        queue.finish(session, held)


def test_failures_wait_longer_each_time_and_end(database: Database) -> None:
    add(database)
    for attempt in range(1, 4):
        (held,) = claim(database)
        assert held.attempts == attempt
        with database.write() as session:
            assert queue.fail(session, held, "no reason", BACKOFF) is (attempt == 3)
    assert counts(database) == {"dead": 1}
    with database.read() as session:
        assert [job.last_error for job in queue.dead_jobs(session, 5)] == ["no reason"]
    with database.write() as session:
        assert queue.revive(session) == 1
    assert len(claim(database)) == 1
    waits = [Backoff(9, 2, 600).wait(n).total_seconds() for n in (1, 2, 3, 20, 5000)]
    assert waits == [2, 4, 8, 600, 600]


def test_what_is_postponed_does_not_count(database: Database) -> None:
    add(database)
    for _ in range(5):
        (held,) = claim(database)
        with database.write() as session:
            queue.postpone(session, held, "the storage is gone", timedelta(0))
    assert claim(database)[0].attempts == 1


def test_a_job_whose_worker_vanished_is_claimed_alone(database: Database) -> None:
    add(database, 5)
    held = claim(database, limit=2)
    for each in held:
        with database.write() as session:
            assert queue.take_back(session, each.id, each.lease, BACKOFF) is None
            assert queue.take_back(session, each.id, each.lease, BACKOFF) is None  # the second one finds none
    assert [[each.key for each in claim(database)] for _ in range(4)] == [
        ["job 0"], ["job 1"], ["job 2", "job 3", "job 4"], [],
    ]  # fmt: skip


def test_a_job_whose_worker_vanished_is_not_for_a_worker_that_is_at_others(database: Database) -> None:
    add(database, 3)
    (held,) = claim(database, limit=1)
    with database.write() as session:
        queue.take_back(session, held.id, held.lease, BACKOFF)
        busy = queue.claim(session, "work", 10, BACKOFF, busy=True)
    assert [each.key for each in busy] == ["job 1", "job 2"]
    assert [(each.key, each.lost) for each in claim(database)] == [("job 0", 1)]


@pytest.mark.parametrize("jump", [timedelta(days=3000), timedelta(days=-3000)])
def test_a_clock_that_jumps_delays_nothing_beyond_the_longest_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    add(database)
    monkeypatch.setattr(queue, "now", lambda: now() + jump)
    assert len(claim(database)) == 1


class Handler:
    """Writes a device per job. `gates` hold a job up until they open."""

    kind, calls, alone = "work", 2, False

    def __init__(
        self, gates: dict[str, threading.Event] | None = None, error: Exception | None = None
    ) -> None:
        self.gates, self.error, self.worked, self.dead = gates or {}, error, [], []  # type: ignore[var-annotated]

    def work(self, claim: Claim) -> Effect:
        self.worked.append(claim.key)
        if claim.key in self.gates:
            self.gates[claim.key].wait()
        if self.error:
            raise self.error

        def effect(session: WriteSession) -> None:
            session.add(Device(name=claim.key))
            session.flush()

        return effect

    def gave_up(self, session: WriteSession, claim: Claim) -> None:
        self.dead.append(claim.key)


def written(database: Database) -> list[str]:
    from sqlalchemy import select

    with database.read() as session:
        return sorted(session.scalars(select(Device.name)))


@pytest.fixture
def running(
    database: Database, settings: Settings
) -> Iterator[Callable[..., tuple[Worker, threading.Thread]]]:
    """Starts workers on threads; all are stopped at the end."""
    started: list[tuple[Worker, threading.Thread]] = []

    def run(handler: Handler, lease_seconds: float = 0.4) -> tuple[Worker, threading.Thread]:
        quick = settings.model_copy(update={"lease_seconds": lease_seconds, "poll_seconds": 0.02})
        worker = Worker(database, [handler], quick)
        thread = threading.Thread(target=worker.run)
        thread.start()
        started.append((worker, thread))
        return worker, thread

    yield run
    for worker, _ in started:
        worker.stop()
    for _, thread in started:
        thread.join()


def test_a_hanging_worker_loses_its_job_and_its_late_word_does_not_count(
    database: Database, running: Callable[..., tuple[Worker, threading.Thread]]
) -> None:
    gate = threading.Event()
    hanging, healthy = Handler({"job 0": gate}), Handler()
    add(database)
    running(hanging)
    wait_for(lambda: hanging.worked)
    running(healthy)
    wait_for(lambda: written(database) == ["job 0"])
    assert healthy.worked == ["job 0"]
    gate.set()  # the hanging one comes back and wants to publish: a second "job 0" would be an IntegrityError
    add(database)  # proves that both still work
    with database.write() as session:
        session.query(Device).delete()
    wait_for(lambda: written(database) == ["job 0"])
    assert counts(database) == {}


def test_one_turn_takes_batch_after_batch(database: Database, settings: Settings) -> None:
    handler = Handler()
    add(database, 20)
    small = settings.model_copy(update={"max_batch_size": 3})
    worker, writer = Worker(database, [handler], small), GroupWriter(database)
    assert worker.turn(writer)
    assert not worker.turn(writer)
    writer.close()
    assert len(written(database)) == 20


def test_two_workers_share_a_queue_and_do_each_job_once(
    database: Database, running: Callable[..., tuple[Worker, threading.Thread]]
) -> None:
    add(database, 100)
    first, second = Handler(), Handler()
    running(first, lease_seconds=60)
    running(second, lease_seconds=60)
    wait_for(lambda: counts(database) == {})
    assert sorted(first.worked + second.worked) == sorted(f"job {n}" for n in range(100))
    assert len(written(database)) == 100


def test_a_failing_job_ends_dead_and_says_so(
    database: Database, running: Callable[..., tuple[Worker, threading.Thread]]
) -> None:
    handler = Handler(error=RuntimeError("poison"))
    add(database)
    running(handler)
    wait_for(lambda: counts(database) == {"dead": 1})
    assert (handler.worked, handler.dead) == (["job 0"] * 3, ["job 0"])


def test_what_all_jobs_need_and_is_gone_kills_none(
    database: Database,
    running: Callable[..., tuple[Worker, threading.Thread]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streetsight.service.worker.UNAVAILABLE_SECONDS", 0.0)
    handler = Handler(error=Unavailable("the storage is gone"))
    add(database)
    running(handler)
    wait_for(lambda: len(handler.worked) > 5)
    handler.error = None
    wait_for(lambda: counts(database) == {})
    assert written(database) == ["job 0"]


def test_a_stopped_worker_gives_back_what_it_has_not_begun(database: Database, settings: Settings) -> None:
    gate = threading.Event()
    handler = Handler({"job 0": gate, "job 1": gate})
    add(database, 20)
    worker, writer = Worker(database, [handler], settings), GroupWriter(database)
    thread = threading.Thread(target=worker.turn, args=(writer,))
    thread.start()
    wait_for(lambda: len(handler.worked) >= 2)
    worker.stop()
    gate.set()
    thread.join()
    writer.close()
    done = len(written(database))
    assert 2 <= done < 20
    assert counts(database) == {"queued": 20 - done}
    assert all(held.attempts == 1 for held in claim(database, 20))
