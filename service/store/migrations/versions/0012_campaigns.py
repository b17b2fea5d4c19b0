"""Campaigns."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "campaigns",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("phases", Json, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("subset", Json, nullable=False),
        sa.Column("selection", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("closing", Json, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_state_id"), "campaigns", ["state", "id"])

    op.create_table(
        "campaign_places",
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("geometry", Json, nullable=False),
        sa.Column("ground", Json, nullable=True),
        sa.Column("inside_lon", sa.Double(), nullable=False),
        sa.Column("inside_lat", sa.Double(), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("added_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("removed_by", sa.String(length=200), nullable=True),
        sa.Column("removed_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_places_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_places")),
        sa.UniqueConstraint(
            "campaign_id",
            "source",
            "kind",
            "code",
            name=op.f("uq_campaign_places_campaign_id_source_kind_code"),
        ),
    )
    op.create_index(op.f("ix_campaign_places_area_path"), "campaign_places", ["area_path"])

    op.create_table(
        "campaign_units",
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("lead", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_units_campaign_id_campaigns")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "unit", name=op.f("pk_campaign_units")),
    )
    op.create_index(op.f("ix_campaign_units_unit"), "campaign_units", ["unit"])

    op.create_table(
        "campaign_checks",
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("actor_role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("frame_ids", Json, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_checks_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(
            ["place_id"], ["campaign_places.id"], name=op.f("fk_campaign_checks_place_id_campaign_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_checks")),
        sa.UniqueConstraint("actor_id", "key", name=op.f("uq_campaign_checks_actor_id_key")),
    )
    op.create_index(op.f("ix_campaign_checks_actor_id_at"), "campaign_checks", ["actor_id", "at"])
    op.create_index(op.f("ix_campaign_checks_campaign_id_id"), "campaign_checks", ["campaign_id", "id"])
    op.create_index(op.f("ix_campaign_checks_place_id_id"), "campaign_checks", ["place_id", "id"])

    op.create_table(
        "campaign_issues",
        sa.Column("campaign_id", sa.String(length=36), nullable=False),
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("place_id", sa.String(length=36), nullable=True),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said_by", sa.String(length=200), nullable=False),
        sa.Column("transfer", Json, nullable=True),
        sa.Column("ending", sa.String(length=20), nullable=True),
        sa.Column("left_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_issues_campaign_id_campaigns")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_campaign_issues_issue_id_issues")),
        sa.ForeignKeyConstraint(
            ["place_id"], ["campaign_places.id"], name=op.f("fk_campaign_issues_place_id_campaign_places")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_issues")),
        sa.UniqueConstraint("campaign_id", "issue_id", name=op.f("uq_campaign_issues_campaign_id_issue_id")),
    )
    op.create_index(op.f("ix_campaign_issues_issue_id"), "campaign_issues", ["issue_id"])
