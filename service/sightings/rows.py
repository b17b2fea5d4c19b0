"""Sightings and poses as rows, and back."""

from collections.abc import Mapping
from typing import Any

from streetsight.inference.patrol.patrols import Frame
from streetsight.inference.patrol.rows import glimpse_of, glimpse_row
from streetsight.inference.places.grid import cell_of
from streetsight.inference.places.sighting import Covariance, Glimpse, Sighting
from streetsight.inference.positions.pose import Pose
from streetsight.models.frame import Position
from streetsight.service.assembling.loading import Material
from streetsight.service.sightings import tables
from streetsight.service.store.types import offset_minutes, with_offset


def columns_of(sighting: Sighting, material: Material) -> dict[str, Any]:
    """A new row; place and area are not known yet."""
    best = max(sighting.glimpses, key=lambda each: (each.scorable, each.score))
    row, column = (None, None)
    if sighting.lon is not None and sighting.lat is not None:
        row, column = cell_of(sighting.lon, sighting.lat)
    return {
        "id": sighting.id,
        "patrol_id": material.patrol_id, "pass_id": sighting.patrol_id, "device_id": material.device_id,
        "class_name": sighting.class_name,
        "release": material.release_of[best.frame_id],
        "score": sighting.score,
        "frames": len(sighting.glimpses),
        "first_seen_at": sighting.first_seen, "last_seen_at": sighting.last_seen,
        "lon": sighting.lon, "lat": sighting.lat, "cell_row": row, "cell_column": column,
        "own_m2": list(sighting.own_m2), "shared_m2": list(sighting.shared_m2),
        "located_by": sighting.located_by, "width_m": sighting.width_m, "speed_mps": sighting.speed_mps,
        "glimpses": [glimpse_columns(each, material) for each in sighting.glimpses],
    }  # fmt: skip


def glimpse_columns(glimpse: Glimpse, material: Material) -> dict[str, Any]:
    """A thing on one frame, with the frame's id and the release that saw it."""
    row = glimpse_row(glimpse, material.frame_of)
    return {"frame": row.pop("image"), **row, "release": material.release_of[glimpse.frame_id]}


def sighting_of(row: tables.Sighting, device_name: str) -> Sighting:
    """A stored sighting as inference has it."""
    return Sighting(
        id=row.id,
        patrol_id=row.pass_id,
        device_id=device_name,
        class_name=row.class_name,
        glimpses=tuple(glimpse_of(each) for each in row.glimpses),
        first_seen=row.first_seen_at,
        last_seen=row.last_seen_at,
        lon=row.lon,
        lat=row.lat,
        own_m2=_covariance(row.own_m2),
        shared_m2=_covariance(row.shared_m2),
        located_by=row.located_by,  # type: ignore[arg-type]  # written by `columns_of`
        width_m=row.width_m,
        speed_mps=row.speed_mps,
    )


def pose_columns(frame: Frame, material: Material) -> dict[str, Any]:
    """The pose of a frame that could be read."""
    assert frame.pose is not None
    position = frame.pose.position
    return {
        "frame_id": material.frame_of[frame.shot.result.sha256 or ""],
        "patrol_id": material.patrol_id,
        "pass_id": frame.patrol_id,
        "outcome": frame.outcome,
        "taken_at": frame.pose.taken_at,
        "taken_offset_minutes": offset_minutes(frame.pose.taken_at),
        "lon": position.lon if position else None,
        "lat": position.lat if position else None,
        "accuracy_m": position.accuracy_m if position else None,
        "heading_deg": position.heading_deg if position else None,
        "heading_sigma_deg": frame.pose.heading_sigma_deg,
        "heading_source": frame.pose.heading_source,
        "position_source": position.source if position else None,
        "problems": list(frame.pose.problems),
    }


def pose_of(row: tables.FramePose) -> Pose:
    """A stored pose as inference has it."""
    position = None
    if row.lon is not None and row.lat is not None:
        source: Any = row.position_source
        position = Position(row.lon, row.lat, source, row.accuracy_m, row.heading_deg)
    problems: Any = tuple(row.problems)
    heading_source: Any = row.heading_source
    taken_at = with_offset(row.taken_at, row.taken_offset_minutes)
    return Pose(taken_at, position, row.heading_sigma_deg, problems, heading_source)


def keys_of(glimpses: list[Mapping[str, Any]]) -> set[tuple[Any, ...]]:
    """What a sighting was made of: its boxes, by frame."""
    return {(each["frame_id"], *each["box_xyxy_px"]) for each in glimpses}


def _covariance(values: list[float]) -> Covariance:
    ee, en, nn = values
    return ee, en, nn
