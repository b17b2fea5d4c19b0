"""What is shown of groupings."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from streetsight.models.taxonomy import Language
from streetsight.service.documents.schemas import VersionShown
from streetsight.service.groupings.grouping import groups_of
from streetsight.service.groupings.reading import GroupingDocument


class GroupingsInForce(BaseModel):
    """Attributes: version: None while the shipped ones count; shipped: whether they do."""

    version: VersionShown | None
    shipped: bool
    document: GroupingDocument


class GroupShown(BaseModel):
    """Where something belongs in one grouping.

    Attributes:
        group, name: code and name of the member; None when none fits.
    """

    grouping: str
    grouping_name: str
    group: str | None
    name: str | None

    @classmethod
    def all_of(
        cls, document: GroupingDocument, condition: str, class_name: str | None,
        code: Mapping[str, Any] | None, language: Language,
    ) -> list["GroupShown"]:  # fmt: skip
        """In every grouping, in the order of the document."""
        found = groups_of(document, condition, class_name, code)
        shown = []
        for each in document.groupings:
            group = found[each.code]
            member = each.member(group) if group else None
            name = member.label(language) if member else None
            shown.append(cls(grouping=each.code, grouping_name=each.label(language), group=group, name=name))
        return shown
