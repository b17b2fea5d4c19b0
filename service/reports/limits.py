"""How many reports the public may send: counted in the database, so that all servers count together."""

from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv6Address, ip_address

from sqlalchemy import delete, select

from streetsight.service.faults import OverQuota
from streetsight.service.reports.tables import ReportHour
from streetsight.service.resources import Resources
from streetsight.service.store.sealing import Sealer
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now
from streetsight.service.store.upsert import upsert

ALL = "all"
KEPT = timedelta(days=2)


class TooManyReports(OverQuota):
    """More reports than one address, or everybody together, may send in an hour."""

    code = "too_many_reports"


def count_report(server: Resources, sealer: Sealer, address: str) -> None:
    """Count one try to report, before its body is read.

    Args:
        address: of who sends it; only its keyed hash is kept, for two days.

    Raises:
        TooManyReports: saying when to come again.
    """
    hour, origin = now().replace(minute=0, second=0, microsecond=0), sealer.digest(network_of(address))[:32]
    with server.database.read() as session:  # a flood costs no writes
        _refuse(server, hour, *_counts(session, hour, origin), more=1)
    own, everybody = server.writer.run(partial(_count, hour=hour, origin=origin))
    _refuse(server, hour, own, everybody, more=0)


def network_of(address: str) -> str:
    """What one household has: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64)
    return str(parsed)


def _refuse(server: Resources, hour: datetime, own: int, everybody: int, more: int) -> None:
    limits = server.settings
    if own + more > limits.reports_per_address or everybody + more > limits.reports_per_hour:
        wait = (hour + timedelta(hours=1) - now()).total_seconds()
        raise TooManyReports(
            "too many reports came in this hour; please send yours again in {minutes} minutes",
            minutes=max(1, round(wait / 60)), retry_after_seconds=wait,
        )  # fmt: skip


def _counts(session: ReadSession, hour: datetime, origin: str) -> tuple[int, int]:
    found = select(ReportHour).where(ReportHour.hour == hour, ReportHour.origin.in_((origin, ALL)))
    counts = {each.origin: each.reports for each in session.scalars(found)}
    return counts.get(origin, 0), counts.get(ALL, 0)


def _count(session: WriteSession, hour: datetime, origin: str) -> tuple[int, int]:
    added = upsert(session, ReportHour).on_conflict_do_update(
        index_elements=[ReportHour.hour, ReportHour.origin], set_={"reports": ReportHour.reports + 1}
    )
    one = added.returning(ReportHour.reports)
    rows = [{"hour": hour, "origin": each, "reports": 1} for each in (origin, ALL)]
    own, everybody = (int(session.connection().execute(one, row).scalar_one()) for row in rows)
    if own == 1:  # seldom enough
        session.execute(delete(ReportHour).where(ReportHour.hour < hour - KEPT))
    return own, everybody
