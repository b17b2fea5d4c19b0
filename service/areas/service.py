"""Areas: import, find, and say where a place lies."""

from dataclasses import asdict
from typing import Any

from shapely.geometry import mapping
from sqlalchemy import func, insert, select
from sqlalchemy.orm import defer

from streetsight.service.areas.index import area_index
from streetsight.service.areas.reading import AreaRead, AreasRead
from streetsight.service.areas.tables import Area, AreaVersion
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.scope import in_scope
from streetsight.service.etags import require_version
from streetsight.service.faults import Forbidden, Invalid, NotFound
from streetsight.service.jobs.queue import enqueue
from streetsight.service.store.ids import new_id
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.store.types import now

KIND = "assign_areas"
"""Jobs that give every row its area anew; their key is the version's id."""


class NoArea(NotFound):
    """No area of this code, or none that who asks may know of."""

    code = "no_area"


class UnknownArea(Invalid):
    """A filter by an area that is not in force."""

    code = "unknown_area"


class WholeCityOnly(Forbidden):
    """It concerns the whole city, and who asks may see a part of it."""

    code = "whole_city_only"


def area_path_at(session: ReadSession, lon: float | None, lat: float | None) -> str | None:
    """Path of the smallest area that holds a place (WGS-84 degrees); None when none does."""
    if lon is None or lat is None:
        return None
    index = area_index(session)
    return index.path_at(lon, lat) if index else None


def require_whole_city(actor: Actor) -> None:
    """Raises WholeCityOnly for who is limited to some areas."""
    if actor.areas is not None:
        raise WholeCityOnly(
            "this is of the whole city, and {name} is limited to areas of it", name=actor.name
        )


def version_in_force(session: ReadSession) -> AreaVersion | None:
    """None before the first import."""
    return session.scalar(select(AreaVersion).order_by(AreaVersion.number.desc()).limit(1))


def number_in_force(session: ReadSession) -> int:
    """0 before the first import."""
    return session.scalar(select(func.max(AreaVersion.number))) or 0


def import_areas(
    session: WriteSession, actor: Actor, read: AreasRead, reason: str, wanted: int | None
) -> AreaVersion:
    """Put areas in force in place of those that are, and have every row assigned anew.

    Args:
        wanted: number of the version that who asks has seen; None for whichever there is.

    Raises:
        WholeCityOnly, Stale: nothing is changed.
    """
    require_whole_city(actor)
    take_turn(session, "areas")
    present = number_in_force(session)
    if wanted is not None:
        require_version(present, wanted)
    version = AreaVersion(
        number=present + 1, crs=read.crs, made_by=actor.name, reason=reason, areas=len(read.areas),
        warnings=[asdict(each) for each in read.warnings],
    )  # fmt: skip
    session.add(version)
    session.flush()
    session.execute(insert(Area), _rows(version, read.areas))
    enqueue(session, KIND, version.id)
    details = {"number": version.number, "areas": version.areas, "reason": reason}
    record(session, actor, "areas.imported", f"area_version/{version.id}", details)
    return version


def _rows(version: AreaVersion, areas: list[AreaRead]) -> list[dict[str, Any]]:
    # ids descend, because pages begin with the highest: outer areas come first there as well
    ids = dict(zip([area.code for area in areas], reversed([new_id() for _ in areas]), strict=True))
    moment = now()
    return [
        {
            "id": ids[area.code], "created_at": moment, "version_id": version.id, "code": area.code,
            "name": area.name, "kind": area.kind, "path": area.path, "geometry": mapping(area.geometry),
            "parent_id": ids[area.parent] if area.parent else None,
        }
        for area in areas
    ]  # fmt: skip


def list_areas(
    session: ReadSession, actor: Actor, kind: str | None, parent: str | None, limit: int, cursor: str | None
) -> Page[Area]:
    """Areas in force that the actor may see, outer ones first.

    Args:
        parent: code of the area that they lie in directly.
    """
    found = select(Area).where(Area.version_id == _newest(), in_scope(actor, Area.path))
    if kind is not None:
        found = found.where(Area.kind == kind)
    if parent is not None:
        found = found.where(Area.parent_id == find_area(session, actor, parent).id)
    return page(session, found, Area, limit, cursor)


def all_areas(session: ReadSession, actor: Actor) -> list[Area]:
    """All areas in force that the actor may see, outer ones first."""
    found = select(Area).where(Area.version_id == _newest(), in_scope(actor, Area.path))
    return list(session.scalars(found.order_by(Area.id.desc())))


def named_areas(session: ReadSession, actor: Actor) -> list[Area]:
    """The same without their outlines, which are large: for lists to choose from."""
    found = select(Area).where(Area.version_id == _newest(), in_scope(actor, Area.path))
    found = found.options(defer(Area.geometry, raiseload=True))
    return list(session.scalars(found.order_by(Area.id.desc())))


def find_area(session: ReadSession, actor: Actor, code: str) -> Area:
    """An area in force. Raises NoArea."""
    found = select(Area).where(Area.version_id == _newest(), Area.code == code, in_scope(actor, Area.path))
    area = session.scalar(found)
    if area is None:
        raise NoArea("there is no area {code}; GET /v1/areas lists them", code=code)
    return area


def path_of_area(session: ReadSession, area: str) -> str:
    """The path of an area that a filter names by its path or its code. Raises UnknownArea."""
    if area.startswith("/") and area.endswith("/"):
        return area
    path = session.scalar(select(Area.path).where(Area.version_id == _newest(), Area.code == area))
    if path is None:
        raise UnknownArea(
            "there is no area {area}; send its code, or its path as /330106/330106003/", area=area
        )
    return path


def areas_at(session: ReadSession, actor: Actor, lon: float, lat: float) -> list[Area]:
    """The areas that a place lies in, outermost first, as far as the actor may see them."""
    path = area_path_at(session, lon, lat)
    if path is None:
        return []
    codes = path.strip("/").split("/")
    found = select(Area).where(Area.version_id == _newest(), Area.code.in_(codes), in_scope(actor, Area.path))
    return sorted(session.scalars(found), key=lambda area: codes.index(area.code))


def list_versions(session: ReadSession, limit: int, cursor: str | None) -> Page[AreaVersion]:
    """All imports, newest first."""
    return page(session, select(AreaVersion), AreaVersion, limit, cursor)


def _newest() -> Any:
    return select(AreaVersion.id).order_by(AreaVersion.number.desc()).limit(1).scalar_subquery()
