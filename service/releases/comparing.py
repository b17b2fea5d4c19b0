"""A release beside the one in force, as the registry's evidence has it."""

from dataclasses import dataclass

from streetsight.models.comparison import Comparison
from streetsight.models.history import HistoryError
from streetsight.models.language import SpokenError
from streetsight.models.promotion import Objection, objections
from streetsight.models.registry import Registry, RegistryError
from streetsight.models.releases import Release, ReleaseError
from streetsight.service.faults import NotFound


class NoRelease(NotFound):
    """No release of this name."""

    code = "no_release"


@dataclass(frozen=True, slots=True)
class Case:
    """What speaks for and against putting a release in force.

    Attributes:
        comparison: the latest with the release in force; of that one itself, the one that it came with.
        trouble: why its evidence cannot be read.
        against: what a promotion would be refused for; empty for the release in force.
    """

    comparison: Comparison | None
    trouble: SpokenError | None
    against: tuple[Objection, ...]


def registered(registry: Registry, name: str) -> Release:
    """A release by its name.

    Raises:
        NoRelease: none is called so.
        ReleaseError: it is damaged.
    """
    if name not in registry.names():
        raise NoRelease(
            "there is no release {name}; known: {known}", name=name, known=", ".join(registry.names())
        )
    return registry.release(name)


def case_of(registry: Registry, release: Release) -> Case:
    """What is known of a release against the one in force."""
    champion = _champion(registry)
    if release.address == champion:
        return Case(_latest(registry, release), None, ())
    try:
        evidence = registry.evidence(release, champion) if champion else None
    except (RegistryError, HistoryError) as error:
        return Case(None, error, ())
    comparison = evidence.comparison if evidence else None
    return Case(comparison, None, objections(release, champion, comparison))


def _champion(registry: Registry) -> str | None:
    name = registry.champion_name()
    try:
        return name and registry.release(name).address
    except ReleaseError:
        return name


def _latest(registry: Registry, release: Release) -> Comparison | None:
    """The latest comparison in which a release was the challenger."""
    try:
        for each in reversed(registry.history()):
            if each.action == "compare" and each.to_address == release.address and each.evidence_sha256:
                return registry.comparison(each.evidence_sha256)
    except ReleaseError:
        return None
    return None
