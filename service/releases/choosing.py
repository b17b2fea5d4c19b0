"""Which release is in force: what was said last, by the registry on the disk or by the database.

The registry is where releases lie, and where `streetsight models promote` and `rollback` work, also while no
server runs. The database tells the servers and workers of other machines, which have registries of their own.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from streetsight.models.history import CHANGES, Entry, read_history
from streetsight.models.releases import CURRENT_NAME, Release, ReleaseError, find_release, load_release
from streetsight.service.releases.tables import ReleaseChange
from streetsight.service.store.sessions import ReadSession


class ReleaseNotHere(ReleaseError):
    """The release in force does not lie on this machine, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What tells, cheaply, that something may have changed."""

    current: tuple[bytes, ...]
    number: int


def sign(session: ReadSession, roots: tuple[Path, ...]) -> Sign:
    """As it is now."""
    places = (root / CURRENT_NAME for root in roots)
    newest = select(ReleaseChange.number).order_by(ReleaseChange.number.desc()).limit(1)
    return Sign(
        tuple(place.read_bytes() if place.exists() else b"" for place in places),
        session.connection().scalar(newest) or 0,
    )


def newest_change(session: ReadSession) -> ReleaseChange | None:
    """The latest change that the database knows."""
    return session.scalar(select(ReleaseChange).order_by(ReleaseChange.number.desc()).limit(1))


def latest_entry(roots: tuple[Path, ...]) -> Entry | None:
    """The event that put the registry's release in force; None when nobody ever chose."""
    changes = (each for each in reversed(read_history(roots[0]).entries) if each.action in CHANGES)
    return next(changes, None)


def entry_sha256(entry: Entry) -> str:
    """What the event is known by, in both places."""
    return hashlib.sha256(entry.line()).hexdigest()


def chosen(session: ReadSession, roots: tuple[Path, ...]) -> Release:
    """The release in force, its file compared with its digest.

    Raises:
        ReleaseError: when it cannot be had; the message says what to do.
    """
    change, entry = newest_change(session), latest_entry(roots)
    if change is None or (entry is not None and entry.at >= change.created_at):
        return load_release(None, roots)
    name = change.to_address.partition("@")[0]
    folder = find_release(name, roots)
    if folder is None:
        raise ReleaseNotHere(
            "{address} was put in force by {who}, but this machine does not have it: copy its folder {name} "
            "into {places}, or put another one in force with `streetsight models rollback`",
            address=change.to_address, who=change.made_by, name=name, places=", ".join(map(str, roots)),
        )  # fmt: skip
    release = load_release(folder)
    if release.address != change.to_address:
        raise ReleaseNotHere(
            "{path}: is {actual} here, but {expected} was put in force by {who}; restore the folder",
            path=folder, actual=release.address, expected=change.to_address, who=change.made_by,
        )  # fmt: skip
    return release
