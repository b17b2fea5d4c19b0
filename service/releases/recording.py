"""Recording changes of the release in force, whoever made them: once each, with audit and event."""

from sqlalchemy import func, select

from streetsight.models.history import CHANGES, Entry, read_history
from streetsight.models.releases import search_path
from streetsight.service.audit.service import record
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.events.service import publish
from streetsight.service.releases.choosing import entry_sha256, newest_change
from streetsight.service.releases.tables import ReleaseChange
from streetsight.service.store.sessions import ReadSession, WriteSession


def number_in_force(session: ReadSession) -> int:
    """Counts the changes that are recorded; 0 before the first."""
    return session.scalar(select(func.max(ReleaseChange.number))) or 0


def record_changes(session: WriteSession, actor: Actor | None = None) -> ReleaseChange | None:
    """Record what the registry's history has and the database not yet; gives the newest that is new.

    Args:
        actor: who did it; None takes the name that the history has, of whoever ran the command.
    """
    newest = newest_change(session)
    changes = [each for each in read_history(search_path()[0]).entries if each.action in CHANGES]
    fresh = [each for each in changes if newest is None or each.at > newest.created_at]
    for entry in fresh if newest else fresh[-1:]:  # what was before this server is the registry's to tell
        newest = _record(session, entry, actor or Actor("system", "registry", entry.who, Role.ADMIN))
    return newest if fresh else None


def _record(session: WriteSession, entry: Entry, actor: Actor) -> ReleaseChange:
    change = ReleaseChange(
        created_at=entry.at, number=number_in_force(session) + 1, entry_sha256=entry_sha256(entry),
        action=entry.action, from_address=entry.from_address, to_address=entry.to_address,
        made_by=actor.name[:100], reason=entry.reason,
    )  # fmt: skip
    session.add(change)
    session.flush()
    told = {"action": change.action, "from": change.from_address, "to": change.to_address}
    publish(session, "release.promoted", f"release/{entry.release_name}", told, None)
    record(
        session, actor, "release.promoted", f"release/{entry.release_name}",
        {**told, "reason": entry.reason, "overridden": [*entry.overridden]},
    )  # fmt: skip
    return change
