"""Privacy and retention."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import Json, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("frames", sa.Column("photo_expired_at", UtcDateTime(), nullable=True))
    op.add_column("frames", sa.Column("photo_expired_reason", sa.String(length=20), nullable=True))
    op.create_table(
        "photo_accesses",
        sa.Column("frame_id", sa.String(length=36), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_accesses")),
    )
    op.create_index(op.f("ix_photo_accesses_frame_id_id"), "photo_accesses", ["frame_id", "id"])
    op.create_index(op.f("ix_photo_accesses_actor_id_id"), "photo_accesses", ["actor_id", "id"])
    op.create_table(
        "holds",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_by", sa.String(length=200), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("released_by", sa.String(length=200), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_subject"), "holds", ["subject"])
    op.create_table(
        "blob_deletions",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob_deletions")),
    )
    op.create_index(
        op.f("ix_blob_deletions_deleted_at_marked_at"), "blob_deletions", ["deleted_at", "marked_at"]
    )
    op.create_table(
        "retention_runs",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("started_by", sa.String(length=200), nullable=False),
        sa.Column("cutoffs", Json, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("freed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
    )
    op.create_index(op.f("ix_retention_runs_kind_id"), "retention_runs", ["kind", "id"])
