"""The registry: a folder of releases, which of them is in force, what was compared, and how it came so.

    <name>/model.onnx, card.json, trained_on.txt   a release, immutable under its name
    current          name of the release in force, and below it the event that put it there
    history.jsonl    every event, append-only (streetsight.models.history)
    comparisons/     evidence, a file each, named by its digest

One command at a time changes a registry (`.lock`). Everything is written beside its place and renamed, so
that a crash at any moment leaves the old champion in force or the new one; what a killed command left
unfinished, the next one finishes or clears away.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from streetsight.models.comparison import Comparison
from streetsight.models.durable import append_line, place_folder, replace_file
from streetsight.models.history import HISTORY_NAME, Action, Entry, History, new_entry, read_history
from streetsight.models.promotion import Objection, objections, refusal
from streetsight.models.releases import (
    CARD_NAME,
    CURRENT_NAME,
    ONNX_NAME,
    SHIPPED,
    TRAINED_ON_NAME,
    Release,
    ReleaseError,
    current_name,
    find_release,
    list_releases,
    load_release,
)
from streetsight.models.trained_on import read_trained_on

COMPARISONS_NAME, LOCK_NAME = "comparisons", ".lock"
NO_NAMES = (CURRENT_NAME, HISTORY_NAME, COMPARISONS_NAME)
RELEASE_FILES = (ONNX_NAME, CARD_NAME, TRAINED_ON_NAME)
LOCK_WAIT_SECONDS = 30.0

Trial = Callable[[Release], object]
"""Runs a release once; raises ReleaseError where the file does not do what its card says."""


class RegistryError(ReleaseError):
    """What was asked of the registry cannot be done."""


def load_only(release: Release) -> None:
    """No trial: for copies of what ran before."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A recorded comparison and the digest of its file."""

    comparison: Comparison
    sha256: str


class Registry:
    """One registry. Methods that change it may be called by several processes and threads at once."""

    def __init__(self, roots: tuple[Path, ...] = (SHIPPED,)) -> None:
        """`roots`: the folder that is read and changed, then folders that are only read (`search_path`)."""
        self.root, self.roots = roots[0], roots

    def champion_name(self) -> str | None:
        """Name of the release in force, or None when none was ever chosen."""
        chosen = any((root / CURRENT_NAME).exists() for root in self.roots)
        return current_name(self.roots) if chosen else None

    def champion(self) -> Release:
        """The release in force.

        Raises:
            ReleaseError: when there is none, or it is damaged.
        """
        return load_release(None, self.roots)

    def names(self) -> list[str]:
        return list_releases(self.roots)

    def release(self, name: str) -> Release:
        """A release by its name.

        Raises:
            ReleaseError: when there is none of this name, or it is damaged.
        """
        folder = find_release(name, self.roots)
        if folder is None:
            raise RegistryError(
                "no release {name} is registered; known: {known}. Register its folder first: "
                "`streetsight models register FOLDER`",
                name=name, known=", ".join(self.names()) or "none",
            )  # fmt: skip
        release = load_release(folder)
        if release.card.name != name:
            raise RegistryError(
                "{path}: the card calls this release {actual}; a folder must have its release's name",
                path=folder, actual=release.card.name,
            )  # fmt: skip
        return release

    def history(self) -> tuple[Entry, ...]:
        """All events, oldest first.

        Raises:
            HistoryError: when the file was damaged or edited.
        """
        return read_history(self.root).entries

    def evidence(self, challenger: Release, champion: str) -> Evidence | None:
        """The latest comparison of a release with the champion of this address, or None.

        Raises:
            RegistryError: when its file is missing or was changed since.
        """
        sha256 = read_history(self.root).evidence_for(challenger.address, champion)
        return Evidence(self.comparison(sha256), sha256) if sha256 else None

    def comparison(self, sha256: str) -> Comparison:
        """The evidence of this digest.

        Raises:
            RegistryError: when its file is missing or was changed since.
        """
        path = self.root / COMPARISONS_NAME / f"{sha256}.json"
        content = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise RegistryError(
                "{path}: this evidence is missing or was changed after it was recorded; restore it from a "
                "backup, or compare again",
                path=path,
            )
        try:
            return Comparison.model_validate_json(content)
        except ValidationError as error:
            raise RegistryError(
                "{path}: this evidence was written by another version of the program; compare again",
                path=path,
            ) from error

    def register(self, folder: Path, trial: Trial, who: str) -> bool:
        """Take in a release: check it, run it once, copy it. False when it was already there, the same.

        Raises:
            ReleaseError: when it is not whole or does not do what its card says, or when another release has
                its name; nothing is changed.
        """
        release = _whole(folder, trial)
        name, address = release.card.name, release.address
        if name in NO_NAMES:
            raise RegistryError("a release cannot be named {name}; choose another name", name=name)
        with self._changing() as history:
            known = find_release(name, self.roots)
            if known is not None:
                _refuse_other_content(release, known)
            if known is None or known.parent != self.root:
                self._copy(release, trial)
            if history.has_registered(address):
                return False
            self._append(new_entry(history, who, "register", None, address))
            return True

    def record(self, comparison: Comparison, who: str) -> str:
        """Keep evidence and return its digest. From now on it cannot be changed unnoticed."""
        content = comparison.model_dump_json(indent=1).encode() + b"\n"
        sha256 = hashlib.sha256(content).hexdigest()
        with self._changing() as history:
            (self.root / COMPARISONS_NAME).mkdir(exist_ok=True)
            replace_file(self.root / COMPARISONS_NAME / f"{sha256}.json", content)
            champion, challenger = comparison.champion.address, comparison.challenger.address
            self._append(new_entry(history, who, "compare", champion, challenger, evidence_sha256=sha256))
        return sha256

    def promote(
        self, name: str, trial: Trial, who: str, reason: str = "", force: bool = False
    ) -> Entry | None:
        """Put a release in force, on evidence. None when it is in force already.

        Args:
            force: go on against objections; needs a reason, and both stay in the history.

        Raises:
            PromotionRefused: with all objections; nothing is changed.
            ReleaseError: the release cannot run, which no force overrides; nothing is changed.
        """
        if force and not reason.strip():
            raise RegistryError("a forced promotion needs a reason that stays in the history: add --reason")
        with self._changing() as history:
            challenger = self.release(name)
            if name == self.champion_name():
                return None
            _whole(challenger.folder, trial)
            evidence, against = self._case(challenger)
            if against and not force:
                raise refusal(name, against)
            return self._put_in_force(
                challenger, history, who, "force" if against else "promote", reason=reason,
                evidence_sha256=evidence and evidence.sha256, overridden=[str(each) for each in against],
            )  # fmt: skip

    def rollback(self, trial: Trial, who: str, reason: str, to: str | None = None) -> Entry:
        """Return to the release that was in force before, or to another one that once was.

        Raises:
            ReleaseError: when there is none, or it cannot run; nothing is changed.
        """
        if not reason.strip():
            raise RegistryError("a rollback needs a reason that stays in the history: add --reason")
        with self._changing() as history:
            target = self._rollback_target(history, to)
            _whole(target.folder, trial)
            return self._put_in_force(target, history, who, "rollback", reason=reason)

    def _rollback_target(self, history: History, to: str | None) -> Release:
        present = self.champion_name()
        once = history.champions()
        address = history.previous_champion()
        if to is not None:
            address = next((each for each in sorted(once) if each.partition("@")[0] == to), None)
        if address is None or to == present:
            raise RegistryError(
                "nothing to roll back to: {present} is in force, and were before: {once}",
                present=present or "none", once=", ".join(sorted(once)) or "none",
            )  # fmt: skip
        target = self.release(address.partition("@")[0])
        if "@" in address and target.address != address:
            raise RegistryError(
                "{path}: was {expected} when it was in force and is {actual} now; restore it, or choose "
                "another one with --to",
                path=target.folder, expected=address, actual=target.address,
            )  # fmt: skip
        return target

    def _case(self, challenger: Release) -> tuple[Evidence | None, tuple[Objection, ...]]:
        """The evidence for a promotion, and everything against it."""
        champion, evidence, unreadable = self._champion_address(), None, []
        if champion is not None:
            try:
                evidence = self.evidence(challenger, champion)
            except RegistryError as error:
                unreadable.append(Objection(error.message, **error.values))
        against = objections(challenger, champion, evidence.comparison if evidence else None)
        return evidence, (*unreadable, *against)

    def _champion_address(self) -> str | None:
        """Address of the release in force; only its name where it is damaged, so that one can get away."""
        name = self.champion_name()
        try:
            return name and self.release(name).address
        except ReleaseError:
            return name

    def _put_in_force(
        self, release: Release, history: History, who: str, action: Action, **details: object
    ) -> Entry:
        """The one moment at which the champion changes is the rename of `current`, event included."""
        before = self._champion_address()
        for name in filter(None, (self.champion_name(), release.card.name)):
            self._keep(name)
        entry = new_entry(history, who, action, before, release.address, **details)
        replace_file(self.root / CURRENT_NAME, f"{release.card.name}\n".encode() + entry.line() + b"\n")
        with suppress(OSError):  # done already: readers find the event in `current`, the next change moves it
            self._append(entry)
        return entry

    def _keep(self, name: str) -> None:
        """Copy what is or was in force here: an update of the program may replace what is shipped."""
        with suppress(ReleaseError):  # a damaged champion is left, not kept
            release = self.release(name)
            if release.folder.parent != self.root:
                self._copy(release, load_only)

    def _append(self, entry: Entry) -> None:
        append_line(self.root / HISTORY_NAME, entry.line())

    def _copy(self, release: Release, trial: Trial) -> None:
        """Put a copy into this registry, checked and run once more as it will lie there."""
        draft = self.root / f".{release.card.name}.registering"
        draft.mkdir()
        for name in RELEASE_FILES:
            if (release.folder / name).exists():
                shutil.copyfile(release.folder / name, draft / name)
        _whole(draft, trial)
        place_folder(draft, self.root / release.card.name)

    @contextmanager
    def _changing(self) -> Iterator[History]:
        """Hold the lock; finish what a killed command left; turn trouble with the disk into words."""
        try:
            with _locked(self.root / LOCK_NAME):
                self._clear_drafts()
                history = read_history(self.root)
                if history.unwritten is not None:
                    self._append(history.unwritten)
                try:
                    yield history
                finally:
                    self._clear_drafts()
        except OSError as error:
            raise RegistryError(
                "{path}: the registry cannot be changed ({reason}); the release in force is as before",
                path=self.root, reason=error.strerror or error,
            ) from error  # fmt: skip

    def _clear_drafts(self) -> None:
        for draft in self.root.glob(".*.registering"):
            shutil.rmtree(draft)


def _whole(folder: Path, trial: Trial) -> Release:
    """The release in a folder: files match the card, and it runs."""
    release = load_release(folder)
    read_trained_on(release)
    trial(release)
    return release


def _refuse_other_content(release: Release, known: Path) -> None:
    there = load_release(known)
    if (there.address, there.card_sha256()) != (release.address, release.card_sha256()):
        raise RegistryError(
            "{name} is registered already, with other content ({there}, not {given}); releases are "
            "immutable: choose another name",
            name=release.card.name, there=there.address, given=release.address,
        )  # fmt: skip


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One holder at a time; the kernel frees it when the holder dies."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(handle, path)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path) -> None:
    until = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > until:
            raise RegistryError(
                "{path}: another command has been changing this registry for {seconds} s; wait for it, or "
                "stop it",
                path=path, seconds=round(LOCK_WAIT_SECONDS),
            )  # fmt: skip
        time.sleep(0.05)
