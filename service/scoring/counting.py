"""Cases counted: which of them are one place, and how many are dispatched, handled, late, ..."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from streetsight.service.scoring.facts import Case, SubjectFacts

METRES_PER_DEGREE = 111_195.0  # of a great circle on a sphere of 6,371 km


def leaders(cases: Sequence[Case], same_place_m: float) -> dict[str, Case]:
    """Id of each case -> the first found of those that are the same place.

    Two cases of one condition are the same place when they, or others between them, are less than
    `same_place_m` metres apart. Whatever order they come in, the answer is the same.
    """
    by_condition: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_condition[case.tags.get("condition", "")].append(case)
    found: dict[str, Case] = {}
    for rows in by_condition.values():
        found.update(_chained(rows, same_place_m))
    return found


def first_of_view(cases: Iterable[Case]) -> dict[str, Case]:
    """Id of each case -> the first found of those that the same picture shows."""
    first: dict[str, Case] = {}
    found = {}
    for case in sorted(cases, key=_age):
        found[case.id] = first.setdefault(case.view or case.id, case)
    return found


def counts(facts: SubjectFacts, cases: Sequence[Case], same_place_m: float) -> dict[str, int]:
    """How many cases are what; see `schemes.COUNTS`. Void cases count as `upheld` and `appealed` alone.

    found       places       handled           answered or closed
    dispatched  due          due: dispatched, and the deadline is before `as_of`
    closed      reworked     handled_in_time   handled before the deadline, or without one
    extended    reopened     overdue           dispatched, and not handled by the deadline
    """
    good = [case for case in cases if case.void is None]
    ids = {case.id for case in good}
    sums = {name: sum(map(fits, good)) for name, fits in _BY_CASE.items()}
    late = [case for case in good if _is_due(case, facts.as_of)]
    return {
        **sums,
        "places": len({first.id for first in leaders(good, same_place_m).values()}),
        "due": len(late),
        "overdue": sum(not _in_time(case) for case in late),
        "reopened": len({row.case.id for row in facts.followups if row.event == "reopened"} & ids),
        "appealed": sum(case.appeal is not None for case in cases),
        "upheld": sum(case.void == "upheld" for case in cases),
    }


def _handled(case: Case) -> bool:
    return case.answered_at is not None or case.closed_at is not None


def _in_time(case: Case) -> bool:
    moments = [each for each in (case.answered_at, case.closed_at) if each is not None]
    return bool(moments) and (case.due_at is None or min(moments) <= case.due_at)


def _is_due(case: Case, as_of: int) -> bool:
    return case.dispatched_at is not None and case.due_at is not None and case.due_at < as_of


_BY_CASE: dict[str, Callable[[Case], bool]] = {
    "found": lambda case: True,
    "dispatched": lambda case: case.dispatched_at is not None,
    "handled": _handled,
    "handled_in_time": _in_time,
    "closed": lambda case: case.closed_at is not None,
    "reworked": lambda case: case.reworks > 0,
    "extended": lambda case: case.extensions > 0,
}


def _age(case: Case) -> tuple[int, str]:
    return case.found_at, case.id


def _chained(rows: list[Case], limit_m: float) -> dict[str, Case]:
    """Single linkage by a sweep from south to north; the root of each chain is its first found."""
    parent = {case.id: case for case in rows}

    def root(case: Case) -> Case:
        while parent[case.id].id != case.id:
            parent[case.id] = case = parent[parent[case.id].id]
        return case

    placed = sorted(
        (each for each in rows if each.lat is not None and each.lon is not None), key=_by_latitude
    )
    for index, one in enumerate(placed):
        for other in placed[index + 1 :]:
            if (other.lat - one.lat) * METRES_PER_DEGREE >= limit_m:  # type: ignore[operator]
                break
            if _metres(one, other) < limit_m:
                first, second = sorted((root(one), root(other)), key=_age)
                parent[second.id] = first
    return {case.id: root(case) for case in rows}


def _by_latitude(case: Case) -> tuple[float, str]:
    return case.lat or 0.0, case.id


def _metres(one: Case, other: Case) -> float:
    north = (other.lat - one.lat) * METRES_PER_DEGREE  # type: ignore[operator]
    middle = math.radians((one.lat + other.lat) / 2)  # type: ignore[operator]
    east = (other.lon - one.lon) * METRES_PER_DEGREE * math.cos(middle)  # type: ignore[operator]
    return math.hypot(north, east)
