"""Tables of the city's calendars and of its deadlines: whole documents, of which the newest is in force."""

from streetsight.service.documents.tables import Version


class CalendarVersion(Version):
    """Working days and hours; see `reading.CalendarDocument`."""

    __tablename__ = "calendar_versions"


class DeadlineVersion(Version):
    """Limits, extensions, supervision; see `reading.DeadlineDocument`."""

    __tablename__ = "deadline_versions"
