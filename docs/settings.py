"""Write the table of the server's settings into docs/service.md, from the settings themselves.

`make figures` runs it; a test checks that the table shown is the code's.
"""

import re
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ByteSize, SecretStr
from pydantic.fields import FieldInfo

from streetsight.service.settings import PREFIX, Settings

PAGE = Path(__file__).with_name("service.md")
MARKS = "<!-- settings:begin -->", "<!-- settings:end -->"
SIGNS: dict[type[Any], tuple[str, str]] = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


def table() -> str:
    """One row per setting: name, default, bounds, meaning."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {_bounds(field)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| setting | default | bounds | meaning |", "|---|---|---|---|", *rows])


def with_table() -> str:
    """The page, with the table as it is now."""
    page = PAGE.read_text(encoding="utf-8")
    block = f"{MARKS[0]}\n{table()}\n{MARKS[1]}"
    return re.sub(f"{MARKS[0]}.*?{MARKS[1]}", lambda _: block, page, flags=re.DOTALL)


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None:
        return "none, secret" if SecretStr in _parts(field) else "none"
    return f"`{value.human_readable() if isinstance(value, ByteSize) else value}`"


def _bounds(field: FieldInfo) -> str:
    found = []
    for limit in field.metadata:
        if type(limit) in SIGNS:
            sign, name = SIGNS[type(limit)]
            found.append(f"{sign} {getattr(limit, name)}")
    return ", ".join(found)


def _parts(field: FieldInfo) -> tuple[Any, ...]:
    return getattr(field.annotation, "__args__", (field.annotation,))


if __name__ == "__main__":
    PAGE.write_text(with_table(), encoding="utf-8")
