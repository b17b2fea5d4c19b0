"""How many reports the public may send: counted in the database, so that all servers count together."""

from collections.abc import Mapping
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


def count_public(server: Resources, sealer: Sealer, address: str) -> None:
    """Count one try of the public to report, before its body is read.

    Args:
        address: of who sends it; only its keyed hash is kept, for two days.

    Raises:
        TooManyReports: saying when to come again.
    """
    origin = sealer.digest(network_of(address))[:32]
    limits = server.settings
    count_reports(server, {ALL: limits.reports_per_hour, origin: limits.reports_per_address})


def count_reports(server: Resources, limits: Mapping[str, int]) -> None:
    """Count one report of each origin, unless one of them has reached its limit. Raises TooManyReports."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    with server.database.read() as session:  # a flood costs no writes
        counts = _counts(session, hour, list(limits))
    _refuse(hour, limits, {origin: counts.get(origin, 0) + 1 for origin in limits})
    _refuse(hour, limits, server.writer.run(partial(_count, hour=hour, origins=list(limits))))


def network_of(address: str) -> str:
    """What one household has: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64)
    return str(parsed)


def _refuse(hour: datetime, limits: Mapping[str, int], counts: Mapping[str, int]) -> None:
    if any(counts[origin] > limit for origin, limit in limits.items()):
        wait = (hour + timedelta(hours=1) - now()).total_seconds()
        raise TooManyReports(
            "too many reports came in this hour; please send yours again in {minutes} minutes",
            minutes=max(1, round(wait / 60)), retry_after_seconds=wait,
        )  # fmt: skip


def _counts(session: ReadSession, hour: datetime, origins: list[str]) -> dict[str, int]:
    found = select(ReportHour).where(ReportHour.hour == hour, ReportHour.origin.in_(origins))
    return {each.origin: each.reports for each in session.scalars(found)}


def _count(session: WriteSession, hour: datetime, origins: list[str]) -> dict[str, int]:
    added = upsert(session, ReportHour).on_conflict_do_update(
        index_elements=[ReportHour.hour, ReportHour.origin], set_={"reports": ReportHour.reports + 1}
    )
    one, counts = added.returning(ReportHour.reports), dict[str, int]()
    for origin in sorted(origins):  # in one order, so that two servers never wait for each other
        row = {"hour": hour, "origin": origin, "reports": 1}
        counts[origin] = session.connection().execute(one, row).scalar_one()
    if 1 in counts.values():  # seldom enough
        session.execute(delete(ReportHour).where(ReportHour.hour < hour - KEPT))
    return counts
