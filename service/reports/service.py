"""Reports: file them, sort them, follow them, forget who made them."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select, update

from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.service.areas.service import area_path_at
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.auth.tokens import token_hash
from streetsight.service.candidates.reports import add_report
from streetsight.service.etags import require_version
from streetsight.service.events.service import publish
from streetsight.service.faults import Conflict, Invalid, NotFound
from streetsight.service.reports.categories import OTHER, Categories, load_categories
from streetsight.service.reports.progress import followed
from streetsight.service.reports.schemas import PlaceSaid, Progress, ReportChange, ReportSaid, ReportShown
from streetsight.service.reports.tables import Report
from streetsight.service.settings import Settings
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is mistaken for another when written down
CODE_GROUPS, CODE_GROUP = 5, 4  # 99 random bits


class NoReport(NotFound):
    """No report of this id or token, or none that who asks may see."""

    code = "no_report"


class NoCategory(Invalid):
    """A category that nobody knows."""

    code = "no_category"


class NothingSaid(Invalid):
    """A report that says nothing that anybody could look for."""

    code = "nothing_said"


class AlreadySorted(Conflict):
    """It is a candidate already: decide that."""

    code = "already_sorted"


def categories_of(settings: Settings) -> Categories:
    """The categories in force. Raises CategoriesError."""
    return load_categories(settings.report_categories)


def file_report(
    session: WriteSession, said: ReportSaid, categories: Categories, sealer: Sealer
) -> tuple[Report, str | None]:
    """Write a report down and make a candidate of it, unless a person has to sort it first.

    Gives the report, and the token by which its sender follows it; None when the ticket was here before,
    then nothing is written.

    Raises:
        NothingSaid: when there is neither text nor photo.
    """
    known = select(Report).where(Report.source == said.source, Report.ticket == said.ticket)
    if said.ticket is not None and (before := session.scalar(known)) is not None:
        return before, None
    if not said.text and not said.frames:
        raise NothingSaid("say what you have seen, or add a photo")
    category = categories.by_name(said.category) or categories[OTHER]
    assert category is not None
    token, contact = new_code(), _contact(said)
    report = Report(
        source=said.source, ticket=said.ticket, token_sha256=token_hash(_plain(token)), text=said.text,
        category=category.code, condition=category.condition, class_name=category.class_name,
        address=said.address,
        frames=list(said.frames), occurred_at=said.occurred_at, details=_details(said, category.code),
        contact_sealed=sealer.seal(json.dumps(contact)) if contact else None,
    )  # fmt: skip
    _place(session, report, said.place)
    session.add(report)
    session.flush()
    _make_candidate(session, report, categories.same_within_m)
    publish(session, "report.received", f"report/{report.id}", event_of(report), report.area_path)
    return report, token


def sort_report(
    session: WriteSession,
    actor: Actor,
    report_id: str,
    version: int,
    change: ReportChange,
    categories: Categories,
) -> Report:
    """Say what a waiting report is about and where, which makes a candidate of it, or set it aside.

    Raises:
        NoReport, Stale, AlreadySorted, NoCategory: then nothing has changed.
    """
    report = find_report(session, actor, report_id, lock=True)
    require_version(report.version, version)
    if report.candidate_id is not None:
        raise AlreadySorted("it is the candidate {id} by now; decide that", id=report.candidate_id)
    if change.category is not None:
        category = categories[change.category]
        if category is None:
            raise NoCategory("there is no category {code}", code=change.category)
        report.category, report.condition = category.code, category.condition
        report.class_name = category.class_name
    if change.place is not None:
        _place(session, report, change.place)
    report.dismissed_reason = change.dismissed_reason
    report.dismissed_at = now() if change.dismissed_reason else None
    report.version += 1
    if report.dismissed_at is None:
        _make_candidate(session, report, categories.same_within_m)
    session.flush()
    record(session, actor, "report.sorted", f"report/{report.id}", change.model_dump(exclude_unset=True))
    return report


def find_report(session: ReadSession, actor: Actor, report_id: str, lock: bool = False) -> Report:
    """A report that the actor may see. Raises NoReport."""
    report = session.get(Report, report_id, with_for_update=True if lock else None)
    if report is None or not actor.sees(report.area_path):
        raise NoReport("there is no report {id} that you may see", id=report_id)
    return report


def list_reports(
    session: ReadSession,
    actor: Actor,
    limit: int,
    cursor: str | None,
    source: str | None = None,
    waiting: bool | None = None,
    candidate_id: str | None = None,
) -> Page[Report]:
    """Reports that the actor may see, newest first. `waiting`: for a person to sort them."""
    found = select(Report).where(in_scope(actor, Report.area_path))
    if source is not None:
        found = found.where(Report.source == source)
    if candidate_id is not None:
        found = found.where(Report.candidate_id == candidate_id)
    if waiting is not None:
        waits = Report.candidate_id.is_(None) & Report.dismissed_at.is_(None)
        found = found.where(waits if waiting else ~waits)
    return page(session, found, Report, limit, cursor)


def shown(session: ReadSession, reports: Sequence[Report]) -> list[ReportShown]:
    """Reports with what became of them."""
    became = followed(session, reports)
    return [ReportShown.of(each, became[each.id].state) for each in reports]


def ask(session: ReadSession, token: str) -> Progress:
    """What became of the report of this token. Raises NoReport."""
    report = session.scalar(select(Report).where(Report.token_sha256 == token_hash(_plain(token))))
    if report is None:
        raise NoReport("no report has this code; type it as it was shown")
    return followed(session, [report])[report.id]


def read_contact(session: WriteSession, actor: Actor, report_id: str, sealer: Sealer) -> Mapping[str, str]:
    """Who made a report, for those who have to ask; each look is recorded. Raises NoReport."""
    report = find_report(session, actor, report_id)
    contact: dict[str, str] = json.loads(sealer.open(report.contact_sealed)) if report.contact_sealed else {}
    record(session, actor, "report.contact_read", f"report/{report_id}")
    return contact


def erase_contacts(session: WriteSession, before: datetime) -> int:
    """Forget who made reports that came before a moment; gives how many."""
    old = update(Report).where(Report.created_at < before, Report.contact_sealed.is_not(None))
    erased = session.execute(old.values(contact_sealed=None, contact_erased_at=now()).returning(Report.id))
    return len(erased.all())


def event_of(report: Report) -> dict[str, Any]:
    """What other systems are told: nothing that somebody has typed."""
    return {
        "id": report.id, "source": report.source, "ticket": report.ticket, "category": report.category,
        "condition": report.condition, "candidate_id": report.candidate_id, "lon": report.lon,
        "lat": report.lat, "photos": len(report.frames),
    }  # fmt: skip


def new_code() -> str:
    """A token that people can write down, as `7K2M-9QXP-HT4W-B3ZC-5DRN`."""
    groups = ("".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_GROUP)) for _ in range(CODE_GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    """A code without what people add to it."""
    return "".join(letter for letter in code.upper() if letter.isalnum())


def _make_candidate(session: WriteSession, report: Report, radius_m: float) -> None:
    if report.condition is None:
        return
    candidate = add_report(
        session, source="hotline" if report.source == "hotline" else "citizen", condition=report.condition,
        class_name=report.class_name, lon=report.lon, lat=report.lat, frame_ids=report.frames,
        description="\n".join(filter(None, (report.text, report.address))) or None,
        reported_at=report.occurred_at or report.created_at,
        reporter={"report_id": report.id, "source": report.source},
        uncertainty_m=(report.position or {}).get("accuracy_m"), radius_m=radius_m,
    )  # fmt: skip
    report.candidate_id = candidate.id
    session.flush()


def _place(session: ReadSession, report: Report, place: PlaceSaid | None) -> None:
    if place is None:
        return
    lon, lat = to_wgs84(np.array([[place.lon, place.lat]]), place.crs)[0].tolist()
    report.lon, report.lat = lon, lat
    report.position = {
        "lon": lon, "lat": lat, "source": place.source, "accuracy_m": place.accuracy_m,
        "said": {"lon": place.lon, "lat": place.lat, "crs": place.crs},
    }  # fmt: skip
    report.area_path = area_path_at(session, lon, lat)


def _contact(said: ReportSaid) -> dict[str, str]:
    return {key: value for key, value in (said.contact.model_dump() if said.contact else {}).items() if value}


def _details(said: ReportSaid, category: str) -> dict[str, Any]:
    """What the channel said, and the category in its own words where we have none for it."""
    told = {"category": said.category} if said.category and category == OTHER else {}
    return {**said.details, **told}
