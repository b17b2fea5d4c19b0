"""Keeps the looker of a process on the release in force: notices changes, loads, checks, switches."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from streetsight.models.language import SpokenError
from streetsight.models.releases import Release, ReleaseError, search_path
from streetsight.service.releases.choosing import Sign, chosen, sign
from streetsight.service.store.database import Database

log = structlog.get_logger(__name__)


class Changing(Protocol):
    """Has a release in use, and can change it."""

    @property
    def release(self) -> Release:
        """The one in use."""

    def change(self, release: Release) -> None:
        """Use another one, if it can run. Raises ReleaseError otherwise."""


class ReleaseKeeper:
    """One for each process. A release that cannot be loaded leaves the one that runs; `check` tells."""

    def __init__(
        self,
        database: Database,
        looker: Changing,
        poll_seconds: float,
        after: Callable[[], object] | None = None,
    ) -> None:
        """`after`: called when something may have changed; the web server records it there."""
        self._database, self._looker, self._seconds = database, looker, poll_seconds
        self._roots, self._after = search_path(), after
        self.lock = threading.RLock()
        self._seen: Sign | None = None
        self._trouble: SpokenError | None = None
        self._stop = threading.Event()

    def refresh(self) -> None:
        """Look whether another release is in force by now, and switch to it.

        Raises:
            ReleaseError: when it cannot be loaded; the present one stays.
        """
        with self.lock:
            with self._database.read() as session:
                there = sign(session, self._roots)
                if there == self._seen and self._trouble is None:
                    return
                self._switch(chosen(session, self._roots))
            if self._after is not None:
                self._after()
            self._seen, self._trouble = there, None

    def _switch(self, release: Release) -> None:
        if release.address != self._looker.release.address:
            before = self._looker.release.address
            self._looker.change(release)
            log.info("release_switched", release=release.address, before=before)

    def check(self) -> None:
        """Whether the release in force runs here, and would after a restart.

        Raises:
            ReleaseError: when not.
        """
        if self._trouble is not None:
            self.refresh()  # it may be mended by now, here or in another process
        with self._database.read() as session:
            chosen(session, self._roots)

    @contextmanager
    def running(self) -> Iterator["ReleaseKeeper"]:
        """Look again and again, on a thread of its own."""
        thread = threading.Thread(target=self._run, name="releases", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            with self.lock:  # else what was wrong before a change would be told after it
                self._refresh_and_tell()

    def _refresh_and_tell(self) -> None:
        try:
            self.refresh()
        except ReleaseError as error:
            if str(error) != str(self._trouble):
                log.error("release_not_switched", reason=str(error))
            self._trouble = error
        except (SpokenError, SQLAlchemyError, OSError) as error:
            log.warning("release_not_looked_up", reason=str(error))
