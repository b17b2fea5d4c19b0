"""Which pages there are, and for whom. A page that somebody may not open is not offered."""

from dataclasses import dataclass

from streetsight.service.auth.actor import Actor, Role
from streetsight.service.auth.permissions import Permission, may


@dataclass(frozen=True, slots=True)
class Entry:
    """Attributes: title: English, said by the template; needs: one of these; also: pages beside it."""

    path: str
    title: str
    needs: frozenset[Permission]
    also: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a page is one of this entry's."""
        return any(path == each or path.startswith(f"{each}/") for each in (self.path, *self.also))


def _entry(path: str, title: str, *needs: Permission, also: tuple[str, ...] = ()) -> Entry:
    return Entry(path, title, frozenset(needs), also)


P = Permission
PAGES: tuple[Entry, ...] = (
    _entry("/tag", "Tag photos", P.ENTER),
    _entry("/review", "Review", P.DECIDE),
    _entry("/tasks", "My tasks", P.ANSWER_TASKS),
    _entry("/map", "Map", P.READ),
    _entry("/candidates", "Leads", P.READ),
    _entry("/issues", "Issues", P.READ_TASKS),
    _entry("/campaigns", "Street work", P.READ_STREET_ENTRIES, also=("/shops", "/duties")),
    _entry("/scores", "Scores", P.READ_STREET_ENTRIES, also=("/schemes",)),
    _entry("/places", "Places", P.READ),
    _entry("/patrols", "Patrols", P.READ),
    _entry("/devices", "Devices", P.READ),
    _entry("/models", "Models", P.READ),
    _entry("/admin", "Administration", P.ANALYSE, P.ADMINISTER),
)


def entries(actor: Actor) -> tuple[Entry, ...]:
    """What is offered to somebody, in order."""
    return tuple(each for each in PAGES if any(may(actor, permission) for permission in each.needs))


def first_page(actor: Actor) -> str:
    """Where somebody's work begins."""
    offered = [each.path for each in entries(actor)]
    wanted = _BEGINS.get(actor.role)
    return wanted if wanted in offered else next(iter(offered), "/account")


_BEGINS = {Role.HANDLER: "/tasks", Role.ANALYST: "/models", Role.VIEWER: "/map", Role.ADMIN: "/map"}
