"""What is shown of departures."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from pydantic import BaseModel, ConfigDict

from streetsight.inference.writers import plain
from streetsight.service.departures.service import Channel


class DepartureShown(BaseModel):
    """See `Departure`. `created_at`: the first time; `last_at`: the latest, of `times` in all."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    created_at: datetime
    last_at: datetime
    channel: Channel
    actor_kind: str
    actor_id: str
    actor_name: str
    what: str
    wanted: str | None
    address: str | None
    times: int
    items: int


class DeparturePage(BaseModel):
    """Departures, newest first; `next_cursor` leads on, None at the end."""

    items: list[DepartureShown]
    next_cursor: str | None


def csv_lines(rows: Iterable[object], zone: tzinfo) -> Iterator[str]:
    """A CSV for spreadsheets, line by line; moments by the clock of `zone`."""
    names = list(DepartureShown.model_fields)
    yield "\ufeff" + _line(names)  # without it Excel takes UTF-8 for something else
    for row in rows:
        shown = DepartureShown.model_validate(row)
        yield _line([_plain(getattr(shown, name), zone) for name in names])


def _line(values: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()


def _plain(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat()
    return "" if value is None else str(plain(value))
