"""Which frames of an archive are meant, and which of them a release has a result of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.areas.tables import Area
from streetsight.service.auth.scope import within
from streetsight.service.detections.tables import Detection, Result
from streetsight.service.frames.tables import Frame
from streetsight.service.patrols.tables import Patrol
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


class BadFilter(SpokenError):
    """A filter that cannot mean any frame; the message names it."""


def refuse_nonsense(session: ReadSession, filters: Mapping[str, Any]) -> None:
    """A filter with a slip of the pen would find nothing, and nothing looks like all is done.

    Args:
        filters: see `narrowed`.

    Raises:
        BadFilter: for a patrol, area or class that nobody knows, or a time that ends before it begins.
    """
    since, before = filters.get("taken_from"), filters.get("taken_before")
    if since and before and datetime.fromisoformat(since) >= datetime.fromisoformat(before):
        raise BadFilter(
            "--from {since} is not before --before {before}; expected the earlier time first",
            since=since, before=before,
        )  # fmt: skip
    patrol = filters.get("patrol_id")
    if patrol and session.get(Patrol, patrol) is None:
        raise BadFilter(
            "there is no patrol {patrol}; expected the id of one, as lists show it", patrol=patrol
        )
    area, name = filters.get("area_path"), filters.get("class")
    if area and not _is_area(session, area):
        raise BadFilter("there is no area {area}; expected a path of codes, as /330106/", area=area)
    if name and not _is_class(session, name):
        known = ", ".join(default_taxonomy().names)
        raise BadFilter("there is no class {name}; known are {known}", name=name, known=known)


def _is_area(session: ReadSession, path: str) -> bool:
    """Whether it is on a map of areas, or frames lie in it that came by an earlier one."""
    if not (path.startswith("/") and path.endswith("/")):
        return False
    places = (
        select(Area.id).where(Area.path == path),
        select(Frame.id).where(within((path,), Frame.area_path)),
    )
    return any(session.scalar(each.limit(1)) is not None for each in places)


def _is_class(session: ReadSession, name: str) -> bool:
    """Whether the taxonomy has it, or an older release found it."""
    found = select(Detection.result_id).where(Detection.class_name == name).limit(1)
    return name in default_taxonomy() or session.scalar(found) is not None


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
