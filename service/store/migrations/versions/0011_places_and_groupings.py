"""Places and groupings."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "grouping_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_grouping_versions_number")),
    )
    op.create_table(
        "place_changes",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("kinds", Json, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("crs", sa.String(length=10), nullable=True),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("warnings", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_changes")),
        sa.UniqueConstraint("number", name=op.f("uq_place_changes_number")),
    )
    op.create_table(
        "places",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_to", UtcDateTime(), nullable=True),
        sa.Column("peer_group", sa.String(length=100), nullable=True),
        sa.Column("scene", sa.String(length=20), nullable=True),
        sa.Column("aspect", sa.String(length=40), nullable=True),
        sa.Column("area_type", sa.String(length=40), nullable=True),
        sa.Column("grade", sa.String(length=20), nullable=True),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("co_units", Json, nullable=False),
        sa.Column("chief_1", sa.String(length=100), nullable=True),
        sa.Column("chief_1_id", sa.String(length=36), nullable=True),
        sa.Column("chief_2", sa.String(length=100), nullable=True),
        sa.Column("chief_2_id", sa.String(length=36), nullable=True),
        sa.Column("chief_3", sa.String(length=100), nullable=True),
        sa.Column("chief_3_id", sa.String(length=36), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=True),
        sa.Column("demonstration", sa.String(length=20), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("five_fixed", Json, nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("grid_code", sa.String(length=15), nullable=True),
        sa.Column("geometry", Json, nullable=False),
        sa.Column("ground", Json, nullable=True),
        sa.Column("width_m", sa.Double(), nullable=True),
        sa.Column("radius_m", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ended_number", sa.Integer(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_places")),
    )
    op.create_index(op.f("ix_places_area_path"), "places", ["area_path"])
    op.create_index(op.f("ix_places_kind_code_valid_from"), "places", ["kind", "code", "valid_from"])

    op.create_table(
        "issue_places",
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_places_issue_id_issues")),
        sa.ForeignKeyConstraint(["place_id"], ["places.id"], name=op.f("fk_issue_places_place_id_places")),
        sa.PrimaryKeyConstraint("issue_id", "place_id", name=op.f("pk_issue_places")),
    )
    op.create_index(op.f("ix_issue_places_code_kind_issue_id"), "issue_places", ["code", "kind", "issue_id"])
    op.create_index(
        "ix_issue_places_month", "issue_places", ["kind", "found_at", "code", "issue_id", "place_id"]
    )
