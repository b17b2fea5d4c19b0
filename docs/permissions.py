"""Write the table of roles and permissions into docs/people.md, from the table that the server asks.

`make figures` runs it; a test checks that the table shown is the code's.
"""

import re
from pathlib import Path

from streetsight.service.auth.actor import PERSON_ROLES
from streetsight.service.auth.permissions import GRANTS, Permission

PAGE = Path(__file__).with_name("people.md")
MARKS = "<!-- permissions:begin -->", "<!-- permissions:end -->"


def table() -> str:
    """One row per permission, one column per role."""
    rows = [
        f"| `{permission}` | "
        + " | ".join("●" if permission in GRANTS[role] else "" for role in PERSON_ROLES)
        + " |"
        for permission in Permission
    ]
    head = f"| may | {' | '.join(PERSON_ROLES)} |"
    return "\n".join([head, f"|---|{':-:|' * len(PERSON_ROLES)}", *rows])


def with_table() -> str:
    """The page, with the table as it is now."""
    page = PAGE.read_text(encoding="utf-8")
    return re.sub(
        f"{MARKS[0]}.*?{MARKS[1]}", lambda _: f"{MARKS[0]}\n{table()}\n{MARKS[1]}", page, flags=re.DOTALL
    )


if __name__ == "__main__":
    PAGE.write_text(with_table(), encoding="utf-8")
