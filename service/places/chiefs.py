"""The tree of street chiefs (街长): who looks after what, by three levels."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from streetsight.service.places.schemas import ChiefShown
from streetsight.service.places.tables import Place

LEVELS = (1, 2, 3)
NOBODY = (0, None, None)

Chief = tuple[int, str | None, str | None]
"""Level, name and id of a person; one without an id is who has the name."""


@dataclass(slots=True)
class _Node:
    chief: Chief
    places: list[str] = field(default_factory=list)
    below: dict[Chief, "_Node"] = field(default_factory=dict)

    def shown(self) -> ChiefShown:
        below = [self.below[chief].shown() for chief in sorted(self.below, key=_order)]
        level, name, person_id = self.chief
        return ChiefShown(
            level=level, name=name, person_id=person_id, places=self.places, below=below,
            count=len(self.places) + sum(each.count for each in below),
        )  # fmt: skip


def tree_of(places: Iterable[Place]) -> list[ChiefShown]:
    """Chiefs of the highest level, each with those below; last, the places that have no chief.

    A level that nobody holds is left out: the next one hangs on the one above.
    """
    root = _Node(NOBODY)
    for place in places:
        node = root
        for chief in chain_of(place) or [NOBODY]:
            node = node.below.setdefault(chief, _Node(chief))
        node.places.append(f"{place.kind}/{place.code}")
    return root.shown().below


def chain_of(place: Place) -> list[Chief]:
    """Chiefs of a place, from level 1 down."""
    return [
        (level, name, getattr(place, f"chief_{level}_id"))
        for level in LEVELS
        if (name := getattr(place, f"chief_{level}")) is not None
    ]


def _order(chief: Chief) -> tuple[bool, int, str, str]:
    level, name, person_id = chief
    return level == 0, level, name or "", person_id or ""
