"""Releases: put in force, go back, list what was."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import select

from streetsight.inference.trial import try_release
from streetsight.models.history import Entry
from streetsight.models.registry import Registry
from streetsight.models.releases import Release, ReleaseError, search_path
from streetsight.models.taxonomy import Language
from streetsight.service.areas.service import require_whole_city
from streetsight.service.auth.actor import Actor, Role
from streetsight.service.detections.looking import Loaded
from streetsight.service.etags import require_version
from streetsight.service.faults import Conflict, Forbidden
from streetsight.service.releases.recording import number_in_force, record_changes
from streetsight.service.releases.tables import ReleaseChange
from streetsight.service.resources import Resources
from streetsight.service.store.paging import Page, page
from streetsight.service.store.sessions import ReadSession

Put = Callable[[Registry, Callable[[Release], object]], Entry | None]
"""Puts a release in force, after the trial."""


class ReleaseRefused(Conflict):
    """The registry does not put it in force; `reason` says why, the present release stays."""

    code = "release_refused"
    reason: ReleaseError

    def say(self, language: Language) -> str:
        return self.reason.say(language)


class ForceByAdmin(Forbidden):
    """Objections are set aside by administrators only."""

    code = "force_by_admin"


def promote(
    server: Resources, actor: Actor, name: str, reason: str, force: bool, wanted: int
) -> ReleaseChange:
    """Put a release in force, on the registry's evidence.

    Raises:
        ReleaseRefused, Stale, Forbidden: nothing is changed.
    """
    if force and actor.role is not Role.ADMIN:
        raise ForceByAdmin("only an administrator sets objections aside; promote without force")
    return _change(
        server, actor, wanted,
        lambda registry, trial: registry.promote(name, trial, actor.name, reason, force),
    )  # fmt: skip


def roll_back(server: Resources, actor: Actor, to: str | None, reason: str, wanted: int) -> ReleaseChange:
    """Return to the release before, or to another one that once was in force. Raises as `promote`."""
    return _change(
        server, actor, wanted, lambda registry, trial: registry.rollback(trial, actor.name, reason, to)
    )


def _change(server: Resources, actor: Actor, wanted: int, put: Put) -> ReleaseChange:
    """Load, put in force, record, switch: in this order, so that each step can fail without harm."""
    require_whole_city(actor)
    loaded: list[Loaded] = []

    def trial(release: Release) -> None:  # runs inside the registry's lock
        with server.database.read() as session:
            require_version(number_in_force(session), wanted)
        try_release(release)
        loaded.append(server.looker.load(release))

    with server.releases.lock:
        try:
            entry = put(Registry(search_path()), trial)
        except ReleaseError as error:
            refused = ReleaseRefused("{reason}", reason=error)
            refused.reason = error
            raise refused from error
        change = server.writer.run(partial(record_changes, actor=actor)) if entry else None
        if change is None:
            raise Conflict("this release is in force already")
        server.looker.switch(loaded[-1])
    return change


def list_changes(session: ReadSession, limit: int, cursor: str | None) -> Page[ReleaseChange]:
    """What was put in force, newest first."""
    return page(session, select(ReleaseChange), ReleaseChange, limit, cursor)
