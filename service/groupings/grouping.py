"""Which group an issue belongs to."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from streetsight.models.codes import code_table
from streetsight.service.groupings.reading import GroupingDocument, Member

MOST_KNOWN = 100_000  # answers kept; what a city can file has some thousands


def group_of(
    document: GroupingDocument,
    grouping: str,
    condition: str,
    class_name: str | None,
    code: Mapping[str, Any] | None,
) -> str | None:
    """Code of the first member of a grouping that an issue fits; None when it fits none.

    A code of an older table counts as the one that came after it, too.

    Args:
        grouping: its code; one that the document does not have groups nothing.
        code: `scheme` and `code` of a national table, as issues carry them.
    """
    scheme, number = (code.get("scheme"), code.get("code")) if code else (None, None)
    key = (grouping, condition, class_name, scheme, number)
    known = document.known
    try:
        return known[key]
    except KeyError:
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[key] = found = _found(document, *key)
        return found


def groups_of(
    document: GroupingDocument, condition: str, class_name: str | None, code: Mapping[str, Any] | None
) -> dict[str, str | None]:
    """Code of the member in every grouping."""
    return {
        each.code: group_of(document, each.code, condition, class_name, code) for each in document.groupings
    }


def older_numbers(member: Member) -> dict[str, list[str]]:
    """Numbers of older tables that belong to a member because of those that came after them, by scheme."""
    found: dict[str, list[str]] = {}
    for (scheme, number), (later_scheme, later) in _successors().items():
        if member.has_code(later_scheme, later):
            found.setdefault(scheme, []).append(number)
    return found


def _found(
    document: GroupingDocument,
    name: str,
    condition: str,
    class_name: str | None,
    scheme: str | None,
    number: str | None,
) -> str | None:
    grouping = document.by_code.get(name)
    if grouping is None:
        return None
    numbers = [(scheme, number)]
    if (later := _successors().get((scheme or "", number or ""))) is not None:
        numbers.append(later)
    fitting = (
        each.code
        for each in grouping.members
        if any(each.fits(condition, class_name, *one) for one in numbers)
    )
    return next(fitting, None)


@cache
def _successors() -> dict[tuple[str, str], tuple[str, str]]:
    """The number that came after, of every one that has such: scheme and code."""
    newest = {each.code.code: each.code.scheme for each in code_table() if each.successor is None}
    return {
        (each.code.scheme, each.code.code): (newest[each.successor], each.successor)
        for each in code_table()
        if each.successor in newest
    }
