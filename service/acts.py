"""What people do to a row, written down with what of it they changed; done once, however often it is sent."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from streetsight.service.faults import Conflict

ALWAYS = ("state", "version")


class KeyTaken(Conflict):
    """An Idempotency-Key that was used for something else."""

    code = "key_taken"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs between two states of a row with the same names, as JSON; and always state and version."""
    changed = [name for name in after if name in ALWAYS or after[name] != before[name]]
    then, now_so = ({name: each[name] for name in changed} for each in (before, after))
    return to_jsonable_python(then), to_jsonable_python(now_so)
