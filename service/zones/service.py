"""Zones: put in force as a whole, go back, and hand to the rules."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import shapely
from shapely.geometry import mapping, shape
from sqlalchemy import func, select

from streetsight.inference.rules.settings import ZoneKind, load_rules
from streetsight.inference.rules.zone_files import FeatureReport, ZoneFileError, parse_zones
from streetsight.inference.rules.zones import ZoneMap
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.service.areas.service import all_areas, require_whole_city
from streetsight.service.areas.tables import Area
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import SYSTEM, Actor
from streetsight.service.etags import require_version
from streetsight.service.faults import Invalid, NotFound
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.turns import take_turn
from streetsight.service.zones.tables import ZoneVersion

Document = dict[str, Any]
Read = tuple[ZoneMap, tuple[FeatureReport, ...]]
KEPT_VERSIONS = 4


class ZonesRefused(Invalid):
    """Zones that cannot be used as they were drawn; the message names up to ten."""

    code = "zones_refused"
    reports: tuple[FeatureReport, ...] = ()

    def say(self, language: Language) -> str:
        faulty = [f"{each.name}: {each.say(language)}" for each in self.reports[:10]]
        return "; ".join([super().say(language), *faulty])


class NoZones(NotFound):
    """No version of this number."""

    code = "no_zone_version"


def zones_in_force(session: ReadSession, kinds: Mapping[str, ZoneKind] | None = None) -> ZoneMap:
    """The zones that the rules go by now.

    Args:
        kinds: of the city's rules; None is the shipped ones.
    """
    kinds = load_rules().zone_kinds if kinds is None else kinds
    newest = select(ZoneVersion.id).order_by(ZoneVersion.number.desc()).limit(1)
    version_id = session.connection().scalar(newest)
    if version_id is None:
        return ZoneMap((), kinds)
    key = (version_id, tuple(kinds.items()))
    if (made := _made.get(key)) is None:
        made = read_document(session.get_one(ZoneVersion, version_id).document, kinds=kinds)[0]
        while len(_made) >= KEPT_VERSIONS:
            _made.pop(next(iter(_made)), None)  # the oldest; another thread may have been quicker
        _made[key] = made
    return made


_made: dict[tuple[str, tuple[tuple[str, ZoneKind], ...]], ZoneMap] = {}


def read_document(
    document: Document,
    near: tuple[float, float] | None = None,
    kinds: Mapping[str, ZoneKind] | None = None,
) -> Read:
    """The zones of a document, by the reader of `inference`.

    Raises:
        ZonesRefused: it declares a coordinate system that is not known.
    """
    kinds = load_rules().zone_kinds if kinds is None else kinds
    try:
        return parse_zones(document, "zones", kinds, default_taxonomy().names, near)
    except ZoneFileError as error:
        raise ZonesRefused(error.message, **error.values) from error


def middle_of_city(session: ReadSession) -> tuple[float, float] | None:
    """WGS-84 lon, lat of the middle of all areas; None while there are none."""
    areas = all_areas(session, SYSTEM)
    if not areas:
        return None
    middle = shapely.box(*shapely.total_bounds([shape(each.geometry) for each in areas])).centroid
    return middle.x, middle.y


def version_in_force(session: ReadSession) -> ZoneVersion | None:
    """None before the first zones."""
    return session.scalar(select(ZoneVersion).order_by(ZoneVersion.number.desc()).limit(1))


def require_all_used(reports: tuple[FeatureReport, ...]) -> None:
    """Raises ZonesRefused when a feature is faulty."""
    faulty = tuple(each for each in reports if each.outcome not in ("accepted", "windows_ignored"))
    if faulty:
        refused = ZonesRefused(
            "no zone was changed; {count} cannot be used as drawn. Mend them, or send partial=true to take "
            "the others",
            count=len(faulty),
        )
        refused.reports = faulty
        raise refused


def replace_zones(
    session: WriteSession, actor: Actor, document: Document, read: Read, reason: str, wanted: int
) -> ZoneVersion:
    """Put zones in force in place of those that are.

    Args:
        wanted: number of the version that who asks has seen; 0 for none.

    Raises:
        WholeCityOnly, Stale: nothing is changed.
    """
    zones, reports = read
    version = ZoneVersion(
        document=document, zones=len(zones.zones), reports=[asdict(each) for each in reports], reason=reason
    )
    return _put_in_force(session, actor, version, wanted, "zones.replaced")


def roll_back(session: WriteSession, actor: Actor, number: int, reason: str, wanted: int) -> ZoneVersion:
    """Put an earlier version in force again, as a new one. Raises NoZones, WholeCityOnly, Stale."""
    old = find_version(session, number)
    version = ZoneVersion(
        document=old.document, zones=old.zones, reports=old.reports, reason=reason, copy_of=old.number
    )
    return _put_in_force(session, actor, version, wanted, "zones.rolled_back")


def _put_in_force(
    session: WriteSession, actor: Actor, version: ZoneVersion, wanted: int, action: str
) -> ZoneVersion:
    require_whole_city(actor)
    take_turn(session, "zones")
    present = session.scalar(select(func.max(ZoneVersion.number))) or 0
    require_version(present, wanted)
    version.number, version.made_by = present + 1, actor.name
    session.add(version)
    session.flush()
    details = {
        "number": version.number, "zones": version.zones, "reason": version.reason,
        "copy_of": version.copy_of,
    }  # fmt: skip
    record(session, actor, action, f"zone_version/{version.id}", details)
    return version


def find_version(session: ReadSession, number: int) -> ZoneVersion:
    """Raises NoZones."""
    version = session.scalar(select(ZoneVersion).where(ZoneVersion.number == number))
    if version is None:
        raise NoZones("there is no version {number} of the zones", number=number)
    return version


def list_versions(session: ReadSession, limit: int, cursor: str | None) -> Page[ZoneVersion]:
    """All versions, newest first."""
    return page(session, select(ZoneVersion), ZoneVersion, limit, cursor)


def features_seen(session: ReadSession, actor: Actor, version: ZoneVersion) -> list[Document]:
    """The zones that are used, as GeoJSON features in WGS-84: those that touch the actor's areas."""
    zones, reports = read_document(version.document)
    used = [report.index for report in reports if report.used]
    around = _areas_of(all_areas(session, actor)) if actor.areas is not None else None
    return [
        {
            "type": "Feature",
            "properties": {**_properties(version.document["features"][index]), "name": zone.name},
            "geometry": mapping(zone.geometry),
        }
        for index, zone in zip(used, zones.zones, strict=True)
        if around is None or zone.geometry.intersects(around)
    ]


def _areas_of(areas: list[Area]) -> Any:
    return shapely.union_all([shape(each.geometry) for each in areas])


def _properties(feature: Any) -> Document:
    return dict(feature["properties"])
