"""What the zones say about each glimpse of a place: hours differ from glimpse to glimpse, bays cut holes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry

from streetsight.inference.places.sighting import Glimpse, Place, Sighting
from streetsight.inference.rules.context import Context, usable
from streetsight.inference.rules.image_zones import anchor
from streetsight.inference.rules.probability import probability_inside
from streetsight.inference.rules.settings import Level, ZoneKind, subjects_of
from streetsight.inference.rules.zones import Zone

Role = Literal["forbids", "permits", "marks"]
Probability = Callable[[BaseGeometry], float]
LEVELS: tuple[Level, ...] = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What zones of one role say.

    Attributes:
        probability: that it is inside one of them, its hours and permitted parts considered.
        kind, zone: the weightiest of them; empty when none comes near.
        unknown: reason code of what could not be asked; the probability then says nothing.
        on_image: by a zone on the camera's picture.
    """

    probability: float = 0.0
    kind: str = ""
    zone: str = ""
    unknown: str = ""
    on_image: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RuledGlimpse:
    """A glimpse with the zones' word on it."""

    sighting: Sighting
    glimpse: Glimpse
    ruling: Ruling


def rule_glimpses(place: Place, role: Role, context: Context, any_hour: bool = False) -> list[RuledGlimpse]:
    """Ask the zones about each usable glimpse: on its picture where it has zones, else on the map.

    Args:
        any_hour: ask as if all zones counted at all hours.
    """
    return [
        RuledGlimpse(sighting, glimpse, ruling)
        for (sighting, glimpse), ruling in zip(
            usable(place), _Court(place, role, context, any_hour).rulings(), strict=True
        )
    ]


def weightiest(ruled: Sequence[RuledGlimpse], met: float) -> Ruling:
    """The ruling that counts for the place.

    One that was measured goes before one that was not, except that "outside" is only said when nothing
    was left unasked. Over a fixed camera's frames the probability is the share of them inside.
    """
    rulings = [each.ruling for each in ruled]
    known = [each for each in rulings if not each.unknown]
    unasked = [each for each in rulings if each.unknown]
    best = max(known, key=lambda each: each.probability, default=None)
    if best is None or (unasked and best.probability == 0):
        return unasked[0] if unasked else Ruling(unknown="no_zones")
    if best.on_image and best.probability:
        inside = sum(each.probability for each in known if each.on_image)
        share = inside / sum(each.on_image for each in known)
        on_map = max((each for each in known if not each.on_image), key=lambda e: e.probability, default=None)
        if on_map and on_map.probability > share:
            return on_map
        return Ruling(share, best.kind, best.zone, on_image=True)
    return best


class _Court:
    """All rulings for one place and role; equal questions are answered once."""

    def __init__(self, place: Place, role: Role, context: Context, any_hour: bool) -> None:
        self.place, self.role, self.context, self.any_hour = place, role, context, any_hour
        self.subjects = subjects_of(place.class_name, context.taxonomy)
        self._answers: dict[tuple[Zone, ...], Ruling] = {}

    def rulings(self) -> list[Ruling]:
        place, kinds = self.place, self.context.zones.kinds_present
        asked = any(getattr(kind, self.role) & self.subjects for kind in kinds.values())
        near: list[Zone] = []
        if place.lon is not None and place.lat is not None and asked:
            near = self._concerning(self.context.zones.near(place.lon, place.lat, place.covariance_m2))
        rulings = []
        for sighting, glimpse in usable(place):
            drawn = self.context.image_zones.get(sighting.device_id)
            on_image = self._concerning(drawn.zones) if drawn else []
            if on_image:
                rulings.append(self._on_image(on_image, glimpse))
            elif not asked:
                rulings.append(Ruling(unknown="no_zones"))
            else:
                rulings.append(self._on_map(near, glimpse))
        return rulings

    def _kind(self, zone: Zone) -> ZoneKind:
        return self.context.rules.zone_kinds[zone.kind]

    def _concerning(self, zones: Sequence[Zone]) -> list[Zone]:
        """Those that have this role, or permit, for the class."""
        return [
            zone
            for zone in zones
            if (getattr(self._kind(zone), self.role) | self._kind(zone).permits) & self.subjects
            and (zone.classes is None or self.place.class_name in zone.classes)
        ]

    def _on_map(self, near: list[Zone], glimpse: Glimpse) -> Ruling:
        lon, lat = self.place.lon, self.place.lat
        if lon is None or lat is None:
            return Ruling(unknown="no_position")

        def probability(geometry: BaseGeometry) -> float:
            return probability_inside(geometry, lon, lat, self.place.covariance_m2)

        inside = self._in_force(near, glimpse)
        if inside is None:
            return Ruling(unknown="no_time")
        if inside not in self._answers:
            self._answers[inside] = self._ask(inside, probability, (lon, lat))
        return self._answers[inside]

    def _on_image(self, zones: list[Zone], glimpse: Glimpse) -> Ruling:
        point = shapely.Point(anchor(glimpse))
        inside = self._in_force(zones, glimpse)
        if inside is None:
            return Ruling(unknown="no_time")
        ruling = self._ask(inside, lambda area: float(shapely.intersects(area, point)), anchor(glimpse))
        return Ruling(ruling.probability, ruling.kind, ruling.zone, on_image=True)

    def _in_force(self, zones: Sequence[Zone], glimpse: Glimpse) -> tuple[Zone, ...] | None:
        """None when the hours of one cannot be asked."""
        if self.any_hour:
            return tuple(zones)
        answers = [zone.in_force(glimpse.taken_at) for zone in zones]
        if None in answers:
            return None
        return tuple(zone for zone, counts in zip(zones, answers, strict=True) if counts)

    def _ask(self, zones: Sequence[Zone], probability: Probability, point: tuple[float, float]) -> Ruling:
        """By kind, because a thing on the border of two zones of one kind is inside both together."""
        permits = [zone.geometry for zone in zones if self._kind(zone).permits & self.subjects]
        permitted = shapely.union_all(permits) if permits and self.role == "forbids" else None
        rulings = []
        for name in dict.fromkeys(zone.kind for zone in zones):
            kind = self.context.rules.zone_kinds[name]
            if not getattr(kind, self.role) & self.subjects:
                continue
            own = [zone for zone in zones if zone.kind == name]
            ground = shapely.union_all([zone.geometry for zone in own])
            if permitted is not None and not kind.over_permits:
                ground = shapely.difference(ground, permitted)
            nearest = min(own, key=lambda zone: shapely.distance(zone.geometry, shapely.Point(point)))
            rulings.append(Ruling(probability(ground), name, nearest.name))
        return max(rulings, key=self._weight, default=Ruling())

    def _weight(self, ruling: Ruling) -> tuple[bool, int, float]:
        """What is certain before what is likely, then the graver kind."""
        level = LEVELS.index(self.context.rules.zone_kinds[ruling.kind].level or "low")
        met = ruling.probability >= self.context.rules.certainty.met
        return met, level if met else 0, ruling.probability
