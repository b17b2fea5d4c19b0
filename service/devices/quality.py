"""What a camera's pictures were worth, day by day: refused by the quality gate, or of no use at all."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlalchemy import func, select

from streetsight.service.detections.tables import Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.store.ids import first_id
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now


@dataclass(frozen=True, slots=True)
class QualityDay:
    """One day of one device, by when its frames arrived.

    Attributes:
        frames: that were looked at.
        scorable: of them, could be judged.
        faults: why not -> frames; reasons of the quality gate, and of photos that could not be read. A
            frame may have several.
    """

    day: date
    frames: int
    scorable: int
    faults: Counter[str]

    @property
    def refused(self) -> float | None:
        """Share of frames that could not be judged; None on a day without any."""
        return 1 - self.scorable / self.frames if self.frames else None


def quality_days(session: ReadSession, device: Device, zone: tzinfo, days: int = 14) -> list[QualityDay]:
    """The latest days of the city's calendar, today first."""
    today = now().astimezone(zone).date()
    return [_day(session, device.id, today - timedelta(days=back), zone) for back in range(days)]


def _day(session: ReadSession, device_id: str, day: date, zone: tzinfo) -> QualityDay:
    begin, end = (
        first_id(datetime.combine(each, time(), zone).astimezone(UTC)) for each in (day, day + timedelta(1))
    )
    faults = Result.quality["faults"].as_string()
    found = (
        select(Result.outcome, faults, func.count())
        .join(Frame, Frame.result_id == Result.id)
        .where(Frame.device_id == device_id, Frame.id >= begin, Frame.id < end)
        .group_by(Result.outcome, faults)
    )
    return _tallied(day, session.execute(found))


def _tallied(day: date, rows: Iterable[tuple[str, str | None, int]]) -> QualityDay:
    """Rows of outcome, faults as a JSON list, and number of frames, added up."""
    frames = scorable = 0
    faults: Counter[str] = Counter()
    for outcome, text, count in rows:
        frames += count
        reasons = json.loads(text or "[]") if outcome == "accepted" else [outcome]
        scorable += 0 if reasons else count
        for reason in reasons:
            faults[reason] += count
    return QualityDay(day, frames, scorable, faults)
