"""The life of an issue: acts, photos, supervision, calendars and deadlines."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import Json, UtcDateTime

revision = "0008"
down_revision = "0007"

EPOCH = "1970-01-01 00:00:00"  # until it is filled in below
REFUSAL = "acts on issues are added, never changed"
FOLLOWED = ("source", "best_frame_id", "best_box")


def upgrade() -> None:
    _versions()
    _widen_issues()
    _acts()
    _photos()
    _supervisions()


def _versions() -> None:
    op.create_table(
        "calendar_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_calendar_versions_number")),
    )
    op.create_table(
        "deadline_versions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_versions")),
        sa.UniqueConstraint("number", name=op.f("uq_deadline_versions_number")),
    )


def _widen_issues() -> None:
    op.add_column("place_endings", sa.Column("undone_at", UtcDateTime(), nullable=True))
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("source", sa.String(length=10), nullable=False, server_default="patrol"),
        sa.Column("area_type", sa.String(length=40), nullable=True),
        sa.Column("place", sa.String(length=500), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("best_frame_id", sa.String(length=36), nullable=True),
        sa.Column("best_box", Json, nullable=True),
        sa.Column("dispatched_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_how", sa.String(length=20), nullable=True),
        sa.Column("looked_back_at", UtcDateTime(), nullable=True),
        sa.Column("clock_limit", Json, nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("paused_at", UtcDateTime(), nullable=True),
        sa.Column("extension", sa.String(length=10), nullable=True),
        sa.Column("extensions", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("appeal", sa.String(length=10), nullable=True),
        sa.Column("shelved_until", sa.Date(), nullable=True),
        sa.Column("shelved_from", sa.String(length=20), nullable=True),
        sa.Column("reworks", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reopenings", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("supervision", sa.String(length=20), nullable=True),
        sa.Column("proposal", sa.String(length=10), nullable=True),
        sa.Column("proposed_because", Json, nullable=True),
        sa.Column("proposed_at", UtcDateTime(), nullable=True),
        sa.Column("attention_at", UtcDateTime(), nullable=True),
        sa.Column("overdue_told", UtcDateTime(), nullable=True),
        sa.Column("news", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("updated_at", UtcDateTime(), nullable=False, server_default=EPOCH),
    )
    for column in columns:
        op.add_column("issues", column)
    theirs = ", ".join(
        f"{name} = (SELECT {name} FROM candidates WHERE candidates.id = issues.candidate_id)"
        for name in FOLLOWED
    )
    op.execute(f"UPDATE issues SET updated_at = confirmed_at, {theirs}")
    op.create_index(op.f("ix_issues_attention_at"), "issues", ["attention_at"])
    op.create_index(op.f("ix_issues_confirmed_by_id_id"), "issues", ["confirmed_by_id", "id"])
    op.create_index(op.f("ix_issues_due_at_id"), "issues", ["due_at", "id"])


def _acts() -> None:
    op.create_table(
        "issue_acts",
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("actor_role", sa.String(length=20), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("details", Json, nullable=False),
        sa.Column("before", Json, nullable=False),
        sa.Column("after", Json, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("key_sha256", sa.String(length=64), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_acts_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_acts")),
        sa.UniqueConstraint("actor_id", "key", name=op.f("uq_issue_acts_actor_id_key")),
    )
    op.create_index(op.f("ix_issue_acts_issue_id_id"), "issue_acts", ["issue_id", "id"])
    op.create_index(op.f("ix_issue_acts_kind_id"), "issue_acts", ["kind", "id"])
    for act in ("UPDATE", "DELETE") if op.get_bind().dialect.name == "sqlite" else ():
        op.execute(
            f"CREATE TRIGGER issue_acts_refuse_{act.lower()} BEFORE {act} ON issue_acts "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION issue_acts_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER issue_acts_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON issue_acts "
            "FOR EACH STATEMENT EXECUTE FUNCTION issue_acts_refuse()"
        )
    op.create_table(
        "issue_units",
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_units_issue_id_issues")),
        sa.PrimaryKeyConstraint("issue_id", "unit", name=op.f("pk_issue_units")),
    )
    op.create_index(op.f("ix_issue_units_unit"), "issue_units", ["unit"])


def _photos() -> None:
    op.create_table(
        "issue_photos",
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("act_id", sa.String(length=36), nullable=False),
        sa.Column("frame_id", sa.String(length=36), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("position_source", sa.String(length=10), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("warning", sa.String(length=20), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"], ["issue_acts.id"], name=op.f("fk_issue_photos_act_id_issue_acts")
        ),
        sa.ForeignKeyConstraint(["frame_id"], ["frames.id"], name=op.f("fk_issue_photos_frame_id_frames")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_photos_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_photos")),
    )
    op.create_index(op.f("ix_issue_photos_act_id"), "issue_photos", ["act_id"])
    op.create_index(op.f("ix_issue_photos_frame_id"), "issue_photos", ["frame_id"])
    op.create_index(op.f("ix_issue_photos_issue_id_id"), "issue_photos", ["issue_id", "id"])
    op.create_table(
        "photo_bringers",
        sa.Column("frame_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("brought_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["frame_id"], ["frames.id"], name=op.f("fk_photo_bringers_frame_id_frames")),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_photo_bringers_person_id_people")
        ),
        sa.PrimaryKeyConstraint("frame_id", "person_id", name=op.f("pk_photo_bringers")),
    )
    op.create_index(op.f("ix_photo_bringers_person_id_frame_id"), "photo_bringers", ["person_id", "frame_id"])


def _supervisions() -> None:
    op.create_table(
        "supervisions",
        sa.Column("issue_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("act_id", sa.String(length=36), nullable=False),
        sa.Column("colour", sa.String(length=20), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=True),
        sa.Column("issued_by_id", sa.String(length=36), nullable=False),
        sa.Column("issued_by", sa.String(length=200), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_text", sa.Text(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["act_id"], ["issue_acts.id"], name=op.f("fk_supervisions_act_id_issue_acts")
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_supervisions_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervisions")),
        sa.UniqueConstraint("issue_id", "ordinal", name=op.f("uq_supervisions_issue_id_ordinal")),
    )
    op.create_index(op.f("ix_supervisions_colour_id"), "supervisions", ["colour", "id"])
    op.create_index(op.f("ix_supervisions_ended_at"), "supervisions", ["ended_at"])
