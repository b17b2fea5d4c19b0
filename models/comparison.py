"""Evidence: how a challenger did against a champion on the same photos, and what was checked on the way.

Written by `streetsight models compare`, read by `promote` and by pages. It holds what was measured; whether
that is enough to promote is decided from it by `streetsight.models.promotion`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from streetsight.models.card import Sha256, Share

Kind = Literal["mean", "condition", "class"]
Verdict = Literal["better", "no difference shown", "worse"]
FAMILY_WISE_ERROR = 0.05  # how often a challenger that is equally good may be held for worse in some row
LeakProof = Literal["photo list", "recomputed split", "none"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Side(_Part):
    """One of the two releases, and the card it had then."""

    address: str
    card_sha256: Sha256
    classes: tuple[str, ...]


class FrozenSet(_Part):
    """The photos that both were judged on, the same ones.

    Attributes:
        version: dataset version they come from; None where the split was made from source folders.
        digest: over photo names, groups and labels.
    """

    version: str | None
    part: str
    digest: Sha256
    photos: int = Field(gt=0)
    groups: int = Field(gt=0)


class Row(_Part):
    """AP at IoU .50 of both on one class, one condition (its classes pooled), or the mean over classes.

    Attributes:
        low, high: 95 % interval of challenger minus champion, paired bootstrap over groups; None where too
            few groups have labels for one.
        p_worse: one-sided p-value of the difference, by itself: as if no other row were looked at.
        gated: whether being worse here stands against a promotion (context classes are only reported).
    """

    kind: Kind
    name: str
    boxes: int = Field(ge=0)
    groups: int = Field(ge=0)
    champion: Share
    challenger: Share
    low: Annotated[float, Field(ge=-1, le=1)] | None
    high: Annotated[float, Field(ge=-1, le=1)] | None
    p_worse: Share
    gated: bool

    @property
    def difference(self) -> float:
        return self.challenger - self.champion

    @property
    def verdict(self) -> Verdict:
        """Worse or better only where the whole interval is on that side of zero; of this row by itself."""
        if self.high is not None and self.high < 0:
            return "worse"
        return "better" if self.low is not None and self.low > 0 else "no difference shown"


class LeakCheck(_Part):
    """Whether a release was trained on photos, or places, that it was judged on.

    Attributes:
        proof: how that was found out: by the release's list of training photos, by making its training
            part again and finding the same digest, or not at all.
        photos, groups: judged photos and groups that were also trained on, the first few by name.
        shared_photos, shared_groups: how many there are.
    """

    proof: LeakProof
    shared_photos: int = Field(default=0, ge=0)
    shared_groups: int = Field(default=0, ge=0)
    photos: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return self.proof != "none" and not self.shared_photos and not self.shared_groups


class Curve(_Part):
    """Precision and recall of one class or condition, thinned out for drawing; best score first."""

    name: str
    champion_recall: tuple[Share, ...]
    champion_precision: tuple[Share, ...]
    challenger_recall: tuple[Share, ...]
    challenger_precision: tuple[Share, ...]


class Comparison(_Part):
    """The whole evidence. Unknown keys are refused."""

    format: Literal[2] = 2
    created: AwareDatetime
    champion: Side
    challenger: Side
    frozen_set: FrozenSet
    draws: int = Field(ge=200, description="of the bootstrap")
    seed: int
    rows: tuple[Row, ...]
    leak: LeakCheck
    champion_leak: LeakCheck
    curves: tuple[Curve, ...] = ()

    @property
    def worse(self) -> tuple[Row, ...]:
        """Rows that stand against a promotion."""
        return worse_beyond_chance(self.rows)

    @property
    def missing_classes(self) -> tuple[str, ...]:
        """Classes that the champion has and the challenger has not."""
        return tuple(name for name in self.champion.classes if name not in self.challenger.classes)


def worse_beyond_chance(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Gated rows that are worse, also considering how many of them are looked at."""
    gated = [row for row in rows if row.gated]
    rejected = holm([row.p_worse for row in gated], FAMILY_WISE_ERROR)
    return tuple(
        row for row, beyond in zip(gated, rejected, strict=True) if beyond and row.verdict == "worse"
    )


def holm(p_values: Sequence[float], level: float) -> tuple[bool, ...]:
    """Which hypotheses are rejected where some true one is rejected with at most this probability.

    Holm: A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statistics 6, 1979.
    """
    rejected = [False] * len(p_values)
    for tested, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        if p_values[index] > level / (len(p_values) - tested):
            break
        rejected[index] = True
    return tuple(rejected)
