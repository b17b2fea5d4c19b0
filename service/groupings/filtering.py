"""Rows of a group, for the database: the same as `grouping.group_of`."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_

from streetsight.service.faults import Invalid
from streetsight.service.groupings.grouping import older_numbers
from streetsight.service.groupings.reading import ALL, GroupingDocument, Member


class NoSuchGroup(Invalid):
    """A filter by a group that the groupings in force do not have."""

    code = "no_such_group"


def in_group(document: GroupingDocument, name: str, row: Any) -> ColumnElement[bool]:
    """Condition that a row belongs to a group.

    Args:
        name: of grouping and member, `aspect:sanitation`.
        row: a table with `condition`, `class_name` and `code`.

    Raises:
        NoSuchGroup
    """
    of, _, code = name.partition(":")
    grouping = document.by_code.get(of)
    member = grouping.member(code) if grouping else None
    if grouping is None or member is None:
        known = [f"{each.code}:{one.code}" for each in document.groupings for one in each.members]
        raise NoSuchGroup(
            "there is no group {name}; choose one of {known}", name=name, known=", ".join(known)
        )
    before = grouping.members[: grouping.members.index(member)]
    return and_(_fits(member, row), *(not_(_fits(each, row)) for each in before))


def _fits(member: Member, row: Any) -> ColumnElement[bool]:
    return func.coalesce(or_(false(), *_ways(member, row)), False)


def _ways(member: Member, row: Any) -> Iterator[ColumnElement[bool]]:
    if member.conditions:
        yield row.condition.in_(member.conditions)
    if member.classes:
        yield row.class_name.in_(member.classes)
    number = row.code["code"].as_string()
    for scheme, numbers in [*member.codes.items(), *older_numbers(member).items()]:
        whole = [each for each in numbers if not each.endswith(ALL)]
        begun = [number.like(f"{each.removesuffix(ALL)}%") for each in numbers if each.endswith(ALL)]
        yield and_(row.code["scheme"].as_string() == scheme, or_(number.in_(whole), *begun))
