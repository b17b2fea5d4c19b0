"""The maps of a city that a run goes by: rules, zones, areas, and zones on the pictures of fixed cameras."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streetsight.inference.patrol.inputs import Outing
from streetsight.inference.positions.coordinates import to_wgs84
from streetsight.inference.reading import PhotoError, read_photo
from streetsight.inference.rules.image_zones import ImageZones, read_image_zones
from streetsight.inference.rules.settings import Rules, ZoneKind, load_rules
from streetsight.inference.rules.zone_files import FeatureReport, read_zones
from streetsight.inference.rules.zones import Zone, ZoneMap
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy

AREA = "area"
PROBED = 10  # photos that are asked where the patrol is


class UnmaskedError(SpokenError):
    """A zone that must be masked cannot be: nothing may be done before its file is mended."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What was read.

    Attributes:
        zone_reports, area_reports: one per feature of the files.
        areas: named polygons in which coverage is measured.
        image_zones: by device id.
    """

    rules: Rules
    zones: ZoneMap
    zone_reports: tuple[FeatureReport, ...]
    areas: tuple[Zone, ...]
    area_reports: tuple[FeatureReport, ...]
    image_zones: dict[str, ImageZones]


def read_ground(
    rules: Path | None,
    zones: Path | None,
    areas: Path | None,
    image_zones: Sequence[Path],
    near: tuple[float, float] | None,
) -> Ground:
    """Read all files, before the first photo is looked at.

    Args:
        near: WGS-84 lon, lat of the patrol, to tell another city's file.

    Raises:
        RulesError, ZoneFileError, ImageZoneError: a file that cannot be used at all.
        UnmaskedError: a zone of a masking kind that cannot be drawn.
    """
    names, city = default_taxonomy().names, load_rules(rules)
    zone_map, zone_reports = ZoneMap((), city.zone_kinds), tuple[FeatureReport, ...]()
    if zones:
        zone_map, zone_reports = read_zones(zones, city.zone_kinds, names, near)
    for report in zone_reports:
        if report.masks and not report.used:
            raise UnmaskedError(
                "{path}: zone {name}, feature {number}, must be masked and cannot be ({outcome} {detail}); "
                "mend it first, or take it out",
                path=zones, name=report.name, number=report.index + 1, outcome=report.outcome,
                detail=report.detail,
            )  # fmt: skip
    drawn, area_reports = ZoneMap((), {}), tuple[FeatureReport, ...]()
    if areas:
        drawn, area_reports = read_zones(
            areas, {AREA: ZoneKind(zh="片区", en="area")}, names, near, None, AREA
        )
    on_pictures = [read_image_zones(path, city.zone_kinds, names) for path in image_zones]
    return Ground(
        city, zone_map, zone_reports, drawn.zones, area_reports, {each.device: each for each in on_pictures}
    )


def whereabouts(outings: Sequence[Outing]) -> tuple[float, float] | None:
    """WGS-84 lon, lat of any of the patrols, by track or by one of its first photos; None when none says."""
    for outing in outings:
        for source in outing.photos[:PROBED]:
            try:
                position = read_photo(source.read(), 1).metadata.position
            except PhotoError:
                continue
            if position is not None and (position.lon, position.lat) != (0, 0):
                written = np.array([[position.lon, position.lat]])
                lon, lat = to_wgs84(written, outing.profile.coordinates)[0].tolist()
                return lon, lat
        if outing.track:
            lon, lat = outing.track.lon_lat[len(outing.track.lon_lat) // 2].tolist()
            return lon, lat
    return None
