"""Days and moments at either end of the calendar: told, or an answer; never a fault of ours."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError

from streetsight.service.auth.actor import Role
from streetsight.service.moments import EARLIEST, LATEST, Bound, Moment, morning

Person = Callable[..., TestClient]
FIRST, LAST = "0001-01-01T00:00:00%2B08:00", "9999-12-31T23:59:59-08:00"
SENTINEL = "9999-12-31T23:59:59Z"
LISTS = {
    "/v1/issues": ("confirmed_from", "confirmed_before"), "/v1/frames": ("taken_from", "taken_before"),
    "/v1/candidates": ("seen_from", "created_before"), "/v1/audit": ("since", "before"),
    "/v1/departures": ("since", "before"), "/v1/decisions": ("made_from", "made_before"),
    "/v1/sightings": ("seen_from", "seen_before"), "/v1/labels/export": ("decided_from", "decided_before"),
}  # fmt: skip
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("path", LISTS)
def test_a_search_may_go_from_one_end_to_the_other(
    person: Person, lead: Callable[..., str], path: str
) -> None:
    admin, (begin, end) = person(Role.ADMIN), LISTS[path]
    lead()
    everything = len(admin.get(path).content)
    for query in (f"{begin}={FIRST}", f"{end}={LAST}", f"{begin}={FIRST}&{end}={SENTINEL}"):
        assert admin.get(f"{path}?{query}").status_code == 200, query
    if path == "/v1/frames":
        assert everything == len(admin.get(f"{path}?{begin}={FIRST}").content)
        assert admin.get(f"{path}?{begin}={LAST}").json()["items"] == []


@pytest.mark.parametrize("path", ["/v1/issues", "/v1/departures"])
def test_files_from_one_end_to_the_other_are_whole(person: Person, path: str) -> None:
    assert person(Role.ADMIN).get(f"{path}?format=csv&{LISTS[path][0]}={FIRST}").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/issues?from_day=0001-01-01&to_day=9999-12-31", 200),
        ("/admin/audit?since=0001-01-01&until=9999-12-31", 200),
        ("/admin/departures?since=0001-01-01&until=9999-12-31", 200),
        ("/v1/calendar/due?clock=continuous&amount=100000&start=9999-12-31T00:00:00Z", 422),
        ("/v1/calendar/due?clock=calendar_days&amount=100000&start=9999-12-31T00:00:00Z", 422),
        (f"/v1/calendar/due?clock=calendar_days&amount=1&start={SENTINEL}", 422),
        (f"/v1/calendar/due?clock=continuous&amount=1&start={FIRST}", 422),
        ("/v1/quotas?day=0001-01-01", 422), ("/v1/quotas?day=9999-12-31", 422),
    ],
)  # fmt: skip
def test_days_at_the_ends_are_told_or_answered(person: Person, path: str, status: int) -> None:
    assert person(Role.ADMIN).get(path).status_code == status


def test_what_is_kept_lies_within_the_calendar() -> None:
    moments = TypeAdapter(Moment)
    for beyond in ("0001-01-01T00:00:00+08:00", LAST, SENTINEL):
        with pytest.raises(ValidationError):
            moments.validate_python(beyond)
    there = moments.validate_python("1970-01-01T08:00:00+08:00")
    assert (there, there.utcoffset()) == (datetime(1970, 1, 1, tzinfo=UTC), timedelta(hours=8))


def test_a_bound_beyond_the_calendar_is_its_end() -> None:
    bounds = TypeAdapter(Bound)
    assert bounds.validate_python("0001-01-01T00:00:00+08:00") == EARLIEST
    assert bounds.validate_python(LAST) == LATEST
    sensible = bounds.validate_python("2026-11-23T08:00:00+08:00")
    assert sensible.utcoffset() == timedelta(hours=8)


def test_mornings_are_those_of_the_city() -> None:
    assert morning(date(2026, 11, 23), ZONE) == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert morning(date(2026, 11, 23), ZONE, days=1) == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert morning(date.min, ZONE) == EARLIEST
    assert morning(date.max, ZONE, days=1) == LATEST
    assert morning(date.max, timezone(timedelta(hours=-5))) == LATEST
