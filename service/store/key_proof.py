"""All machines of a fleet have the same key: a sealed word in the database proves it at each start.

Without it a machine with a key of its own would run, seal webhooks' secrets that the others cannot read, and
be unable to read theirs.
"""

from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import Base
from streetsight.service.store.database import Database
from streetsight.service.store.sealing import Sealer, SealError
from streetsight.service.store.sessions import WriteSession
from streetsight.service.store.upsert import upsert

NAME, WORD = "seal", "streetsight"


class KeyProof(Base):
    """A known word, sealed with the key that is in use."""

    __tablename__ = "key_proofs"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)


def prove_key(database: Database, sealer: Sealer) -> None:
    """Find out that the key of this machine is that of the database; an unused database takes it.

    Raises:
        SealError: it is another one.
    """
    with database.write() as session:
        kept = session.scalar(select(KeyProof.sealed).where(KeyProof.name == NAME).with_for_update())
        if kept is None:
            keep_proof(session, sealer)
            kept = session.scalars(select(KeyProof.sealed).where(KeyProof.name == NAME)).one()
    try:
        sealer.open(kept)
    except SealError as error:
        raise SealError(
            "the key of this machine is not the one that this database was used with: set the same "
            "STREETSIGHT_SECRET_KEYS on all machines, or copy secret.key from the data folder of the first "
            "one; if it is lost for good, run `streetsight new-key` and set webhooks' secrets again"
        ) from error


def keep_proof(session: WriteSession, sealer: Sealer) -> None:
    """Of two processes that do this at the same moment, one wins."""
    sealed = upsert(session, KeyProof).values(name=NAME, sealed=sealer.seal(WORD))
    session.execute(sealed.on_conflict_do_nothing(index_elements=[KeyProof.name]))


def replace_proof(session: WriteSession, sealer: Sealer) -> None:
    """Go on with the key of this machine: what was sealed with another one is lost."""
    session.execute(delete(KeyProof))
    keep_proof(session, sealer)
