"""Table of decisions."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from streetsight.service.store.base import ID_LENGTH, Row
from streetsight.service.store.types import Json


class Decision(Row):
    """What a person said of a candidate. Never changed or deleted: undoing one is one more.

    Attributes:
        actor_kind, actor_id, actor_name, actor_role: who decided; name and role as they were then.
        kind: confirm, reject, correct, merge, split or reopen.
        reason: a code of `reasons.toml`; of a rejection always, else None.
        text: in their own words.
        before, after: what of the candidate changed; `version` and `state` are always among them.
        other_id: the candidate that it was merged into, or that was split off.
        undoes_id: of a reopening, the decision that it takes back.
        key, key_sha256: the Idempotency-Key, and the digest of what was asked with it.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index(None, "candidate_id", "id"),
        Index(None, "other_id", "id"),
        Index(None, "kind", "id"),
        UniqueConstraint("actor_id", "key"),
    )

    candidate_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("candidates.id"))
    actor_kind: Mapped[str] = mapped_column(String(10))
    actor_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    actor_name: Mapped[str] = mapped_column(String(200))
    actor_role: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(40))
    text: Mapped[str | None] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(Json)
    after: Mapped[dict[str, Any]] = mapped_column(Json)
    other_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    undoes_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    key: Mapped[str | None] = mapped_column(String(200))
    key_sha256: Mapped[str | None] = mapped_column(String(64))
