"""HTTP: the national code tables, to choose from."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Security
from pydantic import BaseModel

from streetsight.models.codes import CodeEntry, Kind, search_codes
from streetsight.models.taxonomy import Language
from streetsight.service.auth.access import allowed
from streetsight.service.auth.actor import Actor
from streetsight.service.auth.permissions import Permission
from streetsight.service.dependencies import Text
from streetsight.service.errors import language_of

router = APIRouter(prefix="/v1/codes", tags=["issues"])


class CodeShown(BaseModel):
    """A line of a table.

    Attributes:
        name: the table's own, in Chinese; label: in the language that was asked for.
        condition: what it proposes; `other` for what none of ours names.
        successor: its number in the table that came after.
        verified: whether a person has checked it against the printed standard.
    """

    scheme: str
    kind: Kind
    code: str
    name: str
    label: str
    condition: str
    successor: str | None
    source: str
    verified: bool

    @classmethod
    def of(cls, entry: CodeEntry, language: Language) -> "CodeShown":
        code = entry.code
        return cls(
            scheme=code.scheme, kind=code.kind, code=code.code, name=code.name,  # type: ignore[arg-type]
            label=entry.label(language), condition=entry.condition, successor=entry.successor,
            source=code.source, verified=code.verified,
        )  # fmt: skip


@router.get("")
def list_codes(
    _actor: Annotated[Actor, Security(allowed(Permission.READ_TASKS))],
    request: Request,
    search: Annotated[Text, Query(max_length=100, description="Words of the name, or digits.")] = "",
    scheme: Annotated[Text, Query(max_length=60)] = "GB/T 47678.5-2026",
    kind: Kind | None = None,
    condition: Annotated[str | None, Query(pattern="^[a-z][a-z0-9_]{0,59}$")] = None,
    order: Literal["best", "code"] = "best",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> list[CodeShown]:
    """Lines of a table, the best first. Matters (事项) come before the components that they are faults of."""
    language = language_of(request)
    found = [
        each for each in search_codes(search, language)
        if each.code.scheme == scheme
        and kind in (None, each.code.kind)
        and condition in (None, each.condition)
    ]  # fmt: skip
    if order == "code":
        found.sort(key=lambda each: (each.code.code, each.code.kind))
    return [CodeShown.of(each, language) for each in found[:limit]]
