"""What can happen, by name: `noun.what`. Receivers choose from these."""

from typing import Literal, get_args

Kind = Literal[
    "patrol.closed",
    "candidate.created",
    "candidate.updated",
    "candidate.decided",
    "candidate.gone",
    "issue.created",
    "issue.updated",
    "issue.overdue",
    "issue.supervised",
    "campaign.started",
    "campaign.ended",
    "quota.missed",
    "report.received",
    "release.promoted",
    "score.closed",
    "score.reopened",
    "webhook.paused",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
