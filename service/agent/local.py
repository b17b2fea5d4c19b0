"""The vehicle's own settings as its agent last ran with them, so that `drain` goes by the same."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streetsight.models.durable import replace_file
from streetsight.service.agent.faults import SpoolError
from streetsight.service.agent.opening import spoken

FILE = "local.json"


def remember(folder: Path, local: Mapping[str, Any]) -> None:
    """Raises SpoolError."""
    with spoken(folder):
        replace_file(folder / FILE, json.dumps(local, default=str, ensure_ascii=False).encode())


def remembered(folder: Path) -> dict[str, Any]:
    """Nothing of an agent that has not run yet.

    Raises:
        SpoolError: they cannot be read; to go on without them could send what was to be covered.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        with spoken(folder):
            said = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _unreadable(path) from error
    if not isinstance(said, dict):
        raise _unreadable(path)
    return said


def _unreadable(path: Path) -> SpoolError:
    return SpoolError("{path} is damaged: name the vehicle's settings with --profile", path=path)
