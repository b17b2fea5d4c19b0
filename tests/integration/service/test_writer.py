"""The group-commit writer: one commit for many, one failure for one."""

import threading
from concurrent.futures import Future

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from streetsight.service.devices.tables import Device
from streetsight.service.store.database import Database, DatabaseGone, spoken
from streetsight.service.store.sessions import WriteSession
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


def test_many_units_are_one_commit_and_one_failure_is_its_own(database: Database) -> None:
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
    assert len(commits) == 1


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
    """Had its neighbours been told of a savepoint that is gone, they would answer 500, and workers end."""
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

    futures = [writer.submit(each) for each in (unit, adding("camera 1"), adding("camera 2"))]
    go.set()
    writer.close()
    for each in futures:
        error = each.exception()
        assert isinstance(error, SQLAlchemyError)
        assert isinstance(spoken(error), DatabaseGone)
    assert names(database) == []


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
