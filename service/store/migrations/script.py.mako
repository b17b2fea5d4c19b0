"""${message}."""

import sqlalchemy as sa
from alembic import op

from streetsight.service.store.types import Json, UtcDateTime

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
