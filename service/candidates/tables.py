"""Tables of candidates, what they rest on, and what ends them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Computed, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.auth.scope import AreaPath
from streetsight.service.sightings.tables import PASS_LENGTH
from streetsight.service.store.base import ID_LENGTH, Base, Row
from streetsight.service.store.types import Json, now

CELL_DEG = 360 / 2**14  # 64 pixels of a web map at zoom 12
CELLS_IN_ROW = 65536
CELL = f"round((lat + 90) / {CELL_DEG} - 0.5) * {CELLS_IN_ROW} + round((lon + 180) / {CELL_DEG} - 0.5)"

FILTERED = (
    "lon", "lat", "state", "condition", "class_name", "severity", "source", "score", "area_path",
    "first_seen_at", "last_seen_at", "created_at",
)  # fmt: skip
"""What lists and maps are filtered by: an index that has all of it spares the rows, which are wide."""


class Candidate(Row):
    """A place and a condition that a person should look at: a lead, never evidence by itself.

    Attributes:
        source: patrol, citizen, hotline or inspector.
        code: national code proposed, as `rows.code_row` has it: scheme, kind, code, name, verified.
        state: open, confirmed, rejected, merged or gone.
        gone_because: of state gone: recheck (a later pass found nothing there) or withdrawn (what is known
            now makes no lead of it any more).
        score: best detection score times the probability of the zone condition; None for reports.
        severity: low, medium, high, ...: an order in which to look; None for reports.
        lon, lat: WGS-84; None when unknown.
        cell: of the grid that maps count by: row from the south * CELLS_IN_ROW + column from the west; the
            database computes it.
        covariance_m2: [east-east, east-north, north-north]; None when unknown.
        sightings, frames, patrols: how many it rests on.
        place_id: of its place; None for reports.
        findings: what the rules found: rule, state, reason, values.
        proposal, alternatives: sub-types with their codes, the likeliest first.
        evidence: panorama, close-up and pair of pictures, each with frame and box.
        area_m2: [m2, low, high], or None.
        best_frame_id, best_box: frame and [x1, y1, x2, y2] of the close-up, pixels of the upright original.
        release: that saw it, on its best frame.
        version: grows when anything that a reader can see has changed; its ETag.
        decided_at: when a person decided. From then on nothing but a person changes the row.
        merged_into_id: of state merged: the candidate that it is a part of.
        pinned: a person has said which sightings belong to it; they stay, and its place does not move it.
        description: in the words of who reported it.
    """

    __tablename__ = "candidates"
    __table_args__ = (
        Index(None, "state", "id"),
        Index(None, "condition", "id"),
        Index(None, "class_name", "id"),
        Index(None, "area_path", "id"),
        Index(None, "score"),
        Index(None, "last_seen_at"),
        Index(None, "place_id"),
        Index(None, "merged_into_id"),
        Index(None, "lat", "lon"),
        Index("ix_candidates_list", "id", *FILTERED),
        Index("ix_candidates_map", "cell", *FILTERED),
    )

    source: Mapped[str] = mapped_column(String(10))
    condition: Mapped[str] = mapped_column(String(60))
    class_name: Mapped[str | None] = mapped_column(String(60))
    code: Mapped[dict[str, Any] | None] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(10), default="open")
    gone_because: Mapped[str | None] = mapped_column(String(10))
    score: Mapped[float | None]
    severity: Mapped[str | None] = mapped_column(String(20))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    cell: Mapped[float | None] = mapped_column(Computed(CELL, persisted=True))
    covariance_m2: Mapped[list[float] | None] = mapped_column(Json)
    area_path: Mapped[str | None] = mapped_column(AreaPath)
    first_seen_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]
    sightings: Mapped[int] = mapped_column(default=0)
    frames: Mapped[int] = mapped_column(default=0)
    patrols: Mapped[int] = mapped_column(default=0)
    place_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    proposal: Mapped[dict[str, Any] | None] = mapped_column(Json)
    alternatives: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    evidence: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    area_m2: Mapped[list[float] | None] = mapped_column(Json)
    needs_second_look: Mapped[bool] = mapped_column(default=False)
    best_frame_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    best_box: Mapped[list[float] | None] = mapped_column(Json)
    release: Mapped[str | None] = mapped_column(String(120))
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]
    merged_into_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"))
    pinned: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str | None] = mapped_column(Text)


class CandidateSighting(Base):
    """A sighting that a candidate rests on.

    Attributes:
        late: it came after a person had decided: attached, and nothing follows from it.
        pinned: a person put it here; it stays, whatever its place becomes.
    """

    __tablename__ = "candidate_sightings"
    __table_args__ = (Index(None, "sighting_id"),)

    candidate_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("candidates.id"), primary_key=True
    )
    sighting_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sightings.id"), primary_key=True)
    late: Mapped[bool] = mapped_column(default=False)
    pinned: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime] = mapped_column(default=now)


class CandidateReport(Row):
    """What a person outside said: the beginning of a candidate, or in support of one that was there.

    Attributes:
        candidate_id: the candidate that it stands with.
        lon, lat, uncertainty_m: where, as far as it was said; WGS-84, one sigma.
        distance_m: from the candidate's position, for one that was there before; else None.
        frame_ids: photos that came with it.
        reporter: what is known of who reported; kept apart from what is shown.
        reported_at: when they say that they saw it.
    """

    __tablename__ = "candidate_reports"
    __table_args__ = (Index(None, "candidate_id", "id"),)

    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"))
    source: Mapped[str] = mapped_column(String(10))
    condition: Mapped[str] = mapped_column(String(60))
    class_name: Mapped[str | None] = mapped_column(String(60))
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    uncertainty_m: Mapped[float | None]
    distance_m: Mapped[float | None]
    description: Mapped[str | None] = mapped_column(Text)
    frame_ids: Mapped[list[str]] = mapped_column(Json, default=list)
    reporter: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reported_at: Mapped[datetime | None]


class PlaceEnding(Row):
    """An issue was closed: what is seen there later is another thing; an `Ending` of inference.places.

    Attributes:
        undone_at: when the issue was reopened, and the place with it.
    """

    __tablename__ = "place_endings"
    __table_args__ = (Index(None, "lat", "lon"), Index(None, "candidate_id"))

    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"))
    class_name: Mapped[str] = mapped_column(String(60))
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class CandidateRecheck(Row):
    """What one later pass says about a candidate's place; see `inference.coverage.recheck.Recheck`.

    Attributes:
        at: when the pass began.
        outcome: still_present, gone, not_seen or uncertain.
        gone, matched, covered, missed, present_before: probabilities.
        sighting_id: of that pass, the likeliest to be the thing; None for none.
        frames: ids of frames that should have shown it.
    """

    __tablename__ = "candidate_rechecks"
    __table_args__ = (Index(None, "candidate_id", "pass_id", unique=True), Index(None, "pass_id"))

    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"))
    patrol_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("patrols.id"))
    pass_id: Mapped[str] = mapped_column(String(PASS_LENGTH))
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20))
    gone: Mapped[float]
    matched: Mapped[float]
    covered: Mapped[float]
    missed: Mapped[float]
    present_before: Mapped[float]
    sighting_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    frames: Mapped[list[str]] = mapped_column(Json, default=list)
