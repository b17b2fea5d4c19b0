"""Bandwidth, back-off, hours and networks."""

import time
from datetime import datetime
from datetime import time as clock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streetsight.service.agent.pacing import Backoff, Bucket, Pace
from streetsight.service.agent.settings import UploadSettings
from streetsight.service.agent.windows import Attachment, attachment_to, on_network, parse_hours, within_hours

HERE = Attachment("10.8.3.4", "wlan0", "Depot")


def test_a_bucket_lets_no_more_through_than_it_may() -> None:
    bucket, began = Bucket(lambda: 200_000), time.monotonic()
    assert b"".join(bucket.through(bytes(150_000))) == bytes(150_000)
    assert time.monotonic() - began >= 0.45  # 0.75 s at this rate, less what may come in a burst
    assert b"".join(Bucket(lambda: None).through(b"abc" * 10_000)) == b"abc" * 10_000


def test_the_wait_grows_up_to_its_bound_with_full_jitter() -> None:
    backoff = Backoff(lambda: 8.0, first_s=1.0)
    waits = [Backoff(lambda: 8.0, first_s=1.0).failed() for _ in range(200)]
    assert 0 <= min(waits) < 0.2
    assert 0.8 < max(waits) <= 1
    for _ in range(10):
        backoff.failed()
    late = [backoff.failed() for _ in range(200)]
    assert min(late) < 2
    assert 6 < max(late) <= 8
    assert 60 <= backoff.failed(asked_s=60) <= 68
    assert backoff.left_s() > 59
    backoff.worked()
    assert backoff.left_s() == 0


def test_batches_shrink_on_a_bad_link_and_grow_again() -> None:
    pace = Pace()
    assert pace.limit(16) == 16
    for _ in range(20):
        pace.broke()
    assert pace.limit(16) == 1
    for _ in range(20):
        pace.held()
    assert pace.limit(16) == 16


@pytest.mark.parametrize(
    ("hours", "at", "allowed"),
    [
        ([], "12:00", True),
        (["09:00-17:00"], "09:00", True),
        (["09:00-17:00"], "17:00", False),
        (["19:00-06:00"], "23:59", True),
        (["19:00-06:00"], "05:59", True),
        (["19:00-06:00"], "06:00", False),
        (["00:00-24:00"], "12:00", True),
        (["01:00-02:00", "12:00-13:00"], "12:30", True),
    ],
)
def test_hours(hours: list[str], at: str, allowed: bool) -> None:
    assert within_hours(hours, datetime.fromisoformat(f"2026-05-06T{at}")) is allowed


@given(st.times(), st.times(), st.times())
def test_a_time_is_within_hours_or_within_those_around_them(begin: clock, end: clock, at: clock) -> None:
    day = datetime(2026, 5, 6)
    text = [f"{each:%H:%M}" for each in (begin, end)]
    if text[0] == text[1]:
        return
    moment = datetime.combine(day, at)
    assert within_hours([f"{text[0]}-{text[1]}"], moment) != within_hours([f"{text[1]}-{text[0]}"], moment)


@pytest.mark.parametrize(
    ("networks", "allowed"),
    [
        ([], True), (["wlan0"], True), (["eth0"], False), (["ssid:Depot"], True), (["ssid:Cafe"], False),
        (["10.8.0.0/16"], True), (["10.9.0.0/16", "wlan0"], True), (["10.9.0.0/16"], False),
    ],
)  # fmt: skip
def test_networks(networks: list[str], allowed: bool) -> None:
    assert on_network(networks, HERE) is allowed


def test_where_nothing_is_known_no_network_fits() -> None:
    nowhere = Attachment(None, None, None)
    assert not any(on_network([each], nowhere) for each in ("wlan0", "ssid:Depot", "10.0.0.0/8"))


def test_loopback_is_found_as_an_attachment() -> None:
    assert attachment_to("http://127.0.0.1:8000") == Attachment("127.0.0.1", "lo", None)
    assert attachment_to("http://no-such-host.invalid").address is None


@pytest.mark.parametrize("bad", ["9-17", "25:00-01:00", "09:00", "09:00-24:30"])
def test_hours_that_are_none_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="expected hours"):
        parse_hours(bad)
    with pytest.raises(ValidationError):
        UploadSettings(hours=(bad,))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError):
        UploadSettings(networks=("10.8.0.0/99",))
