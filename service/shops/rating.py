"""How a month of a shop is rated: a pure function of the rules and of what was found in front of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streetsight.service.issues.subsets import wanted_by
from streetsight.service.shops.front import Found
from streetsight.service.shops.rules import Band, Deduction, Rating
from streetsight.service.store.sessions import ReadSession

Fits = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Rated:
    """Attributes: score, band: None when nobody has looked; facts: what was taken off, by issue."""

    score: float | None
    band: Band | None
    facts: tuple[dict[str, Any], ...]


def matchers(session: ReadSession, rating: Rating) -> list[tuple[Deduction, Fits]]:
    """The deductions, each with what it fits, by the groupings in force."""
    return [(each, wanted_by(session, each.issues)) for each in rating.deductions]


def rate(
    rating: Rating,
    deductions: Iterable[tuple[Deduction, Fits]],
    found: Iterable[Found],
    seen: bool,
    end: datetime,
) -> Rated:
    """A month's rating. The order of what was found, and finding it twice, change nothing.

    Args:
        seen: whether a patrol has seen the front; without that and without an issue there is no score.
        end: of the month; what was struck before it is handled.
    """
    rows, by_id = list(deductions), {each.issue_id: each for each in found}
    if not by_id and not seen:
        return Rated(None, None, ())
    facts = tuple(_taken_off(rating, rows, by_id[issue_id], end) for issue_id in sorted(by_id))
    # rounded: a sum of decimals that is a hair below a band would be a band lower
    score = round(max(0.0, rating.full - sum(fact["points"] for fact in facts)), 2)
    return Rated(score, rating.band_of(score), facts)


def _taken_off(
    rating: Rating, rows: list[tuple[Deduction, Fits]], found: Found, end: datetime
) -> dict[str, Any]:
    first = next((row for row, fits in rows if fits(found)), None)
    handled = found.closed_at is not None and found.closed_at < end
    unhandled = 0.0 if handled else rating.unhandled
    points = first.points if first else rating.other
    return {
        "issue_id": found.issue_id, "number": found.number, "points": round(points + unhandled, 2),
        "note": first.note if first else None, "unhandled": unhandled,
    }  # fmt: skip
