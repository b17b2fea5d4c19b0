"""The writer of a process: many small units of work, each whole or not at all, answered once on the disk.

SQLite has one writer, and a commit waits for the disk. What is waiting runs as one group, each unit behind a
savepoint of its own, is committed once, and only then answered: a unit that fails costs no neighbour. While
one group is being synced the next one gathers, so groups grow with the load and a lone unit never waits.

PostgreSQL has many writers, and a transaction keeps all its locks to its end: groups of two processes would
hold rows that the other's next unit wants, and one of them would be ended. So there each unit is a
transaction of its own; one that met another's is run once more.
"""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from streetsight.service.faults import Busy
from streetsight.service.store.database import Database, met_another
from streetsight.service.store.sessions import WriteSession

Result = TypeVar("Result")
Unit = Callable[[WriteSession], Result]

log = structlog.get_logger(__name__)


class WriterBusy(Busy):
    """More units wait than the writer may hold."""

    code = "writer_busy"


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    unit: Unit[Any]
    answer: Future[Any]


class GroupWriter:
    """Runs units of work on a thread of its own. `submit` and `run` are safe from any thread.

    A unit may be run twice: all that it does, it does with its session.
    """

    def __init__(self, database: Database, group: int = 64, waiting: int = 512) -> None:
        """`group`: most units in one transaction of SQLite; `waiting`: most that may wait for theirs."""
        self._database, self._group = database, group if database.is_sqlite else 1
        self._write = self._commit if database.is_sqlite else self._commit_each
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(waiting)
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, unit: Unit[Result]) -> "Future[Result]":
        """Hand in a unit. The future's result is the unit's, and comes after the commit.

        Raises:
            WriterBusy: when too many wait already.
        """
        answer: Future[Result] = Future()
        try:
            self._queue.put_nowait(_Waiting(unit, answer))
        except queue.Full:
            raise WriterBusy(
                "{count} writes are waiting for the disk; send again later", count=self._queue.qsize()
            ) from None
        return answer

    def run(self, unit: Unit[Result]) -> Result:
        """`submit`, and wait for the commit. Raises what the unit raised, or what the commit did."""
        return self.submit(unit).result()

    def close(self) -> None:
        """Finish what was handed in, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = [first], False
            while len(group) < self._group and not last:
                try:
                    waiting = self._queue.get_nowait()
                except queue.Empty:
                    break
                if waiting is None:
                    last = True
                else:
                    group.append(waiting)
            self._write(group)
            if last:
                return

    def _commit(self, group: list[_Waiting]) -> None:
        answers: list[Callable[[], None]] = []
        try:
            with self._database.write() as session:
                for waiting in group:
                    answers.append(_try(waiting, session))
        except Exception as error:  # noqa: BLE001  the group's transaction failed: each is told why
            log.warning("group_not_committed", units=len(group), reason=str(error))
            for waiting in group:
                waiting.answer.set_exception(error)
            return
        for answer in answers:
            answer()

    def _commit_each(self, group: list[_Waiting]) -> None:
        for waiting in group:
            try:
                try:
                    result = self._alone(waiting)
                except DBAPIError as error:
                    if not met_another(error):
                        raise
                    log.info("unit_met_another", reason=str(error.orig).partition("\n")[0])
                    result = self._alone(waiting)
            except Exception as error:  # noqa: BLE001  handed on to the unit's owner
                waiting.answer.set_exception(error)
            else:
                waiting.answer.set_result(result)

    def _alone(self, waiting: _Waiting) -> Any:
        with self._database.write() as session:
            return waiting.unit(session)


def _try(waiting: _Waiting, session: WriteSession) -> Callable[[], None]:
    """Run a unit behind a savepoint; gives what to tell its owner once the group is on the disk."""
    savepoint = session.begin_nested()
    try:
        result = waiting.unit(session)
        savepoint.commit()
    except Exception as error:  # handed on to the unit's owner
        failure = error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise  # no savepoint is left to go back to, and nothing of the group
        try:
            savepoint.rollback()
        except SQLAlchemyError:  # with the disk full, SQLite has ended the whole transaction already
            raise failure from None
        return lambda: waiting.answer.set_exception(failure)
    finally:
        session.expunge_all()  # rows that one unit returns are not another unit's to change
    return lambda: waiting.answer.set_result(result)
