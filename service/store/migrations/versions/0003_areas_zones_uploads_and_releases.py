"""Areas, zones, uploads and the release in force."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "area_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("crs", sa.String(length=10), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("areas", sa.Integer(), nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_area_versions_number")),
    )
    op.create_table(
        "release_changes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entry_sha256", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("from_address", sa.String(length=120), nullable=True),
        sa.Column("to_address", sa.String(length=120), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_changes")),
        sa.UniqueConstraint("entry_sha256", name=op.f("uq_release_changes_entry_sha256")),
        sa.UniqueConstraint("number", name=op.f("uq_release_changes_number")),
    )
    op.create_table(
        "zone_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("zones", sa.Integer(), nullable=False),
        sa.Column("reports", Json, nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("copy_of", sa.Integer(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_zone_versions_number")),
    )
    op.create_table(
        "areas",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("path", AreaPath, nullable=False),
        sa.Column("geometry", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["areas.id"], name=op.f("fk_areas_parent_id_areas")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["area_versions.id"], name=op.f("fk_areas_version_id_area_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
        sa.UniqueConstraint("version_id", "code", name=op.f("uq_areas_version_id_code")),
        sa.UniqueConstraint("version_id", "path", name=op.f("uq_areas_version_id_path")),
    )
    op.create_table(
        "uploads",
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("patrol_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("metadata_sent", Json, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("summary", Json, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_uploads_device_id_devices")),
        sa.ForeignKeyConstraint(["patrol_id"], ["patrols.id"], name=op.f("fk_uploads_patrol_id_patrols")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_device_id_id"), ["device_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_uploads_state_expires_at"), ["state", "expires_at"], unique=False
        )

    op.create_table(
        "upload_outcomes",
        sa.Column("upload_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("frame_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name=op.f("fk_upload_outcomes_upload_id_uploads")
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_upload_outcomes")),
    )
    with op.batch_alter_table("frames", schema=None) as batch_op:
        batch_op.add_column(sa.Column("area_path", AreaPath, nullable=True))
        batch_op.create_index(batch_op.f("ix_frames_area_path_id"), ["area_path", "id"], unique=False)
