"""Tables of frames are divided by time in PostgreSQL: rows find their partition, rules hold across them."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.digests import has_digest
from streetsight.service.frames.service import Filters, list_frames
from streetsight.service.frames.tables import Frame
from streetsight.service.sightings.tables import FramePose
from streetsight.service.store.database import Database
from streetsight.service.store.ids import first_id, moment_of, new_id
from streetsight.service.store.migrating import migrate, migration_config
from streetsight.service.store.partitions import AHEAD, TABLES, keep_ahead
from streetsight.service.store.sessions import WriteSession

DAY = timedelta(days=1)
EVERYWHERE = Actor("person", "p", "p", Role.ADMIN)


@pytest.fixture
def divided(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A PostgreSQL database with our tables."""
    server = request.getfixturevalue("postgres")
    name = f"divided_{new_id()[-12:]}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    opened = Database(server.url(name))
    yield opened
    opened.close()
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def partitions_of(database: Database, table: str) -> list[str]:
    with database.read() as session:
        return list(
            session.scalars(
                text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:name)"),
                {"name": table},
            )
        )


def partition_with(database: Database, frame_id: str) -> str:
    with database.read() as session:
        found = session.scalar(
            text("SELECT tableoid::regclass::text FROM frames WHERE id = :id"), {"id": frame_id}
        )
    assert isinstance(found, str)
    return found


def add_frame(session: WriteSession, frame_id: str, sha256: str = "") -> Frame:
    device = session.scalar(select(Device).limit(1))
    if device is None:
        device = Device(name="car-1")
        session.add(device)
        session.flush()
    frame = Frame(
        id=frame_id, sha256=sha256 or frame_id.replace("-", "") * 2, size_bytes=1, media_type="image/jpeg",
        device_id=device.id, metadata_sent={},
    )  # fmt: skip
    session.add(frame)
    session.flush()
    return frame


def test_rows_go_where_their_time_is(divided: Database) -> None:
    moments = [datetime.now(UTC) + timedelta(days=number) for number in (-400, 1, 40, 4000)]
    ids = [first_id(moment)[:-1] + str(number) for number, moment in enumerate(moments)]
    with divided.write() as session:
        for each in ids:
            add_frame(session, each)
    places = [partition_with(divided, each) for each in ids]
    assert (places[0], places[3]) == ("partitions.frames_before", "partitions.frames_default")
    assert len({*places}) == 4
    with divided.read() as session:
        newest = session.scalars(select(Frame.id).order_by(Frame.id.desc())).all()
        plan = "\n".join(session.scalars(text("EXPLAIN SELECT * FROM frames WHERE id = :id"), {"id": ids[1]}))
    assert newest == ids[::-1]
    assert places[1].partition(".")[2] in plan
    assert "default" not in plan
    assert "before" not in plan


def test_partitions_are_made_ahead_of_time_and_once(divided: Database) -> None:
    before = {table: {*partitions_of(divided, table)} for table in TABLES}
    keep_ahead(divided, 30)
    assert {table: {*partitions_of(divided, table)} for table in TABLES} == before
    workers = [threading.Thread(target=keep_ahead, args=(divided, 60)) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    last = first_id(datetime.now(UTC) + timedelta(days=60 * AHEAD) - DAY)
    for table in TABLES:
        assert before[table] < {*partitions_of(divided, table)}
    with divided.write() as session:
        add_frame(session, last)
    assert "default" not in partition_with(divided, last)
    keep_ahead(divided, 60)


def test_what_came_without_a_partition_stays_and_is_in_nobodys_way(divided: Database) -> None:
    strays = [first_id(datetime.now(UTC) + timedelta(days=days)) for days in (130, 140, 5000)]
    with divided.write() as session:
        for each in strays:
            add_frame(session, each)
    keep_ahead(divided, 60)
    later = first_id(datetime.now(UTC) + timedelta(days=142))
    with divided.write() as session:
        add_frame(session, later)
    assert [partition_with(divided, each) for each in strays] == ["partitions.frames_default"] * 3
    assert "default" not in partition_with(divided, later)
    with divided.read() as session:
        assert session.scalar(select(func.count()).select_from(Frame)) == 4


def test_a_long_query_is_not_waited_for(divided: Database, capsys: pytest.CaptureFixture[str]) -> None:
    before = partitions_of(divided, "frames")
    with divided.read() as session:
        session.execute(select(Frame.id)).all()  # holds the table until its transaction ends
        keep_ahead(divided, 60)
        assert partitions_of(divided, "frames") == before
    assert "partitions_not_made" in capsys.readouterr().out
    keep_ahead(divided, 60)
    assert len(partitions_of(divided, "frames")) > len(before)


def test_the_same_bytes_are_one_frame_whenever_they_come(divided: Database) -> None:
    early, late = (first_id(datetime.now(UTC) + timedelta(days=days)) for days in (1, 45))
    with divided.write() as session:
        add_frame(session, early, "ab" * 32)
    with pytest.raises(IntegrityError), divided.write() as session:
        add_frame(session, late, "ab" * 32)
    with divided.write() as session:
        assert session.scalars(select(Frame.id).where(has_digest(session, ["ab" * 32, "cd" * 32]))).all() == [
            early
        ]
        session.delete(session.get_one(Frame, early))
    with divided.write() as session:
        assert add_frame(session, late, "ab" * 32).id == late


def test_data_of_before_is_kept(database_url: str) -> None:
    """Rows of version 0015 are all there in 0017, whole and found by their digest."""
    database = Database(database_url)
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    with database.engine.begin() as connection:
        config = migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0015")
    ids = [new_id() for _ in range(50)]
    with database.write() as session:
        for each in ids:
            _with_all_that_hangs_on_it(session, each)
    migrate(database)
    fresh = new_id()
    with database.write() as session:
        _with_all_that_hangs_on_it(session, fresh)
    with database.read() as session:
        joined = select(Frame.id).join(Result, Result.id == Frame.result_id).join(Detection).join(FramePose)
        assert session.scalars(joined.order_by(Frame.id)).all() == [*ids, fresh]
        wanted = has_digest(session, [ids[7].replace("-", "") * 2])
        assert session.scalars(select(Frame.id).where(wanted)).all() == [ids[7]]
    with pytest.raises(IntegrityError), database.write() as session:
        add_frame(session, new_id(), ids[7].replace("-", "") * 2)
    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Result(frame_id="nobody", release="r", outcome="accepted", file_metadata={}))
    database.close()


def _with_all_that_hangs_on_it(session: WriteSession, frame_id: str) -> None:
    frame = add_frame(session, frame_id)
    result = Result(frame_id=frame.id, release="r", outcome="accepted", file_metadata={})
    session.add(result)
    session.flush()
    frame.result_id = result.id
    session.add(
        Detection(
            result_id=result.id, number=0, frame_id=frame.id, class_name="garbage", condition=None, score=0.5,
            x1=0, y1=0, x2=1, y2=1,
        )
    )  # fmt: skip
    patrol = session.scalar(text("SELECT id FROM patrols LIMIT 1"))
    if patrol is None:
        patrol = new_id()
        session.execute(
            text(
                "INSERT INTO patrols (id, created_at, device_id, key) "
                "SELECT :id, created_at, id, 'k' FROM devices"
            ),
            {"id": patrol},
        )
    session.add(FramePose(frame_id=frame.id, patrol_id=patrol, outcome="accepted", problems=[]))
    session.flush()


def test_an_id_tells_its_moment() -> None:
    moment = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    assert moment_of(first_id(moment)) == moment
    assert abs(moment_of(new_id()) - datetime.now(UTC)) < timedelta(minutes=1)


def test_pages_of_some_place_have_what_they_would_have(divided: Database) -> None:
    """Looking slice by slice gives the same pages as walking down the ids, latecomers included."""
    begin = datetime.now(UTC) - timedelta(days=500)
    with divided.write() as session:
        for number in range(120):
            came = begin + timedelta(hours=number**2)  # ever further apart, over two years
            frame = add_frame(session, first_id(came)[:-3] + f"{number:03}")
            frame.lon, frame.lat = 120.0 + number % 3, 30.0
            frame.taken_at = came - timedelta(days=300 * (number % 7 == 0))
    wanted = [
        Filters(bounds=(119.5, 29, 121.5, 31)),
        Filters(taken_from=begin, taken_before=begin + timedelta(days=60)),
        Filters(bounds=(120.5, 29, 121.5, 31), taken_before=begin + timedelta(days=200)),
        Filters(bounds=(0, 0, 1, 1)),
    ]
    with divided.read() as session:
        rows = session.scalars(select(Frame).order_by(Frame.id.desc())).all()
        for filters in wanted:
            expected = [row.id for row in rows if _fits(row, filters)]
            found: list[str] = []
            cursor = None
            while cursor is not None or not found:
                page = list_frames(session, EVERYWHERE, filters, 7, cursor)
                found += [row.id for row in page.items]
                if (cursor := page.next_cursor) is None:
                    break
            assert found == expected


def _fits(frame: Frame, wanted: Filters) -> bool:
    assert frame.lon is not None
    assert frame.taken_at is not None
    inside = wanted.bounds is None or wanted.bounds[0] <= frame.lon <= wanted.bounds[2]
    after = wanted.taken_from is None or frame.taken_at >= wanted.taken_from
    return inside and after and (wanted.taken_before is None or frame.taken_at < wanted.taken_before)
