"""Some of all issues: by condition, class, national code or group; and when they were found."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import ColumnElement, case, func

from streetsight.models.codes import find_code
from streetsight.models.language import SpokenError
from streetsight.models.taxonomy import default_taxonomy
from streetsight.service.candidates.tables import Candidate
from streetsight.service.decisions.schemas import CodeSent
from streetsight.service.dependencies import Text
from streetsight.service.groupings.grouping import group_of
from streetsight.service.groupings.service import groupings_in_force
from streetsight.service.issues.tables import Issue
from streetsight.service.store.sessions import ReadSession

Word = Annotated[Text, Field(min_length=1, max_length=60)]
SOME = 200


class SubsetSent(BaseModel):
    """Issues that fit any of these; nothing said is everything.

    Attributes:
        classes: of the detector; codes: national ones.
        groups: of `grouping`, as the ten 乱.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    conditions: Annotated[list[Word], Field(max_length=SOME)] = []
    classes: Annotated[list[Word], Field(max_length=SOME)] = []
    codes: Annotated[list[CodeSent], Field(max_length=SOME)] = []
    grouping: Word | None = None
    groups: Annotated[list[Word], Field(max_length=SOME)] = []

    @model_validator(mode="after")
    def _known(self) -> "SubsetSent":
        taxonomy = default_taxonomy()
        for name in self.conditions:
            if name not in (*taxonomy.conditions, "other"):
                raise SpokenError(
                    "conditions: {name}: expected some of {names}",
                    name=name,
                    names=", ".join(taxonomy.conditions),
                )
        for name in self.classes:
            if name not in taxonomy:
                raise SpokenError(
                    "classes: {name}: expected some of {names}", name=name, names=", ".join(taxonomy.names)
                )
        for code in self.codes:
            if find_code(code.scheme, code.code) is None:
                raise SpokenError(
                    "codes: {scheme} has no {code}; look for it at /v1/codes?search=",
                    scheme=code.scheme,
                    code=code.code,
                )
        if bool(self.groups) != bool(self.grouping):
            raise SpokenError("groups: say which groups, and of which grouping")
        return self


def wanted_by(session: ReadSession, subset: SubsetSent) -> Callable[[Any], bool]:
    """Whether an issue (condition, class_name, code) is one of a subset."""
    if not (subset.conditions or subset.classes or subset.codes or subset.groups):
        return lambda row: True
    document = groupings_in_force(session)
    codes = {(each.scheme, each.code) for each in subset.codes}

    def wanted(row: Any) -> bool:
        code = row.code or {}
        return (
            row.condition in subset.conditions
            or row.class_name in subset.classes
            or (code.get("scheme"), code.get("code")) in codes
            or (
                subset.grouping is not None
                and group_of(document, subset.grouping, row.condition, row.class_name, row.code)
                in subset.groups
            )
        )

    return wanted


def found_at() -> ColumnElement[datetime]:
    """When an issue was found, as `places.membership` has it, for a query that joins its candidate."""
    seen = func.coalesce(Candidate.first_seen_at, Candidate.created_at)
    return case((seen < Issue.confirmed_at, seen), else_=Issue.confirmed_at)
