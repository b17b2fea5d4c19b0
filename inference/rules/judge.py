"""From places to candidates: mask, gate, ask the rules of each condition, propose, choose pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import shapely

from streetsight.inference.places.sighting import Place, Sighting
from streetsight.inference.positions.local import LocalPlane
from streetsight.inference.positions.profile import DeviceProfile
from streetsight.inference.rules.area import area_of
from streetsight.inference.rules.candidate import Candidate, Evidence, Judgement, NotLead, Opinion, Picture
from streetsight.inference.rules.context import Context, usable
from streetsight.inference.rules.evidence import check_pair, choose_pair
from streetsight.inference.rules.facility import judge_facility
from streetsight.inference.rules.finding import Finding
from streetsight.inference.rules.garbage import judge_garbage
from streetsight.inference.rules.gates import gates
from streetsight.inference.rules.image_zones import ImageZones, anchor
from streetsight.inference.rules.parking import judge_parking
from streetsight.inference.rules.persistence import times_of
from streetsight.inference.rules.pictures import close_up, panorama, pictures_of
from streetsight.inference.rules.proposals import proposals
from streetsight.inference.rules.rulings import LEVELS
from streetsight.inference.rules.settings import Rules
from streetsight.inference.rules.severity import severity_of
from streetsight.inference.rules.vending import judge_vending
from streetsight.inference.rules.zones import ZoneMap
from streetsight.models.taxonomy import Taxonomy, default_taxonomy


def judge(
    places: Iterable[Place],
    zones: ZoneMap,
    rules: Rules,
    devices: Mapping[str, DeviceProfile],
    image_zones: Mapping[str, ImageZones] | None = None,
    taxonomy: Taxonomy | None = None,
) -> Judgement:
    """What each place is: a candidate per condition, or no lead with the reason. Pure; order does not matter.

    Args:
        zones: read with the kinds of these rules.
        devices: profiles by device id; what a missing one would say is "not measurable".
        image_zones: of fixed cameras, by device id.
        taxonomy: None is the default one.
    """
    context = Context(zones, rules, taxonomy or default_taxonomy(), devices, image_zones or {})
    candidates: list[Candidate] = []
    not_leads: list[NotLead] = []
    masked = 0
    for place in sorted(places, key=lambda each: each.id):
        rest, removed = mask(place, context)
        masked += removed
        for verdict in judge_place(rest, context) if rest else ():
            if isinstance(verdict, Candidate):
                candidates.append(verdict)
            else:
                not_leads.append(verdict)
    noted = note_duplicates(candidates, rules)
    noted.sort(key=lambda each: (-LEVELS.index(each.severity.level), -each.score, each.id))
    return Judgement(tuple(noted), tuple(not_leads), masked)


def mask(place: Place, context: Context) -> tuple[Place | None, int]:
    """The place without sightings in sensitive zones, and how many were removed; None when none is left.

    A place that lies in one itself goes with all its sightings.
    """
    if place.lon is not None and place.lat is not None:
        inside = context.zones.masking(place.lon, place.lat, place.covariance_m2)
        if inside >= context.rules.certainty.mask:
            return None, len(place.sightings)
    rest = tuple(each for each in place.sightings if not _is_masked(each, context))
    removed = len(place.sightings) - len(rest)
    return (replace(place, sightings=rest) if removed else place) if rest else None, removed


def judge_place(place: Place, context: Context) -> list[Candidate | NotLead]:
    """One verdict per condition that the class can be a lead for, or one that it is none for any."""
    if place.class_name not in context.taxonomy:
        return [_refused(place, None, "taxonomy", "unknown_class")]
    conditions = context.taxonomy.leads_of(place.class_name)
    if not conditions:
        return [_refused(place, None, "taxonomy", "context")]
    return [_judge_condition(place, condition, context) for condition in conditions]


def note_duplicates(candidates: Sequence[Candidate], rules: Rules) -> list[Candidate]:
    """Each with the ids of others of its condition close by in place and time; none is dropped."""
    placed = [each for each in candidates if each.place.lon is not None]
    if not placed:
        return list(candidates)
    points = np.array([[each.place.lon, each.place.lat] for each in placed], np.float64)
    tree = shapely.STRtree(shapely.points(points))
    noted = {}
    for candidate, point in zip(placed, points, strict=True):
        plane, radius = LocalPlane(*point), rules.duplicates.radius_m
        corners = plane.to_lon_lat(np.array([[-radius, -radius], [radius, radius]])).ravel()
        near = [
            placed[index].id
            for index in tree.query(shapely.box(*corners))
            if placed[index] is not candidate
            and placed[index].condition == candidate.condition
            and np.hypot(*plane.to_metres(points[index])) <= radius
            and _hours_apart(candidate, placed[index]) <= rules.duplicates.hours
        ]
        noted[candidate.id] = replace(candidate, duplicates=tuple(sorted(near)))
    return [noted.get(each.id, each) for each in candidates]


def _judge_condition(place: Place, condition: str, context: Context) -> Candidate | NotLead:
    if context.taxonomy.conditions[condition].optional and condition not in context.rules.optional_conditions:
        return _refused(place, condition, "condition", "condition_off")
    passed = gates(place, context)
    if stopped := next((each for each in passed if each.state == "not_met"), None):
        return NotLead(place, condition, stopped, passed)
    opinion = _OPINIONS.get(condition, _plain)(place, context)
    findings = (*passed, *opinion.findings)
    if opinion.refused:
        known = findings if opinion.refused in findings else (*findings, opinion.refused)
        return NotLead(place, condition, opinion.refused, known)
    return _candidate(place, condition, findings, opinion, context)


def _candidate(
    place: Place, condition: str, findings: tuple[Finding, ...], opinion: Opinion, context: Context
) -> Candidate:
    proposal, *alternatives = proposals(place, opinion, context)
    best = max(glimpse.score for _, glimpse in usable(place))
    return Candidate(
        place=place,
        condition=condition,
        findings=findings,
        proposal=proposal,
        alternatives=tuple(alternatives),
        severity=severity_of(place, opinion, context),
        area=opinion.area,
        evidence=_evidence(pictures_of(place, context.rules.pictures), condition, context),
        score=round(best * opinion.probability, 4),
        needs_second_look=opinion.needs_second_look,
    )


def _evidence(pictures: list[Picture], condition: str, context: Context) -> Evidence:
    close = close_up(pictures)
    wide = panorama(pictures, close, context.rules.pictures)
    if condition != "illegal_parking":
        return Evidence(wide, close)
    pair = choose_pair(pictures, context)
    return Evidence(wide, close, pair or (), check_pair(pair, context))


def _plain(place: Place, context: Context) -> Opinion:
    """Conditions without rules of their own: defacement, and what a city added."""
    return Opinion((), area=area_of(place, context))


_OPINIONS = {
    "illegal_parking": judge_parking,
    "street_vending": judge_vending,
    "exposed_garbage": judge_garbage,
    "broken_facility": judge_facility,
}


def _refused(place: Place, condition: str | None, rule: str, reason: str) -> NotLead:
    finding = Finding(rule, "not_met", reason, {"what": condition or place.class_name})
    return NotLead(place, condition, finding, (finding,))


def _is_masked(sighting: Sighting, context: Context) -> bool:
    """On the map with its own uncertainty, or by its box on a fixed camera's picture."""
    drawn = context.image_zones.get(sighting.device_id)
    for zone in drawn.zones if drawn else ():
        if context.rules.zone_kinds[zone.kind].masks and any(
            shapely.intersects(zone.geometry, shapely.Point(anchor(glimpse))) for glimpse in sighting.glimpses
        ):
            return True
    if sighting.lon is None or sighting.lat is None:
        return False
    own, shared = sighting.own_m2, sighting.shared_m2
    covariance = (own[0] + shared[0], own[1] + shared[1], own[2] + shared[2])
    return context.zones.masking(sighting.lon, sighting.lat, covariance) >= context.rules.certainty.mask


def _hours_apart(one: Candidate, other: Candidate) -> float:
    """Between the times at which both were seen; 0 when they overlap or a time is unknown."""
    first, second = times_of(one.place), times_of(other.place)
    if not first or not second:
        return 0.0
    return max(first[0] - second[-1], second[0] - first[-1], timedelta(0)) / timedelta(hours=1)
