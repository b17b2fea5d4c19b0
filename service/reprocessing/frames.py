"""Which frames of an archive are meant, and which of them a release has a result of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from streetsight.service.detections.tables import Result
from streetsight.service.frames.tables import Frame
from streetsight.service.releases.redetecting import narrowed
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import ReadSession

Theirs = aliased(Result, name="theirs")
"""Results of the release that the archive is looked at with."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Frames that were detected, and what is asked of them.

    Attributes:
        address: of the release.
        filters: see `narrowed`.
    """

    address: str
    filters: Mapping[str, Any] = field(default_factory=dict)

    def left(self) -> Select[str, str]:
        """Id and digest of frames that the release has not looked at, and whose photo is still here."""
        found = select(Frame.id, Frame.sha256).outerjoin(Theirs, self._theirs())
        found = found.where(Theirs.id.is_(None), Frame.photo_expired_at.is_(None))
        return narrowed(found.where(Frame.state == "detected"), self.filters)

    def pairs(self) -> Select[str, str, str | None, str]:
        """Id, digest, result in force and result of the release, of frames that have both."""
        found = select(Frame.id, Frame.sha256, Frame.result_id, Theirs.id).join(Theirs, self._theirs())
        return narrowed(found.where(Frame.result_id.is_not(None)), self.filters)

    def _theirs(self) -> Any:
        return (Theirs.frame_id == Frame.id) & (Theirs.release == self.address)


def count(session: ReadSession, frames: Select[*tuple[Any, ...]]) -> int:
    """How many there are."""
    return session.scalar(select(func.count()).select_from(frames.subquery())) or 0


def in_pages(database: Database, frames: Select[*tuple[Any, ...]], size: int) -> Iterator[list[Any]]:
    """Rows of frames, by their ids; each page in a transaction of its own."""
    after = ""
    while True:
        with database.read() as session:
            page = session.execute(frames.where(Frame.id > after).order_by(Frame.id).limit(size)).all()
        if not page:
            return
        yield [*page]
        after = page[-1].id
