"""The calendar and the deadlines in force: bring a version in, read the newest."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.calendar.reading import CalendarDocument, DeadlineDocument
from streetsight.service.calendar.tables import CalendarVersion, DeadlineVersion, Version
from streetsight.service.calendar.working import Uncalendared, WorkingCalendar
from streetsight.service.etags import require_version
from streetsight.service.faults import NotFound
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession

Table = type[CalendarVersion] | type[DeadlineVersion]
NONE = DeadlineDocument(name="-")
KEPT = 8

Made = TypeVar("Made")


class NoVersion(NotFound):
    """No version of this number."""

    code = "no_version"


def calendar_in_force(session: ReadSession, zone: ZoneInfo) -> WorkingCalendar:
    """The city's calendar; without one, a stand-in that knows the zone and refuses working time."""
    version_id = _newest(session, CalendarVersion)
    if version_id is None:
        return Uncalendared(zone)
    return _kept(version_id, partial(_calendar, session, version_id))


def deadlines_in_force(session: ReadSession) -> DeadlineDocument:
    """The city's deadlines; without any, a table of nothing."""
    version_id = _newest(session, DeadlineVersion)
    return NONE if version_id is None else _kept(version_id, partial(_deadlines, session, version_id))


def bring_in(
    session: WriteSession,
    actor: Actor,
    document: CalendarDocument | DeadlineDocument,
    reason: str,
    wanted: int | None,
) -> Version:
    """Put a document in force as the next version.

    Args:
        wanted: the version that who asks has read; None is whichever it is.

    Raises:
        Stale: somebody was quicker.
    """
    table: Table = CalendarVersion if isinstance(document, CalendarDocument) else DeadlineVersion
    last = session.scalar(select(func.max(table.number))) or 0
    if wanted is not None:
        require_version(last, wanted)
    version = table(
        number=last + 1, name=document.name, document=document.model_dump(mode="json", by_alias=True),
        made_by=actor.name, reason=reason,
    )  # fmt: skip
    session.add(version)
    session.flush()
    noun = "calendar" if table is CalendarVersion else "deadlines"
    record(session, actor, f"{noun}.replaced", f"{noun}/{version.number}", {"reason": reason})
    return version


def version_of(session: ReadSession, table: Table, number: int | None = None) -> Version | None:
    """One version, or the newest; None before the first. Raises NoVersion."""
    if number is None:
        return session.scalars(select(table).order_by(table.number.desc()).limit(1)).first()
    found = session.scalars(select(table).where(table.number == number)).first()
    if found is None:
        raise NoVersion("there is no version {number}", number=number)
    return found


def list_versions(session: ReadSession, table: Table, limit: int, cursor: str | None) -> Page[Version]:
    """All versions, newest first."""
    return page(session, select(table), table, limit, cursor)


def _newest(session: ReadSession, table: Table) -> str | None:
    return session.connection().scalar(select(table.id).order_by(table.number.desc()).limit(1))


def _calendar(session: ReadSession, version_id: str) -> WorkingCalendar:
    return CalendarDocument.model_validate(session.get_one(CalendarVersion, version_id).document).made()


def _deadlines(session: ReadSession, version_id: str) -> DeadlineDocument:
    return DeadlineDocument.model_validate(session.get_one(DeadlineVersion, version_id).document)


_made: dict[str, object] = {}


def _kept(version_id: str, make: Callable[[], Made]) -> Made:
    """Versions never change, so what was made of one is kept."""
    if (made := _made.get(version_id)) is None:
        made = make()
        while len(_made) >= KEPT:
            _made.pop(next(iter(_made)), None)  # the oldest; another thread may have been quicker
        _made[version_id] = made
    return made  # type: ignore[return-value]
