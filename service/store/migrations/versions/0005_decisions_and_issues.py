"""Decisions and issues."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("actor_role", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        sa.Column("other_id", sa.String(length=36), nullable=True),
        sa.Column("undoes_id", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_decisions_candidate_id_candidates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("actor_id", "key", name=op.f("uq_decisions_actor_id_key")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        for column in ("candidate_id", "other_id", "kind"):
            batch_op.create_index(batch_op.f(f"ix_decisions_{column}_id"), [column, "id"], unique=False)

    op.create_table(
        "issues",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("district", sa.String(length=40), nullable=False),
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("condition", sa.String(length=60), nullable=False),
        sa.Column("class_name", sa.String(length=60), nullable=True),
        sa.Column("code", Json, nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=True),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by_id", sa.String(length=36), nullable=False),
        sa.Column("confirmed_by", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_issues_candidate_id_candidates")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("candidate_id", name=op.f("uq_issues_candidate_id")),
        sa.UniqueConstraint("district", "number", name=op.f("uq_issues_district_number")),
    )
    with op.batch_alter_table("issues", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_issues_number"), ["number"], unique=False)
        batch_op.create_index(batch_op.f("ix_issues_lat_lon"), ["lat", "lon"], unique=False)
        for column in ("area_path", "state", "condition", "unit"):
            batch_op.create_index(batch_op.f(f"ix_issues_{column}_id"), [column, "id"], unique=False)

    op.create_table(
        "issue_counts",
        sa.Column("district", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district", "day", name=op.f("pk_issue_counts")),
    )

    # whether a patrol has frames in somebody's areas
    with op.batch_alter_table("frames", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_frames_patrol_id_area_path"), ["patrol_id", "area_path"], unique=False
        )
