"""Review leases, and ground seen in bad light."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "review_leases",
        sa.Column("candidate_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("desk", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["candidates.id"], name=op.f("fk_review_leases_candidate_id_candidates")
        ),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_review_leases")),
    )
    op.create_index(op.f("ix_review_leases_person_id_desk"), "review_leases", ["person_id", "desk"])
    op.create_index(op.f("ix_review_leases_expires_at"), "review_leases", ["expires_at"])
    op.add_column("covered_tiles", sa.Column("dim", sa.LargeBinary(), nullable=True))
