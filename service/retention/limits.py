"""How long photos are kept: a pure rule over what rests on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from streetsight.service.retention.evidence import Lead
from streetsight.service.settings import Settings

Reason = Literal["context", "rejected"]
SETTLED = frozenset({"rejected", "gone"})
"""States that end the keeping of evidence. Everything else protects it, also what cannot be told."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Moments before which something must lie to expire.

    Attributes:
        context: when photos that nothing rests on were received, and their patrol closed.
        rejected: when the last of their candidates was rejected, or gone.
    """

    context: datetime
    rejected: datetime

    @classmethod
    def of(cls, settings: Settings, moment: datetime) -> "Limits":
        return cls(
            moment - timedelta(days=settings.context_photo_days),
            moment - timedelta(days=settings.rejected_photo_days),
        )

    def say(self) -> dict[str, str]:
        """As JSON."""
        return {"context": self.context.isoformat(), "rejected": self.rejected.isoformat()}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a frame.

    Attributes:
        settled: detection and assembly are done, and its patrol is closed.
        last_moment: when it was received, or its patrol closed, whichever is later.
        held: by name, or through one of its candidates.
    """

    settled: bool
    last_moment: datetime
    held: bool
    leads: frozenset[Lead]


def expiry(facts: Facts, limits: Limits) -> Reason | None:
    """Why the photo may go; None when it must stay.

    Evidence of what is open or confirmed stays, whatever its age.
    """
    if facts.held or not facts.settled or facts.last_moment >= limits.context:
        return None
    if not facts.leads:
        return "context"
    return "rejected" if all(_over(lead, limits.rejected) for lead in facts.leads) else None


def _over(lead: Lead, before: datetime) -> bool:
    return lead.state in SETTLED and lead.settled_at is not None and lead.settled_at < before


def count(reasons: Iterable[Reason | None]) -> dict[str, int]:
    """How many of each reason; those that stay as `kept`."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason or "kept"] = counts.get(reason or "kept", 0) + 1
    return counts
