"""Who acts: a person, a device, or the program itself."""

import getpass
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What somebody is here for; `permissions.py` says what each may do."""

    ADMIN = "admin"
    ANALYST = "analyst"
    INSPECTOR = "inspector"
    HANDLER = "handler"  # 责任单位: answers its own unit's tasks
    STREET_CHIEF = "street_chief"  # 街长
    THIRD_PARTY = "third_party"  # 第三方测评: blind to the street's own entries
    VIEWER = "viewer"
    DEVICE = "device"


PERSON_ROLES = tuple(role for role in Role if role is not Role.DEVICE)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking.

    Attributes:
        areas: paths of areas, as `/330106/330106003/`, that it may see with all below them; None is
            everywhere.
        unit: the 责任单位 that it works for.
    """

    kind: Literal["person", "device", "system"]
    id: str
    name: str
    role: Role
    areas: tuple[str, ...] | None = None
    unit: str | None = None

    def sees(self, area_path: str | None) -> bool:
        """Whether something in this area is its to see. What lies in none is for those who see everywhere."""
        if self.areas is None:
            return True
        return area_path is not None and area_path.startswith(self.areas)


SYSTEM = Actor("system", "streetsight", "streetsight", Role.ADMIN)
"""The program itself."""


def operator() -> Actor:
    """Whoever runs a command on the server's machine: the account of the operating system."""
    try:
        return Actor("system", "command", getpass.getuser(), Role.ADMIN)
    except (OSError, KeyError):  # a container's user without a name
        return Actor("system", "command", "command", Role.ADMIN)
