"""Which photos may go: evidence of what is open or confirmed never, whatever else is true."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streetsight.service.retention.evidence import Lead
from streetsight.service.retention.limits import Facts, Limits, count, expiry

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMITS = Limits(context=NOW - timedelta(days=30), rejected=NOW - timedelta(days=90))
LONG_AGO = NOW - timedelta(days=4000)
STATES = ("open", "confirmed", "rejected", "gone", "merged", "unknown", "a state of a later version")

moments = st.datetimes(LONG_AGO.replace(tzinfo=None), NOW.replace(tzinfo=None)).map(
    lambda each: each.replace(tzinfo=UTC)
)
leads = st.builds(
    Lead,
    candidate_id=st.none() | st.uuids().map(str),
    state=st.sampled_from(STATES),
    settled_at=st.none() | moments,
    area_path=st.none(),
)
facts = st.builds(
    Facts, settled=st.booleans(), last_moment=moments, held=st.booleans(),
    leads=st.frozensets(leads, max_size=4),
)  # fmt: skip


@given(facts)
def test_evidence_of_what_is_not_settled_never_expires(known: Facts) -> None:
    if any(lead.state not in ("rejected", "gone") for lead in known.leads):
        assert expiry(known, LIMITS) is None


@given(facts)
def test_what_is_held_or_under_way_never_expires(known: Facts) -> None:
    assert expiry(replace(known, held=True), LIMITS) is None
    assert expiry(replace(known, settled=False), LIMITS) is None


@given(facts, leads)
def test_one_more_lead_never_makes_a_photo_go_sooner(known: Facts, lead: Lead) -> None:
    if expiry(known, LIMITS) is None and known.leads:
        assert expiry(replace(known, leads=known.leads | {lead}), LIMITS) is None


@given(facts)
def test_what_expires_is_old_in_every_way(known: Facts) -> None:
    if (reason := expiry(known, LIMITS)) is not None:
        assert known.last_moment < LIMITS.context
        assert (reason == "context") == (not known.leads)
        assert all(lead.settled_at and lead.settled_at < LIMITS.rejected for lead in known.leads)


@pytest.mark.parametrize(
    ("states", "days_since", "age_days", "reason"),
    [
        ((), 0, 31, "context"),
        ((), 0, 29, None),
        (("rejected",), 91, 200, "rejected"),
        (("rejected",), 89, 200, None),
        (("rejected", "confirmed"), 91, 200, None),
        (("rejected", "gone"), 91, 200, "rejected"),
        (("open",), 4000, 4000, None),
    ],
)
def test_examples(states: tuple[str, ...], days_since: int, age_days: int, reason: str | None) -> None:
    settled = NOW - timedelta(days=days_since)
    known = Facts(
        settled=True, last_moment=NOW - timedelta(days=age_days), held=False,
        leads=frozenset(Lead(state, state, settled, None) for state in states),
    )  # fmt: skip
    assert expiry(known, LIMITS) == reason


def test_reasons_are_counted() -> None:
    assert count(["context", None, "context", "rejected"]) == {"context": 2, "kept": 1, "rejected": 1}
