"""The chain of hashes, without a database."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from streetsight.service.audit.tables import AuditEntry

START = "0" * 64
"""What stands before the first entry."""


def canonical(details: Mapping[str, Any]) -> str:
    """JSON in the one form that is hashed: sorted keys, no blanks; moments and the like as text."""
    return json.dumps(
        details, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=str
    )


def entry_hash(entry: AuditEntry) -> str:
    """SHA-256 over the canonical JSON of all columns but the hash itself, in the order of the table."""
    fields = [
        entry.number, _moment(entry.at), entry.actor_kind, entry.actor_id, entry.actor_name,
        entry.action, entry.subject, entry.details, entry.previous_hash,
    ]  # fmt: skip
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
