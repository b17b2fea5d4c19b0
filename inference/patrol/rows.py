"""Sightings, candidates and the rest as plain JSON, and sightings back from it."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from streetsight.inference.coverage.recheck import Recheck
from streetsight.inference.patrol.patrols import Frame
from streetsight.inference.places.fusion import matrix
from streetsight.inference.places.sighting import Covariance, Glimpse, Place, Sighting
from streetsight.inference.positions.clock import ClockEstimate
from streetsight.inference.positions.pose import Pose
from streetsight.inference.rules.candidate import Candidate, NotLead, Picture, Proposal
from streetsight.inference.rules.finding import Finding
from streetsight.inference.writers import detection_rows
from streetsight.models.card import Card
from streetsight.models.taxonomy import Code, Language

CHI2_95 = 5.991  # chi-squared, 2 degrees of freedom, 95 %
DIGITS = 7  # of a degree: a centimetre

Row = dict[str, Any]


def sighting_row(sighting: Sighting, image_of: Mapping[str, str]) -> Row:
    """A sighting with all that merging and rules need of it.

    Args:
        image_of: frame id -> name of its picture, where it is known.
    """
    return {
        "id": sighting.id,
        "patrol_id": sighting.patrol_id,
        "device_id": sighting.device_id,
        "class": sighting.class_name,
        "first_seen": _iso(sighting.first_seen),
        "last_seen": _iso(sighting.last_seen),
        "lon": sighting.lon,
        "lat": sighting.lat,
        "own_m2": list(sighting.own_m2),
        "shared_m2": list(sighting.shared_m2),
        "located_by": sighting.located_by,
        "width_m": sighting.width_m,
        "speed_mps": sighting.speed_mps,
        "glimpses": [glimpse_row(each, image_of) for each in sighting.glimpses],
    }


def sighting_of(row: Row) -> Sighting:
    """A sighting again.

    Raises:
        KeyError, TypeError, ValueError: for rows that are no sightings.
    """
    return Sighting(
        id=str(row["id"]),
        patrol_id=str(row["patrol_id"]),
        device_id=str(row["device_id"]),
        class_name=str(row["class"]),
        glimpses=tuple(glimpse_of(each) for each in row["glimpses"]),
        first_seen=_moment(row["first_seen"]),
        last_seen=_moment(row["last_seen"]),
        lon=row["lon"],
        lat=row["lat"],
        own_m2=_covariance(row["own_m2"]),
        shared_m2=_covariance(row["shared_m2"]),
        located_by=row["located_by"],
        width_m=row["width_m"],
        speed_mps=row["speed_mps"],
    )


def glimpse_row(glimpse: Glimpse, image_of: Mapping[str, str]) -> Row:
    """A thing on one frame."""
    return {
        "frame_id": glimpse.frame_id,
        "image": image_of.get(glimpse.frame_id),
        "taken_at": _iso(glimpse.taken_at),
        "score": glimpse.score,  # in full: what is read back must be what was written
        "box_xyxy_px": list(glimpse.box_xyxy_px),
        "size_wh": list(glimpse.size_wh),
        "distance_m": glimpse.distance_m,
        "scorable": glimpse.scorable,
    }


def recheck_row(recheck: Recheck, patrol_id: str) -> Row:
    """What one pass said of one place."""
    return {
        "place_id": recheck.place_id,
        "patrol_id": patrol_id,
        "outcome": recheck.outcome,
        "gone": round(recheck.gone, 4),
        "matched": round(recheck.matched, 4),
        "sighting_id": recheck.sighting_id,
        "covered": round(recheck.covered, 4),
        "missed": round(recheck.missed, 4),
        "present_before": round(recheck.present_before, 4),
        "frames": [
            {"frame_id": each.frame_id, "distance_m": each.distance_m, "recall": round(each.recall, 4)}
            for each in recheck.used
        ],
    }


def frame_row(frame: Frame, card: Card, hidden: frozenset[int] = frozenset()) -> Row:
    """What became of a frame; of a masked one nothing but that.

    Args:
        hidden: indices of detections that lie in sensitive zones.
    """
    result = frame.shot.result
    row: Row = {"image": result.name, "outcome": frame.outcome}
    if frame.outcome == "masked":
        return {**row, "patrol_id": frame.patrol_id}
    row |= {
        "reason": str(frame.shot.fault) if frame.shot.fault else None,
        "sha256": result.sha256,
        "patrol_id": frame.patrol_id,
        "width": result.size_wh[0] if result.size_wh else None,
        "height": result.size_wh[1] if result.size_wh else None,
        "pose": pose_row(frame.pose) if frame.pose else None,
        "metadata_problems": list(result.metadata.problems),
        "release": card.address,
        "scorable": result.quality.scorable if result.quality else None,
        "faults": list(result.quality.faults) if result.quality else [],
        "brightness": round(result.quality.brightness, 1) if result.quality else None,
    }
    found = list(detection_rows(result, card)) if frame.known else []
    return row | {"detections": [each for index, each in enumerate(found) if index not in hidden]}


def pose_row(pose: Pose) -> Row:
    """When, where and which way, with what is wrong about that."""
    position = pose.position
    return {
        "taken_at": _iso(pose.taken_at),
        "lon": round(position.lon, DIGITS) if position else None,
        "lat": round(position.lat, DIGITS) if position else None,
        "accuracy_m": round(position.accuracy_m, 2) if position and position.accuracy_m else None,
        "source": position.source if position else None,
        "heading_deg": round(position.heading_deg, 1)
        if position and position.heading_deg is not None
        else None,
        "heading_sigma_deg": round(pose.heading_sigma_deg, 1) if pose.heading_sigma_deg is not None else None,
        "heading_source": pose.heading_source,
        "problems": list(pose.problems),
    }


def clock_row(clock: ClockEstimate) -> Row:
    """How far the device's clock was off, and who says so."""
    return {
        "offset_s": round(clock.offset_s, 3), "sigma_s": round(clock.sigma_s, 3), "method": clock.method,
        "frames_used": clock.frames_used, "refusal": clock.refusal,
    }  # fmt: skip


def candidate_row(candidate: Candidate, language: Language, image_of: Mapping[str, str]) -> Row:
    """All that is known of a candidate, without its number, pictures and re-checks."""
    place, evidence = candidate.place, candidate.evidence
    times = [each for s in place.sightings for each in (s.first_seen, s.last_seen) if each]
    return {
        "id": candidate.id,
        "class": candidate.class_name,
        "condition": candidate.condition,
        "severity": candidate.severity.level,
        "severity_reasons": [finding_row(each, language) for each in candidate.severity.reasons],
        "score": candidate.score,
        "needs_second_look": candidate.needs_second_look,
        "position": position_row(place),
        "area_m2": None
        if candidate.area is None
        else [candidate.area.low_m2, candidate.area.m2, candidate.area.high_m2],
        "proposal": proposal_row(candidate.proposal, language),
        "alternatives": [proposal_row(each, language) for each in candidate.alternatives],
        "findings": [finding_row(each, language) for each in candidate.findings],
        "evidence": {
            "panorama": _picture_row(evidence.panorama, image_of),
            "close_up": _picture_row(evidence.close_up, image_of),
            "pair": [_picture_row(each, image_of) for each in evidence.pair],
            "pair_findings": [finding_row(each, language) for each in evidence.pair_findings],
        },
        "duplicates": list(candidate.duplicates),
        "first_seen": _iso(min(times, default=None)),
        "last_seen": _iso(max(times, default=None)),
        "patrols": sorted({each.patrol_id for each in place.sightings}),
        "frames": len({glimpse.frame_id for each in place.sightings for glimpse in each.glimpses}),
        "sightings": [sighting_row(each, image_of) for each in place.sightings],
    }


def not_lead_row(not_lead: NotLead, language: Language) -> Row:
    """A place that is no lead, and why."""
    return {
        "id": not_lead.place.id,
        "class": not_lead.place.class_name,
        "condition": not_lead.condition,
        "position": position_row(not_lead.place),
        "reason": finding_row(not_lead.reason, language),
        "findings": [finding_row(each, language) for each in not_lead.findings],
        "sightings": [each.id for each in not_lead.place.sightings],
    }


def finding_row(finding: Finding, language: Language) -> Row:
    """A rule's answer, for machines and in words."""
    return {
        "rule": finding.rule, "state": finding.state, "reason": finding.reason,
        "values": dict(finding.values), "says": finding.say(language),
    }  # fmt: skip


def proposal_row(proposal: Proposal, language: Language) -> Row:
    """A sub-type with its codes."""
    return {
        "sub_type": proposal.name,
        "label": proposal.sub_type.label(language),
        "code": code_row(proposal.code),
        "component": code_row(proposal.component),
        "elsewhere": [code_row(each) for each in proposal.elsewhere],
        "why": finding_row(proposal.why, language),
    }


def code_row(code: Code | None) -> Row | None:
    """A code with the scheme without which it means nothing."""
    if code is None:
        return None
    return {
        "scheme": code.scheme, "kind": code.kind, "code": code.code, "name": code.name,
        "verified": code.verified,
    }  # fmt: skip


def position_row(place: Place) -> Row | None:
    """Where a place is, with the ellipse that holds it 19 times of 20; None without a position."""
    if place.lon is None or place.lat is None:
        return None
    major, minor, bearing = ellipse_95(place.covariance_m2)
    return {
        "lon": round(place.lon, DIGITS), "lat": round(place.lat, DIGITS), "crs": "WGS-84",
        "ellipse_95": {
            "semi_major_m": round(major, 2), "semi_minor_m": round(minor, 2), "bearing_deg": round(bearing, 1)
        },
    }  # fmt: skip


def ellipse_95(covariance_m2: Covariance) -> tuple[float, float, float]:
    """Semi-major and semi-minor axis, metres, and the major one's bearing in [0, 180), degrees from north."""
    values, vectors = np.linalg.eigh(matrix(covariance_m2))
    minor, major = np.sqrt(np.maximum(values, 0) * CHI2_95).tolist()
    east, north = vectors[:, 1].tolist()
    return major, minor, math.degrees(math.atan2(east, north)) % 180


def _picture_row(picture: Picture | None, image_of: Mapping[str, str]) -> Row | None:
    if picture is None:
        return None
    return {"sighting_id": picture.sighting.id, "whole": picture.whole} | glimpse_row(
        picture.glimpse, image_of
    )


def glimpse_of(row: Row) -> Glimpse:
    """A glimpse again. Raises KeyError, TypeError, ValueError for rows that are none."""
    x0, y0, x1, y1 = (float(each) for each in row["box_xyxy_px"])
    width, height = (int(each) for each in row["size_wh"])
    return Glimpse(
        str(row["frame_id"]), _moment(row["taken_at"]), float(row["score"]), (x0, y0, x1, y1),
        (width, height), row["distance_m"], bool(row["scorable"]),
    )  # fmt: skip


def _covariance(values: Any) -> Covariance:
    ee, en, nn = (float(each) for each in values)
    return ee, en, nn


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
