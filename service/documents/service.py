"""Documents by version: bring one in, read the newest, look at earlier ones."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import func, select

from streetsight.service.areas.service import require_whole_city
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.documents.tables import Version
from streetsight.service.etags import require_version
from streetsight.service.faults import NotFound
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn

KEPT = 16

Made = TypeVar("Made")
SomeVersion = TypeVar("SomeVersion", bound=Version)


class NoVersion(NotFound):
    """No version of this number."""

    code = "no_version"


def bring_in(
    session: WriteSession,
    actor: Actor,
    table: type[SomeVersion],
    noun: str,
    document: BaseModel,
    reason: str,
    wanted: int | None,
) -> SomeVersion:
    """Put a document in force as the next version.

    Args:
        noun: what the audit log calls it.
        document: has a `name`.
        wanted: the version that who asks has read; None is whichever it is.

    Raises:
        WholeCityOnly: the actor is limited to areas; what a document says holds in all.
        Stale: somebody was quicker.
    """
    require_whole_city(actor)
    take_turn(session, table.__tablename__)
    last = session.scalar(select(func.max(table.number))) or 0
    if wanted is not None:
        require_version(last, wanted)
    content = document.model_dump(mode="json", by_alias=True)
    version = table(
        number=last + 1, name=content["name"], document=content, made_by=actor.name, reason=reason
    )
    session.add(version)
    session.flush()
    record(session, actor, f"{noun}.replaced", f"{noun}/{version.number}", {"reason": reason})
    return version


def version_of(
    session: ReadSession, table: type[SomeVersion], number: int | None = None
) -> SomeVersion | None:
    """One version, or the newest; None before the first. Raises NoVersion."""
    if number is None:
        return session.scalars(select(table).order_by(table.number.desc()).limit(1)).first()
    found = session.scalars(select(table).where(table.number == number)).first()
    if found is None:
        raise NoVersion("there is no version {number}", number=number)
    return found


def list_versions(
    session: ReadSession, table: type[SomeVersion], limit: int, cursor: str | None
) -> Page[SomeVersion]:
    """All versions, newest first."""
    return page(session, select(table), table, limit, cursor)


def newest_id(session: ReadSession, table: type[Version]) -> str | None:
    """Id of the version in force; None before the first."""
    return session.connection().scalar(select(table.id).order_by(table.number.desc()).limit(1))


_made: dict[str, object] = {}


def kept(version_id: str, make: Callable[[], Made]) -> Made:
    """Versions never change, so what was made of one is kept."""
    if (made := _made.get(version_id)) is None:
        made = make()
        while len(_made) >= KEPT:
            _made.pop(next(iter(_made)), None)  # the oldest; another thread may have been quicker
        _made[version_id] = made
    return made  # type: ignore[return-value]
