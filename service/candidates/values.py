"""What a lead of the rules is as a candidate's columns."""

from collections.abc import Mapping
from typing import Any

from streetsight.inference.patrol.rows import code_row
from streetsight.inference.places.sighting import Glimpse
from streetsight.inference.rules.candidate import Candidate, Evidence, Picture, Proposal
from streetsight.inference.rules.finding import Finding
from streetsight.service.candidates import tables

SHOWN = (
    "class_name", "code", "state", "gone_because", "score", "severity", "lon", "lat", "covariance_m2",
    "area_path", "first_seen_at", "last_seen_at", "sightings", "frames", "patrols", "findings", "proposal",
    "alternatives", "evidence", "area_m2", "needs_second_look", "best_frame_id", "best_box", "release",
    "merged_into_id",
)  # fmt: skip
"""Columns that a reader can see; when one changes, the version grows."""


def columns_of(
    lead: Candidate, frame_of: Mapping[str, str], release_of: Mapping[str, str], area_path: str | None
) -> dict[str, Any]:
    """Columns that follow from the lead.

    Args:
        frame_of, release_of: of each frame that shows it, by sha256.
    """
    place, best = lead.place, lead.evidence.close_up.glimpse
    first = [each.first_seen for each in place.sightings if each.first_seen]
    last = [each.last_seen for each in place.sightings if each.last_seen]
    area = lead.area
    return {
        "condition": lead.condition,
        "class_name": place.class_name,
        "code": code_row(lead.proposal.code),
        "score": lead.score,
        "severity": lead.severity.level,
        "lon": place.lon,
        "lat": place.lat,
        "covariance_m2": list(place.covariance_m2) if place.lon is not None else None,
        "area_path": area_path,
        "first_seen_at": min(first, default=None),
        "last_seen_at": max(last, default=None),
        "sightings": len(place.sightings),
        "frames": len({glimpse.frame_id for each in place.sightings for glimpse in each.glimpses}),
        "patrols": len({each.patrol_id for each in place.sightings}),
        "place_id": place.id,
        "findings": [*map(finding_row, lead.findings), *map(finding_row, lead.severity.reasons)],
        "proposal": _proposal(lead.proposal),
        "alternatives": [*map(_proposal, lead.alternatives)],
        "evidence": _evidence(lead.evidence, frame_of),
        "area_m2": [area.m2, area.low_m2, area.high_m2] if area else None,
        "needs_second_look": lead.needs_second_look,
        "best_frame_id": frame_of[best.frame_id],
        "best_box": list(best.box_xyxy_px),
        "release": release_of[best.frame_id],
    }


def is_news(candidate: tables.Candidate, columns: Mapping[str, Any]) -> bool:
    """Whether a reader would see a difference."""
    return any(name in SHOWN and getattr(candidate, name) != value for name, value in columns.items())


def event_of(candidate: tables.Candidate) -> dict[str, Any]:
    """What leaves the system about a candidate."""
    said = {
        name: getattr(candidate, name)
        for name in (
            "source", "condition", "state", "gone_because", "score", "severity", "code", "lon", "lat",
            "first_seen_at", "last_seen_at", "sightings", "version", "merged_into_id",
        )
    }  # fmt: skip
    return {"id": candidate.id, "class": candidate.class_name, **said}


def finding_row(finding: Finding) -> dict[str, Any]:
    """A rule's answer; `inference.rules.finding.say_reason` puts it into words of any language."""
    return {
        "rule": finding.rule, "state": finding.state, "reason": finding.reason,
        "values": dict(finding.values),
    }  # fmt: skip


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "sub_type": proposal.name,
        "label": {"zh": proposal.sub_type.zh, "en": proposal.sub_type.en},
        "code": code_row(proposal.code),
        "component": code_row(proposal.component),
        "elsewhere": [code_row(each) for each in proposal.elsewhere],
        "why": finding_row(proposal.why),
    }


def _evidence(evidence: Evidence, frame_of: Mapping[str, str]) -> dict[str, Any]:
    return {
        "panorama": _picture(evidence.panorama, frame_of) if evidence.panorama else None,
        "close_up": _picture(evidence.close_up, frame_of),
        "pair": [_picture(each, frame_of) for each in evidence.pair],
        "pair_findings": [finding_row(each) for each in evidence.pair_findings],
    }


def _picture(picture: Picture, frame_of: Mapping[str, str]) -> dict[str, Any]:
    glimpse: Glimpse = picture.glimpse
    return {
        "frame": frame_of[glimpse.frame_id],
        "sighting": picture.sighting.id,
        "taken_at": glimpse.taken_at.isoformat() if glimpse.taken_at else None,
        "score": glimpse.score,
        "box_xyxy_px": list(glimpse.box_xyxy_px),
        "size_wh": list(glimpse.size_wh),
        "whole": picture.whole,
    }
