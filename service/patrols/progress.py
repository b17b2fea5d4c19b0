"""How far a patrol has come: frames that arrived, were looked at, and what became of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from streetsight.service.assembling.tables import Assembly
from streetsight.service.detections.tables import Result
from streetsight.service.devices.tables import Device
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
from streetsight.service.store.sessions import ReadSession


@dataclass(slots=True)
class Progress:
    """Numbers of one patrol.

    Attributes:
        states: state of the frame -> frames.
        outcomes: outcome of looking -> frames; what the quality gate refused stands under its faults, joined
            by `+`, instead of under `accepted`.
        sightings: things seen, as of the latest assembly; None before the first.
    """

    states: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    first_taken_at: datetime | None = None
    last_taken_at: datetime | None = None
    size_bytes: int = 0
    sightings: int | None = None
    assembled_at: datetime | None = None

    @property
    def frames(self) -> int:
        return self.states.total()

    @property
    def looked_at(self) -> int:
        """Frames that are done, detection that was given up included."""
        return self.frames - self.states["queued"]


def device_names(session: ReadSession, patrols: Sequence[Patrol]) -> Mapping[str, str]:
    """Name of every patrol's device, by the device's id."""
    ids = {each.device_id for each in patrols}
    found = select(Device.id, Device.name).where(Device.id.in_(ids))
    return dict(session.execute(found).all())


def progress_of(session: ReadSession, ids: Sequence[str]) -> Mapping[str, Progress]:
    """Progress of patrols, by their ids."""
    found: dict[str, Progress] = defaultdict(Progress)
    _add_frames(session, ids, found)
    _add_outcomes(session, ids, found)
    for made in session.scalars(select(Assembly).where(Assembly.patrol_id.in_(ids))):
        one = found[made.patrol_id]
        one.sightings, one.assembled_at = made.sightings, made.assembled_at
    return found


def _add_frames(session: ReadSession, ids: Sequence[str], found: dict[str, Progress]) -> None:
    figures = (
        Frame.patrol_id, Frame.state, func.count(), func.sum(Frame.size_bytes), func.min(Frame.taken_at),
        func.max(Frame.taken_at),
    )  # fmt: skip
    rows = session.execute(
        select(*figures).where(Frame.patrol_id.in_(ids)).group_by(Frame.patrol_id, Frame.state)
    )
    for patrol_id, state, count, size, first, last in rows:
        one = found[str(patrol_id)]
        one.states[state] += count
        one.size_bytes += int(size)
        one.first_taken_at = min(filter(None, (one.first_taken_at, first)), default=None)
        one.last_taken_at = max(filter(None, (one.last_taken_at, last)), default=None)


def _add_outcomes(session: ReadSession, ids: Sequence[str], found: dict[str, Progress]) -> None:
    faults = Result.quality["faults"].as_string()
    rows = session.execute(
        select(Frame.patrol_id, Result.outcome, faults, func.count())
        .join(Result, Result.id == Frame.result_id)
        .where(Frame.patrol_id.in_(ids))
        .group_by(Frame.patrol_id, Result.outcome, faults)
    )
    for patrol_id, outcome, text, count in rows:
        reasons = json.loads(text or "[]") if outcome == "accepted" else []
        found[str(patrol_id)].outcomes["+".join(reasons) or outcome] += count
