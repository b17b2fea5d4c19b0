"""Shops and quotas."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.auth.scope import AreaPath
from streetsight.service.store.types import Json, UtcDateTime

revision = "0013"
down_revision = "0012"

REFUSAL = "points of shops are never changed or deleted"


def upgrade() -> None:
    op.create_table(
        "quota_periods",
        sa.Column("quota", sa.String(length=40), nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_periods")),
        sa.UniqueConstraint("quota", "first", name=op.f("uq_quota_periods_quota_first")),
    )
    op.create_table(
        "quota_rules_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_rules_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_quota_rules_versions_number")),
    )
    op.create_table(
        "shop_months",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("closed_by", sa.String(length=200), nullable=False),
        sa.Column("rules_number", sa.Integer(), nullable=False),
        sa.Column("rules", Json, nullable=False),
        sa.Column("sums", Json, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_months")),
        sa.UniqueConstraint("month", name=op.f("uq_shop_months_month")),
    )
    op.create_table(
        "shop_rules_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_rules_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_shop_rules_versions_number")),
    )
    op.create_table(
        "shops",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=True),
        sa.Column("geometry", Json, nullable=False),
        sa.Column("reach_m", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("street", sa.String(length=40), nullable=True),
        sa.Column("chief", sa.String(length=100), nullable=True),
        sa.Column("manager", sa.String(length=100), nullable=True),
        sa.Column("telephone_sealed", sa.Text(), nullable=True),
        sa.Column("agreement_number", sa.String(length=100), nullable=True),
        sa.Column("agreement_signed", sa.Date(), nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("code", name=op.f("uq_shops_code")),
    )
    op.create_index(op.f("ix_shops_area_path_id"), "shops", ["area_path", "id"])
    op.create_index(op.f("ix_shops_lat_lon"), "shops", ["lat", "lon"])
    op.create_index(op.f("ix_shops_street_id"), "shops", ["street", "id"])

    op.create_table(
        "outings",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("area_path", AreaPath, nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("frame_ids", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_outings_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outings")),
    )
    op.create_index(op.f("ix_outings_person_id_at"), "outings", ["person_id", "at"])

    op.create_table(
        "quota_misses",
        sa.Column("period_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["period_id"], ["quota_periods.id"], name=op.f("fk_quota_misses_period_id_quota_periods")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_quota_misses_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_misses")),
        sa.UniqueConstraint("period_id", "person_id", name=op.f("uq_quota_misses_period_id_person_id")),
    )
    op.create_index(op.f("ix_quota_misses_person_id_id"), "quota_misses", ["person_id", "id"])

    op.create_table(
        "shop_ratings",
        sa.Column("shop_id", sa.String(length=36), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("band", sa.String(length=40), nullable=True),
        sa.Column("decided", sa.String(length=10), nullable=False),
        sa.Column("set_by", sa.String(length=200), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("facts", Json, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_ratings_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_ratings")),
        sa.UniqueConstraint("shop_id", "month", name=op.f("uq_shop_ratings_shop_id_month")),
    )
    op.create_index(op.f("ix_shop_ratings_month_id"), "shop_ratings", ["month", "id"])

    op.create_table(
        "shop_cards",
        sa.Column("shop_id", sa.String(length=36), nullable=False),
        sa.Column("colour", sa.String(length=10), nullable=False),
        sa.Column("issue_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_by_id", sa.String(length=36), nullable=False),
        sa.Column("given_by", sa.String(length=200), nullable=False),
        sa.Column("expires", sa.Date(), nullable=False),
        sa.Column("rules_number", sa.Integer(), nullable=False),
        sa.Column("spent_id", sa.String(length=36), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_by", sa.String(length=200), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_shop_cards_issue_id_issues")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_cards_shop_id_shops")),
        sa.ForeignKeyConstraint(
            ["spent_id"], ["shop_cards.id"], name=op.f("fk_shop_cards_spent_id_shop_cards")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_cards")),
    )
    op.create_index(op.f("ix_shop_cards_expires"), "shop_cards", ["expires"])
    op.create_index(op.f("ix_shop_cards_shop_id_id"), "shop_cards", ["shop_id", "id"])

    op.create_table(
        "shop_points",
        sa.Column("shop_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("balance", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("card_id", sa.String(length=36), nullable=True),
        sa.Column("month", sa.String(length=7), nullable=True),
        sa.Column("exchanged", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_id"], ["shop_cards.id"], name=op.f("fk_shop_points_card_id_shop_cards")
        ),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_shop_points_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_points")),
        sa.UniqueConstraint("shop_id", "ordinal", name=op.f("uq_shop_points_shop_id_ordinal")),
    )
    _append_only("shop_points")


def _append_only(table: str) -> None:
    for act in ("UPDATE", "DELETE") if op.get_bind().dialect.name == "sqlite" else ():
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
        )
