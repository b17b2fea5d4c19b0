"""Ids, moments, leases: small parts of the store."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.service.jobs.leases import LeaseWatch
from streetsight.service.store import ids
from streetsight.service.store.types import offset_minutes, with_offset


def test_ids_ascend_and_are_uuids_of_version_7(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ids.new_id() for _ in range(5000)]
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)  # the clock was set back to 1970
    made += [ids.new_id() for _ in range(5000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(each).version for each in made} == {7}
    assert {uuid.UUID(each).variant for each in made} == {uuid.RFC_4122}


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC).timestamp()
    milliseconds = uuid.UUID(ids.new_id()).int >> 80
    assert abs(milliseconds / 1000 - before) < 60


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_an_offset_survives_utc(naive: datetime, minutes: int) -> None:
    written = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    kept = with_offset(written.astimezone(UTC), offset_minutes(written))
    assert kept is not None
    assert (kept, kept.isoformat()) == (written, written.isoformat())


def test_a_lease_is_late_when_it_stays_the_same() -> None:
    moment = 0.0
    watch = LeaseWatch(10, lambda: moment)
    assert watch.late({"a": "1", "b": "1"}) == []
    moment = 9.9
    assert watch.late({"a": "1", "b": "2"}) == []  # b was claimed again meanwhile
    moment = 10.0
    assert watch.late({"a": "1", "b": "2"}) == [("a", "1")]
    assert watch.late({"b": "2"}) == []
    moment = 20.0
    assert watch.late({"a": "1", "b": "2"}) == [("b", "2")]
