"""What is in a registry at a glance, damaged releases included."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streetsight.models.card import Card
from streetsight.models.history import HistoryError
from streetsight.models.registry import Registry
from streetsight.models.releases import ReleaseError, find_release


@dataclass(frozen=True, slots=True)
class Listed:
    """One release.

    Attributes:
        folder: the registry it is in, the operator's or the shipped one.
        card: None where the release is damaged; then `fault` says how.
        registered: when it was taken in, as the history has it.
    """

    name: str
    folder: Path
    in_force: bool
    registered: datetime | None
    card: Card | None = None
    fault: ReleaseError | None = None

    @property
    def map50_test(self) -> float | None:
        """Mean AP50 on test photos, as its card has it."""
        evaluations = self.card.evaluations if self.card else ()
        return next((each.map50 for each in evaluations if each.part == "test"), None)


def list_registry(registry: Registry) -> list[Listed]:
    """All releases by name; a damaged one, or a damaged history, hides no other."""
    return [_listed(name, registry) for name in registry.names()]


def _listed(name: str, registry: Registry) -> Listed:
    folder = find_release(name, registry.roots)
    assert folder is not None, "names come from folders"
    try:
        card, fault = registry.release(name).card, None
    except ReleaseError as error:
        card, fault = None, error
    in_force = name == registry.champion_name()
    return Listed(name, folder.parent, in_force, _registered(name, registry), card, fault)


def _registered(name: str, registry: Registry) -> datetime | None:
    try:
        events = registry.history()
    except HistoryError:
        return None
    when = (each.at for each in events if each.action == "register" and each.release_name == name)
    return next(when, None)
