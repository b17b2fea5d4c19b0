"""What left the system, and the proof that all machines have the same key."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import UtcDateTime

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "key_proofs",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_proofs")),
    )
    op.create_table(
        "departures",
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.String(length=100), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("what", sa.String(length=200), nullable=False),
        sa.Column("wanted", sa.String(length=1000), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departures")),
    )
    op.create_index(op.f("ix_departures_channel_id"), "departures", ["channel", "id"])
    op.create_index(op.f("ix_departures_actor_id_id"), "departures", ["actor_id", "id"])
    op.create_index(op.f("ix_departures_last_at"), "departures", ["last_at"])
