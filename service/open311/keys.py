"""Keys of systems that report through Open311: add, list, revoke, recognise."""

from collections.abc import Sequence

from sqlalchemy import select

from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.tokens import new_token, token_hash
from streetsight.service.faults import Forbidden, NotFound
from streetsight.service.open311.tables import Open311Key
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now

PREFIX = "sso_"


class NoKey(NotFound):
    """No Open311 key of this id."""

    code = "no_key"


class KeyRefused(Forbidden):
    """No key, or none that is good for this jurisdiction."""

    code = "key_refused"


def add_key(session: WriteSession, actor: Actor, name: str, jurisdiction: str) -> tuple[Open311Key, str]:
    """A key for a system; it is shown this once."""
    key = new_token(PREFIX)
    row = Open311Key(name=name, jurisdiction=jurisdiction, key_sha256=token_hash(key))
    session.add(row)
    session.flush()
    record(session, actor, "open311_key.added", f"open311_key/{row.id}", {"name": name})
    return row, key


def revoke_key(session: WriteSession, actor: Actor, key_id: str) -> Open311Key:
    """Take a key back, at once; again changes nothing. Raises NoKey."""
    row = session.get(Open311Key, key_id)
    if row is None:
        raise NoKey("there is no Open311 key {id}", id=key_id)
    if row.revoked_at is None:
        row.revoked_at = now()
        record(session, actor, "open311_key.revoked", f"open311_key/{key_id}", {"name": row.name})
    return row


def list_keys(session: ReadSession) -> Sequence[Open311Key]:
    """All keys, revoked ones too, by name."""
    return session.scalars(select(Open311Key).order_by(Open311Key.name, Open311Key.id)).all()


def recognise(session: ReadSession, key: str, jurisdiction: str) -> Open311Key:
    """Whose key this is. Raises KeyRefused."""
    row = session.scalar(select(Open311Key).where(Open311Key.key_sha256 == token_hash(key))) if key else None
    if row is None or row.revoked_at is not None or row.jurisdiction != jurisdiction:
        raise KeyRefused("missing or invalid api_key; ask the city for one")
    return row


def mark_used(session: WriteSession, key_id: str) -> None:
    """Remember that a key was used."""
    session.get_one(Open311Key, key_id).last_used_at = now()
