"""Alembic's entry: runs the migrations on the connection that `migrating.py` hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from streetsight.service.store.partitions import as_modelled
from streetsight.service.store.tables import Base
from streetsight.service.store.types import Json, UtcDateTime


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """How our own types are written into a new migration."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "UtcDateTime()"
    return "Json" if kind == "type" and item is Json else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter tables in place
    render_item=render_item,
    include_object=as_modelled,
)
with context.begin_transaction():
    context.run_migrations()
