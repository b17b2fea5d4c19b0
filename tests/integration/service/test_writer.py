"""The writer: units that are whole or not at all, one failure for one."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from streetsight.service.devices.tables import Device
from streetsight.service.store.database import Database, DatabaseGone, WritesMet, spoken
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.turns import locked
from streetsight.service.store.writer import GroupWriter, WriterBusy


def names(database: Database) -> list[str]:
    with database.read() as session:
        return sorted(session.scalars(select(Device.name)))


def adding(name: str, broken: bool = False):  # type: ignore[no-untyped-def]
    def unit(session: WriteSession) -> str:
        session.add(Device(name=name))
        session.flush()
        if broken:
            raise ValueError(name)
        return name

    return unit


def held_back(database: Database, writer: GroupWriter) -> tuple[threading.Event, "Future[None]"]:
    """Keeps the writer busy until told, so that what comes meanwhile is one group."""
    go, begun = threading.Event(), threading.Event()

    def wait(_session: WriteSession) -> None:
        begun.set()
        go.wait()

    future = writer.submit(wait)
    begun.wait()
    return go, future


def test_many_units_are_written_and_one_failure_is_its_own(database: Database) -> None:
    writer, commits = GroupWriter(database), []
    event.listen(database.engine, "commit", lambda _connection: commits.append(1))
    go, _ = held_back(database, writer)
    futures = [writer.submit(adding(f"camera {i}", broken=i == 3)) for i in range(10)]
    twin = writer.submit(adding("camera 5"))
    assert not any(future.done() for future in futures)
    go.set()
    writer.close()
    assert [future.result() for i, future in enumerate(futures) if i != 3] == [
        f"camera {i}" for i in range(10) if i != 3
    ]
    with pytest.raises(ValueError, match="camera 3"):
        futures[3].result()
    with pytest.raises(IntegrityError):
        twin.result()
    assert names(database) == [f"camera {i}" for i in range(10) if i != 3]
    assert len(commits) == (1 if database.is_sqlite else 9)


def test_nobody_is_answered_when_the_commit_fails(database: Database) -> None:
    writer = GroupWriter(database)

    def refuse(_connection: object) -> None:
        raise OSError("the disk is gone")

    event.listen(database.engine, "commit", refuse)
    go, _ = held_back(database, writer)
    futures = [writer.submit(adding(f"camera {i}")) for i in range(3)]
    go.set()
    writer.close()
    for future in futures:
        with pytest.raises(OSError, match="the disk is gone"):
            future.result()
    event.remove(database.engine, "commit", refuse)
    assert names(database) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("between", [False, True], ids=["at a statement", "between two"])
def test_a_connection_that_breaks_is_no_mistake_of_ours(database: Database, between: bool) -> None:
    """Who asked is told to come again, and the neighbours do not notice."""
    writer = GroupWriter(database)
    go, _ = held_back(database, writer)

    def unit(session: WriteSession) -> None:
        own = session.scalar(text("SELECT pg_backend_pid()"))
        ended = text("SELECT pg_terminate_backend(:own)").bindparams(own=own)
        if between:
            with database.read() as other:
                other.execute(ended)
        else:
            session.execute(ended)

    broken, *others = [writer.submit(each) for each in (unit, adding("camera 1"), adding("camera 2"))]
    go.set()
    writer.close()
    error = broken.exception()
    assert isinstance(error, SQLAlchemyError)
    assert isinstance(spoken(error), DatabaseGone)
    assert names(database) == [each.result() for each in others]


def changing(name: str, then: Callable[[], object] = lambda: None) -> Callable[[WriteSession], None]:
    """A unit that holds the device of this name, and does something else before it ends."""

    def unit(session: WriteSession) -> None:
        session.scalars(locked(select(Device).where(Device.name == name))).one().heartbeat = {"by": "unit"}
        session.flush()
        then()

    return unit


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_writers_of_two_processes_hold_nothing_from_unit_to_unit(database: Database) -> None:
    """Each has two units, in crossed order: had a group kept its locks, one of them would be ended."""
    one, other = GroupWriter(database), GroupWriter(database)
    for name in "ab":
        one.run(adding(name))
    both = threading.Barrier(2)
    first = [one.submit(changing("a", both.wait)), other.submit(changing("b", both.wait))]
    second = [one.submit(changing("b")), other.submit(changing("a"))]
    for each in (*first, *second):
        each.result(timeout=20)
    one.close()
    other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_units_that_wait_for_each_other_are_both_done(database: Database) -> None:
    one, other = GroupWriter(database), GroupWriter(database)
    for name in "ab":
        one.run(adding(name))
    tries, both = Counter[str](), threading.Barrier(2)

    def crossing(mine: str, theirs: str) -> Callable[[WriteSession], None]:
        def unit(session: WriteSession) -> None:
            tries[mine] += 1
            changing(mine)(session)
            if tries[mine] == 1:
                both.wait()
            changing(theirs)(session)

        return unit

    for each in [one.submit(crossing("a", "b")), other.submit(crossing("b", "a"))]:
        each.result(timeout=20)
    assert sorted(tries.values()) == [1, 2]
    one.close()
    other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_another_process_has_just_taken_is_seen_by_a_second_look(database: Database) -> None:
    writer, looked = GroupWriter(database), []

    def unit(session: WriteSession) -> str:
        there = session.scalar(select(Device.name).where(Device.name == "camera"))
        looked.append(there)
        if there is not None:
            return "taken"
        with database.write() as other:
            adding("camera")(other)
        return adding("camera")(session)  # type: ignore[no-any-return]

    assert writer.run(unit) == "taken"
    assert looked == [None, "camera"]
    writer.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_deadlock_is_not_told_as_a_database_that_is_away(database: Database) -> None:
    def deadlock(session: WriteSession) -> None:
        session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"))

    writer = GroupWriter(database)
    with pytest.raises(SQLAlchemyError) as caught:
        writer.run(deadlock)
    said = spoken(caught.value)
    assert isinstance(said, WritesMet)
    assert said.say("en") == "others are changing the same at this moment; nothing was changed, send again"
    writer.close()


def test_a_full_queue_is_said_at_once(database: Database) -> None:
    writer = GroupWriter(database, waiting=2)
    go, _ = held_back(database, writer)
    futures = [writer.submit(adding(name)) for name in ("a", "b")]
    with pytest.raises(WriterBusy):
        writer.submit(adding("c"))
    go.set()
    assert [future.result() for future in futures] == ["a", "b"]
    writer.close()


def test_rows_of_one_unit_stay_whole_when_a_neighbour_fails(database: Database) -> None:
    writer = GroupWriter(database)
    writer.run(adding("shared"))
    go, _ = held_back(database, writer)

    def find(session: WriteSession) -> Device:
        return session.scalars(select(Device)).one()

    def spoil(session: WriteSession) -> None:
        find(session).heartbeat = {"spoilt": True}
        session.flush()
        raise ValueError

    found, spoilt, after = writer.submit(find), writer.submit(spoil), writer.submit(find)
    go.set()
    writer.close()
    assert found.result().heartbeat is None
    assert after.result().heartbeat is None
    assert isinstance(spoilt.exception(), ValueError)


def test_a_read_session_cannot_write(database: Database) -> None:
    from sqlalchemy.exc import DBAPIError

    with database.read() as session:
        session.add(Device(name="sneaky"))
        with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
            session.flush()


def test_readers_and_writers_do_not_lock_each_other_out(database: Database) -> None:
    """20 readers, 5 writers of their own and an importer through the writer, at once."""
    writer, problems, stop = GroupWriter(database), [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            names(database)

    def review(number: int) -> None:
        for i in range(10):
            with database.write() as session:
                session.add(Device(name=f"reviewer {number} {i}"))

    def guarded(work, *arguments: int) -> None:  # type: ignore[no-untyped-def]
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    readers = [threading.Thread(target=guarded, args=(read,)) for _ in range(20)]
    reviewers = [threading.Thread(target=guarded, args=(review, number)) for number in range(5)]
    for thread in readers + reviewers:
        thread.start()
    futures = [writer.submit(adding(f"import {i}")) for i in range(200)]
    for thread in reviewers:
        thread.join()
    for future in futures:
        future.result()
    stop.set()
    for thread in readers:
        thread.join()
    writer.close()
    assert problems == []
    assert len(names(database)) == 250
