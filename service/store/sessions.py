"""Read and write sessions: two types, so that the type checker refuses a write on a read path.

The database refuses it too: read sessions are read-only transactions.
"""

from sqlalchemy.orm import Session


class ReadSession(Session):
    """Sees one consistent state; cannot change it."""


class WriteSession(ReadSession):
    """One unit of work: committed as a whole at its edge, never inside. Call `flush`, not `commit`."""
