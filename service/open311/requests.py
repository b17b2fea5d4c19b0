"""Service requests: what came through Open311, and what people have confirmed.

Leads that nobody has looked at do not leave the system, nor does what citizens and hotlines have written:
such texts name people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import exists, select

from streetsight.models.taxonomy import Language
from streetsight.service.candidates.tables import Candidate
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.issues.states import ENDED
from streetsight.service.issues.tables import Issue
from streetsight.service.reports.categories import OTHER, Categories
from streetsight.service.reports.progress import followed
from streetsight.service.reports.schemas import Progress
from streetsight.service.reports.tables import Report
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

MOST = 1000
WINDOW = timedelta(days=90)
"""GeoReport: 90 days or the first 1000 requests, whichever is less."""

OPEN, CLOSED = "open", "closed"
NOTES = {
    "waiting": {"en": "received", "zh": "已收到"},
    "reviewed": {"en": "being looked into", "zh": "核查中"},
    "confirmed": {"en": "confirmed, being dealt with", "zh": "已核实,处理中"},
    "closed": {"en": "closed", "zh": "已办结"},
    "not_followed": {"en": "looked into, not followed up", "zh": "经核查,不再跟进"},
}


class NoRequest(NotFound):
    """No service request of this id."""

    code = "no_request"


class BadDates(Invalid):
    """Dates that are none, or that lie too far apart."""

    code = "bad_dates"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests; None takes all.

    Attributes:
        ids: then nothing else counts.
        start, end: of when they were requested, aware.
    """

    ids: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """One of them, of either origin."""

    id: str
    status: str
    notes: str
    service: str
    description: str | None
    requested_at: datetime
    updated_at: datetime
    address: str | None
    lon: float | None
    lat: float | None
    agency: str | None = None
    expected_at: datetime | None = None


def find_requests(
    session: ReadSession, wanted: Wanted, categories: Categories, language: Language
) -> list[ServiceRequest]:
    """Requests, newest first, at most 1000 of at most 90 days. Raises BadDates."""
    start, end = _window(wanted)
    found = _reported(session, wanted, start, end, language)
    found += _confirmed(session, wanted, start, end, categories, language)
    chosen = [
        each for each in found
        if (not wanted.services or each.service in wanted.services)
        and (not wanted.statuses or each.status in wanted.statuses)
    ]  # fmt: skip
    return sorted(chosen, key=lambda each: (each.requested_at, each.id), reverse=True)[:MOST]


def find_request(
    session: ReadSession, request_id: str, categories: Categories, language: Language
) -> ServiceRequest:
    """One request. Raises NoRequest."""
    found = find_requests(session, Wanted(ids=(request_id,)), categories, language)
    if not found:
        raise NoRequest("there is no service request {id}", id=request_id)
    return found[0]


def show(request: ServiceRequest, categories: Categories, language: Language) -> dict[str, Any]:
    """A request as GeoReport has it; what nobody knows is null."""
    category = categories[request.service]
    return {
        "service_request_id": request.id,
        "status": request.status,
        "status_notes": request.notes,
        "service_name": category.label(language) if category else request.service,
        "service_code": request.service,
        "description": request.description,
        "agency_responsible": request.agency,
        "service_notice": None,
        "requested_datetime": w3c(request.requested_at),
        "updated_datetime": w3c(request.updated_at),
        "expected_datetime": w3c(request.expected_at) if request.expected_at else None,
        "address": request.address,
        "address_id": None,
        "zipcode": None,
        "lat": request.lat,
        "long": request.lon,
        "media_url": None,
    }


def show_update(request: ServiceRequest) -> dict[str, Any]:
    """The latest change of a request, as FixMyStreet's extension has it."""
    return {
        "update_id": f"{request.id}.{round(request.updated_at.timestamp())}",
        "service_request_id": request.id,
        "status": request.status,
        "updated_datetime": w3c(request.updated_at),
        "description": request.notes,
        "media_url": None,
    }


def w3c(moment: datetime) -> str:
    """A moment with its zone, to the second. https://www.w3.org/TR/NOTE-datetime"""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _window(wanted: Wanted) -> tuple[datetime, datetime]:
    end = wanted.end or (wanted.start + WINDOW if wanted.start else now() + timedelta(minutes=5))
    start = wanted.start or end - WINDOW
    if start > end or end - start > WINDOW:
        raise BadDates("start_date must lie before end_date, by at most 90 days")
    return start, end


def _reported(
    session: ReadSession, wanted: Wanted, start: datetime, end: datetime, language: Language
) -> list[ServiceRequest]:
    """What other systems have sent through Open311."""
    found = select(Report).where(Report.source == "open311")
    if wanted.ids:
        found = found.where(Report.id.in_(wanted.ids))
    else:
        found = found.where(Report.created_at.between(start, end))
    reports = session.scalars(found.order_by(Report.id.desc()).limit(MOST)).all()
    became = followed(session, reports)
    return [_of_report(each, became[each.id], language) for each in reports]


def _of_report(report: Report, progress: Progress, language: Language) -> ServiceRequest:
    return ServiceRequest(
        report.id, CLOSED if progress.state in ("closed", "not_followed") else OPEN,
        NOTES[progress.state][language], report.category, report.text or None, report.created_at,
        progress.updated_at, report.address, report.lon, report.lat,
    )  # fmt: skip


def _confirmed(
    session: ReadSession,
    wanted: Wanted,
    start: datetime,
    end: datetime,
    categories: Categories,
    language: Language,
) -> list[ServiceRequest]:
    """What people have confirmed and no system has reported."""
    ours = exists().where(Report.candidate_id == Issue.candidate_id, Report.source == "open311")
    found = select(Issue, Candidate).join(Candidate, Candidate.id == Issue.candidate_id).where(~ours)
    if wanted.ids:
        found = found.where(Issue.id.in_(wanted.ids))
    else:
        found = found.where(Issue.confirmed_at.between(start, end))
    rows = session.execute(found.order_by(Issue.confirmed_at.desc()).limit(MOST)).all()
    return [_of_issue(issue, candidate, categories, language) for issue, candidate in rows]


def _of_issue(
    issue: Issue, candidate: Candidate, categories: Categories, language: Language
) -> ServiceRequest:
    closed = issue.state in ENDED or candidate.state == "gone"
    note = "not_followed" if issue.state == "not_pursued" else "closed" if closed else "confirmed"
    notes = NOTES[note][language]
    return ServiceRequest(
        issue.id, CLOSED if closed else OPEN, notes, _service(issue, categories), None, issue.confirmed_at,
        max(issue.updated_at, candidate.updated_at), None, issue.lon, issue.lat,
        issue.unit, issue.due_at,
    )  # fmt: skip


def _service(issue: Issue, categories: Categories) -> str:
    """The category of an issue: by its class, else by its condition."""
    of_condition = [each for each in categories.all if each.condition == issue.condition]
    exact: Sequence[Any] = [each for each in of_condition if each.class_name == issue.class_name]
    return next((each.code for each in (*exact, *of_condition)), OTHER)
