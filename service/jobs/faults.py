"""What went wrong in a job, kept so that it can be said in any language."""

from typing import Any

from streetsight.models.language import SpokenError, translate
from streetsight.models.taxonomy import Language


def kept(error: Exception) -> dict[str, Any]:
    """An error as a row keeps it."""
    if isinstance(error, SpokenError):
        return {
            "message": error.message, "values": {name: str(each) for name, each in error.values.items()}
        }  # fmt: skip
    return {"message": "{reason}", "values": {"reason": f"{type(error).__name__}: {error}"}}


def said(fault: dict[str, Any] | None, language: Language) -> str | None:
    """What a row keeps, in words; None for none."""
    return None if fault is None else translate(fault["message"], language, **fault["values"])
