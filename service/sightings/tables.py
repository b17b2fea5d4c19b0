"""Tables of sightings, and of the poses that they rest on."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json

PASS_LENGTH = 200


class Sighting(Row):
    """One real thing seen on one pass; `inference.places.sighting.Sighting` as a row.

    Attributes:
        id: by what it was made of, so that the same frames give the same id.
        pass_id: the stretch of the patrol without a long pause; what inference calls a patrol.
        release: that saw it, on its best frame; each glimpse names its own.
        score: of its best detection.
        frames: how many show it.
        lon, lat: where it stands, WGS-84; None without a position.
        cell_row, cell_column: of `inference.places.grid`; what merging loads by.
        own_m2, shared_m2: covariances, [east-east, east-north, north-north].
        located_by: ground, camera, or nothing.
        glimpses: per frame: frame (id), frame_id (sha256), taken_at, score, box_xyxy_px, size_wh,
            distance_m, scorable, release.
        place_id: of the place that it belongs to; the id of the place's first sighting.
        retired_at: tracking has made another sighting of its frames since; it stays as evidence of a
            candidate that was decided by it. Merging no longer knows it.
    """

    __tablename__ = "sightings"
    __table_args__ = (
        Index(None, "cell_row", "cell_column"),
        Index(None, "patrol_id", "id"),
        Index(None, "class_name", "id"),
        Index(None, "area_path", "id"),
        Index(None, "place_id"),
        Index(None, "first_seen_at"),
    )

    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    pass_id: Mapped[str] = mapped_column(String(PASS_LENGTH))
    device_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("devices.id"))
    class_name: Mapped[str] = mapped_column(String(60))
    release: Mapped[str] = mapped_column(String(120))
    score: Mapped[float]
    frames: Mapped[int]
    first_seen_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    cell_row: Mapped[int | None]
    cell_column: Mapped[int | None]
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    own_m2: Mapped[list[float]] = mapped_column(Json)
    shared_m2: Mapped[list[float]] = mapped_column(Json)
    located_by: Mapped[str] = mapped_column(String(10))
    width_m: Mapped[float | None]
    speed_mps: Mapped[float | None]
    glimpses: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    place_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    retired_at: Mapped[datetime | None]


class FramePose(Base):
    """Where, when and which way a frame was taken, as far as its patrol tells; made anew with the patrol.

    Attributes:
        pass_id: None for a frame that belongs to none.
        outcome: accepted, duplicate, masked (taken in a sensitive zone), or why it could not be read.
        taken_at: by the corrected clock.
        lon, lat: of the lens, WGS-84.
        problems: names of `inference.positions.pose.PoseProblem`.
    """

    __tablename__ = "frame_poses"
    __table_args__ = (Index(None, "pass_id"), Index(None, "patrol_id"), Index(None, "taken_at"))

    frame_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("frames.id"), primary_key=True)
    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    pass_id: Mapped[str | None] = mapped_column(String(PASS_LENGTH))
    outcome: Mapped[str] = mapped_column(String(40))
    taken_at: Mapped[datetime | None]
    taken_offset_minutes: Mapped[int | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    heading_deg: Mapped[float | None]
    heading_sigma_deg: Mapped[float | None]
    heading_source: Mapped[str | None] = mapped_column(String(20))
    position_source: Mapped[str | None] = mapped_column(String(20))
    problems: Mapped[list[str]] = mapped_column(Json)
