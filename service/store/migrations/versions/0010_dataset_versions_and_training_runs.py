"""Dataset versions and training runs."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import Json, UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "dataset_versions",
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("filters", Json, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("parts", Json, nullable=False),
        sa.Column("boxes", Json, nullable=False),
        sa.Column("undecided", sa.Integer(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("fault", Json, nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
    )
    op.create_table(
        "training_runs",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("release_name", sa.String(length=100), nullable=False),
        sa.Column("weights", sa.String(length=100), nullable=True),
        sa.Column("recipe", sa.String(length=40), nullable=True),
        sa.Column("epochs", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=True),
        sa.Column("progress", Json, nullable=True),
        sa.Column("cancel_asked_at", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("release_address", sa.String(length=120), nullable=True),
        sa.Column("compared", sa.Boolean(), nullable=False),
        sa.Column("fault", Json, nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["dataset_versions.id"], name=op.f("fk_training_runs_version_id_dataset_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_runs")),
    )
    op.create_index(op.f("ix_training_runs_state"), "training_runs", ["state"])
