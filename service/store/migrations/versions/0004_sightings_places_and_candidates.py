"""Sightings, poses, candidates, re-checks, coverage, device profiles and tracks."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

CELL = "round((lat + 90) / 0.02197265625 - 0.5) * 65536 + round((lon + 180) / 0.02197265625 - 0.5)"
FILTERED = (
    "lon", "lat", "state", "condition", "class_name", "severity", "source", "score", "area_path",
    "first_seen_at", "last_seen_at", "created_at",
)  # fmt: skip

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "candidates",
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("condition", sa.String(length=60), nullable=False),
        sa.Column("class_name", sa.String(length=60), nullable=True),
        sa.Column("code", Json, nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("gone_because", sa.String(length=10), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("cell", sa.Double(), sa.Computed(CELL, persisted=True), nullable=True),
        sa.Column("covariance_m2", Json, nullable=True),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("first_seen_at", UtcDateTime(), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("patrols", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=True),
        sa.Column("findings", Json, nullable=False),
        sa.Column("proposal", Json, nullable=True),
        sa.Column("alternatives", Json, nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("area_m2", Json, nullable=True),
        sa.Column("needs_second_look", sa.Boolean(), nullable=False),
        sa.Column("best_frame_id", sa.String(length=36), nullable=True),
        sa.Column("best_box", Json, nullable=True),
        sa.Column("release", sa.String(length=120), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("merged_into_id", sa.String(length=36), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["candidates.id"], name=op.f("fk_candidates_merged_into_id_candidates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
    )
    op.create_index(op.f("ix_candidates_area_path_id"), "candidates", ["area_path", "id"], unique=False)
    op.create_index(op.f("ix_candidates_class_name_id"), "candidates", ["class_name", "id"], unique=False)
    op.create_index(op.f("ix_candidates_condition_id"), "candidates", ["condition", "id"], unique=False)
    op.create_index(op.f("ix_candidates_last_seen_at"), "candidates", ["last_seen_at"], unique=False)
    op.create_index(op.f("ix_candidates_lat_lon"), "candidates", ["lat", "lon"], unique=False)
    op.create_index("ix_candidates_list", "candidates", ["id", *FILTERED], unique=False)
    op.create_index("ix_candidates_map", "candidates", ["cell", *FILTERED], unique=False)
    op.create_index(op.f("ix_candidates_merged_into_id"), "candidates", ["merged_into_id"], unique=False)
    op.create_index(op.f("ix_candidates_place_id"), "candidates", ["place_id"], unique=False)
    op.create_index(op.f("ix_candidates_score"), "candidates", ["score"], unique=False)
    op.create_index(op.f("ix_candidates_state_id"), "candidates", ["state", "id"], unique=False)
    op.create_table(
        "candidate_reports",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("condition", sa.String(length=60), nullable=False),
        sa.Column("class_name", sa.String(length=60), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("uncertainty_m", sa.Double(), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("frame_ids", Json, nullable=False),
        sa.Column("reporter", Json, nullable=True),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_candidate_reports_candidate_id_candidates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_reports")),
    )
    op.create_index(
        op.f("ix_candidate_reports_candidate_id_id"),
        "candidate_reports",
        ["candidate_id", "id"],
        unique=False,
    )
    op.create_table(
        "device_profiles",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("profile", Json, nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_profiles_device_id_devices")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_profiles")),
    )
    op.create_table(
        "place_endings",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("class_name", sa.String(length=60), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("radius_m", sa.Double(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_place_endings_candidate_id_candidates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_endings")),
    )
    op.create_index(op.f("ix_place_endings_candidate_id"), "place_endings", ["candidate_id"], unique=False)
    op.create_index(op.f("ix_place_endings_lat_lon"), "place_endings", ["lat", "lon"], unique=False)
    op.create_table(
        "assemblies",
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("assembled_at", UtcDateTime(), nullable=False),
        sa.Column("summary", Json, nullable=False),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrols.id"], name=op.f("fk_assemblies_patrol_id_patrols")),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_assemblies")),
    )
    op.create_table(
        "candidate_rechecks",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("pass_id", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("gone", sa.Double(), nullable=False),
        sa.Column("matched", sa.Double(), nullable=False),
        sa.Column("covered", sa.Double(), nullable=False),
        sa.Column("missed", sa.Double(), nullable=False),
        sa.Column("present_before", sa.Double(), nullable=False),
        sa.Column("sighting_id", sa.String(length=36), nullable=True),
        sa.Column("frames", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_candidate_rechecks_candidate_id_candidates")
        ),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.id"], name=op.f("fk_candidate_rechecks_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidate_rechecks")),
    )
    op.create_index(
        op.f("ix_candidate_rechecks_candidate_id_pass_id"),
        "candidate_rechecks",
        ["candidate_id", "pass_id"],
        unique=True,
    )
    op.create_index(op.f("ix_candidate_rechecks_pass_id"), "candidate_rechecks", ["pass_id"], unique=False)
    op.create_table(
        "covered_tiles",
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("x", sa.Integer(), nullable=False),
        sa.Column("y", sa.Integer(), nullable=False),
        sa.Column("seen", sa.LargeBinary(), nullable=True),
        sa.Column("passed", sa.LargeBinary(), nullable=True),
        sa.Column("driven", sa.LargeBinary(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.id"], name=op.f("fk_covered_tiles_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_covered_tiles")),
    )
    op.create_index(op.f("ix_covered_tiles_day"), "covered_tiles", ["day"], unique=False)
    op.create_index(op.f("ix_covered_tiles_patrol_id"), "covered_tiles", ["patrol_id"], unique=False)
    op.create_index(op.f("ix_covered_tiles_x_y_day"), "covered_tiles", ["x", "y", "day"], unique=False)
    op.create_table(
        "patrol_tracks",
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patrol_id"], ["patrols.id"], name=op.f("fk_patrol_tracks_patrol_id_patrols")
        ),
        sa.PrimaryKeyConstraint("patrol_id", name=op.f("pk_patrol_tracks")),
    )
    op.create_table(
        "sightings",
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("pass_id", sa.String(length=200), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("class_name", sa.String(length=60), nullable=False),
        sa.Column("release", sa.String(length=120), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("cell_row", sa.Integer(), nullable=True),
        sa.Column("cell_column", sa.Integer(), nullable=True),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("own_m2", Json, nullable=False),
        sa.Column("shared_m2", Json, nullable=False),
        sa.Column("located_by", sa.String(length=10), nullable=False),
        sa.Column("width_m", sa.Double(), nullable=True),
        sa.Column("speed_mps", sa.Double(), nullable=True),
        sa.Column("glimpses", Json, nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_sightings_device_id_devices")),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrols.id"], name=op.f("fk_sightings_patrol_id_patrols")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sightings")),
    )
    op.create_index(op.f("ix_sightings_area_path_id"), "sightings", ["area_path", "id"], unique=False)
    op.create_index(
        op.f("ix_sightings_cell_row_cell_column"), "sightings", ["cell_row", "cell_column"], unique=False
    )
    op.create_index(op.f("ix_sightings_class_name_id"), "sightings", ["class_name", "id"], unique=False)
    op.create_index(op.f("ix_sightings_first_seen_at"), "sightings", ["first_seen_at"], unique=False)
    op.create_index(op.f("ix_sightings_patrol_id_id"), "sightings", ["patrol_id", "id"], unique=False)
    op.create_index(op.f("ix_sightings_place_id"), "sightings", ["place_id"], unique=False)
    op.create_table(
        "candidate_sightings",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("sighting_id", sa.String(length=36), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_candidate_sightings_candidate_id_candidates")
        ),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sightings.id"], name=op.f("fk_candidate_sightings_sighting_id_sightings")
        ),
        sa.PrimaryKeyConstraint("candidate_id", "sighting_id", name=op.f("pk_candidate_sightings")),
    )
    op.create_index(
        op.f("ix_candidate_sightings_sighting_id"), "candidate_sightings", ["sighting_id"], unique=False
    )
    op.create_table(
        "frame_poses",
        sa.Column("frame_id", sa.String(length=36), nullable=False),
        sa.Column("patrol_id", sa.String(length=36), nullable=False),
        sa.Column("pass_id", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("taken_offset_minutes", sa.Integer(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("heading_deg", sa.Double(), nullable=True),
        sa.Column("heading_sigma_deg", sa.Double(), nullable=True),
        sa.Column("heading_source", sa.String(length=20), nullable=True),
        sa.Column("position_source", sa.String(length=20), nullable=True),
        sa.Column("problems", Json, nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frames.id"], name=op.f("fk_frame_poses_frame_id_frames")),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrols.id"], name=op.f("fk_frame_poses_patrol_id_patrols")),
        sa.PrimaryKeyConstraint("frame_id", name=op.f("pk_frame_poses")),
    )
    op.create_index(op.f("ix_frame_poses_pass_id"), "frame_poses", ["pass_id"], unique=False)
    op.create_index(op.f("ix_frame_poses_patrol_id"), "frame_poses", ["patrol_id"], unique=False)
    op.create_index(op.f("ix_frame_poses_taken_at"), "frame_poses", ["taken_at"], unique=False)
