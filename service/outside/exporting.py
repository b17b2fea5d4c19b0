"""Files of issues in the field names of the national standard, for the server and for a command."""

from dataclasses import replace

from pydantic_core import to_json

from streetsight.service.auth.actor import Actor
from streetsight.service.exports import Crs, Style, csv_text
from streetsight.service.issues.queries import Filters, conditions_of
from streetsight.service.outside.authorities import read_authorities
from streetsight.service.outside.national import COLUMNS, National, Wanted, matters, rows_for_people
from streetsight.service.scoring.spans import span_of
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession


def found_matters(
    session: ReadSession,
    settings: Settings,
    actor: Actor,
    filters: Filters,
    period: str | None,
    wanted: Wanted,
) -> National:
    """Issues that the actor may see, by the filters of the list.

    Args:
        period: in which they were confirmed, by the city's clock; None goes by the filters alone.

    Raises:
        BadPeriod, AuthoritiesRefused, UnknownArea, TooManyRows
    """
    if period is not None:
        begins, ends = span_of(period).moments(settings.zone)
        filters = replace(filters, confirmed_from=begins, confirmed_before=ends)
    condition = conditions_of(session, actor, filters, settings.zone)
    authorities = read_authorities(settings.authorities_file)
    return matters(session, condition, wanted, authorities, settings.max_export_rows)


def as_file(found: National, form: str, settings: Settings, wanted: Wanted, crs: Crs = "wgs84") -> bytes:
    """Args: form: csv or json; crs: of the coordinates in a CSV."""
    if form == "json":
        return to_json(found, indent=1)
    style = Style("csv", crs, wanted.language, settings.zone, "matters")
    return "".join(csv_text(rows_for_people(found, wanted.language), COLUMNS, style)).encode()
