"""The calendar and the deadlines in force: bring a version in, read the newest."""

from functools import partial
from zoneinfo import ZoneInfo

from streetsight.service.auth.actor import Actor
from streetsight.service.calendar.reading import CalendarDocument, DeadlineDocument
from streetsight.service.calendar.tables import CalendarVersion, DeadlineVersion
from streetsight.service.calendar.working import Uncalendared, WorkingCalendar
from streetsight.service.documents import service as documents
from streetsight.service.documents.service import kept, newest_id
from streetsight.service.store.sessions import ReadSession, WriteSession

NONE = DeadlineDocument(name="-")


def calendar_in_force(session: ReadSession, zone: ZoneInfo) -> WorkingCalendar:
    """The city's calendar; without one, a stand-in that knows the zone and refuses working time."""
    version_id = newest_id(session, CalendarVersion)
    if version_id is None:
        return Uncalendared(zone)
    return kept(version_id, partial(_calendar, session, version_id))


def deadlines_in_force(session: ReadSession) -> DeadlineDocument:
    """The city's deadlines; without any, a table of nothing."""
    version_id = newest_id(session, DeadlineVersion)
    return NONE if version_id is None else kept(version_id, partial(_deadlines, session, version_id))


def bring_in(
    session: WriteSession,
    actor: Actor,
    document: CalendarDocument | DeadlineDocument,
    reason: str,
    wanted: int | None,
) -> CalendarVersion | DeadlineVersion:
    """Put a document in force as the next version; see `documents.service.bring_in`. Raises Stale."""
    if isinstance(document, CalendarDocument):
        return documents.bring_in(session, actor, CalendarVersion, "calendar", document, reason, wanted)
    return documents.bring_in(session, actor, DeadlineVersion, "deadlines", document, reason, wanted)


def _calendar(session: ReadSession, version_id: str) -> WorkingCalendar:
    return CalendarDocument.model_validate(session.get_one(CalendarVersion, version_id).document).made()


def _deadlines(session: ReadSession, version_id: str) -> DeadlineDocument:
    return DeadlineDocument.model_validate(session.get_one(DeadlineVersion, version_id).document)
