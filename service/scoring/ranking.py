"""The ranking of a period: peers among themselves, ties share a rank, and who was not inspected has none."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from streetsight.service.scoring.sheets import Sheet, Status


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subject stands among its peers.

    Attributes:
        rank: 1 is the best; those with the same total share one, and the next is as many further. None when
            there is no total.
        peers: how many have a rank in this group.
        before: its rank in the period before; None when it had none.
        cases, places: confirmed issues, and how many places these are.
        deducted: points that were taken for them.
    """

    group: str
    rank: int | None
    peers: int
    code: str
    name: str
    status: Status
    total: Decimal | None
    before: int | None
    cases: int
    places: int
    deducted: Decimal


def ranking(sheets: Iterable[Sheet], before: Mapping[str, int | None] | None = None) -> list[Standing]:
    """All subjects, group by group, the best first, those without a total last.

    Args:
        before: code -> rank in the period before.
    """
    groups: dict[str, list[Sheet]] = defaultdict(list)
    for sheet in sheets:
        groups[sheet.group].append(sheet)
    return [place for name in sorted(groups) for place in _ranked(groups[name], before or {})]


def _ranked(sheets: list[Sheet], before: Mapping[str, int | None]) -> list[Standing]:
    totals = sorted((sheet.total for sheet in sheets if sheet.total is not None), reverse=True)
    first = {total: index for index, total in reversed([*enumerate(totals, 1)])}
    found = [
        Standing(
            group=sheet.group, rank=None if sheet.total is None else first[sheet.total], peers=len(totals),
            code=sheet.code, name=sheet.name, status=sheet.status, total=sheet.total,
            before=before.get(sheet.code), cases=sheet.counts.get("found", 0),
            places=sheet.counts.get("places", 0), deducted=deducted(sheet),
        )
        for sheet in sheets
    ]  # fmt: skip
    return sorted(found, key=lambda each: (each.rank is None, each.rank or 0, each.code))


def deducted(sheet: Sheet) -> Decimal:
    """What was taken for problems, as marks of the items."""
    lines = (line for part in sheet.parts for item in part.items for line in item.lines)
    return -sum((line.points for line in lines if line.issue is not None), Decimal(0))
