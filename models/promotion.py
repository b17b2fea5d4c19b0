"""What stands against putting a release in force. Reads cards and evidence; runs nothing."""

from collections.abc import Iterator

from streetsight.models.card import PARITY_TOLERANCES, Card, Parity, ParityTolerance
from streetsight.models.comparison import Comparison, LeakCheck, Row
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release, ReleaseError
from streetsight.models.taxonomy import Language, default_taxonomy
from streetsight.models.trained_on import read_trained_on

FROZEN_PART = "test"  # thresholds are chosen on val
MIN_BOXES, MIN_GROUPS = 20, 5  # fewer show nothing about a condition


class Objection(SpokenError):
    """One reason against a promotion, with its numbers and what to do."""


class PromotionRefused(ReleaseError):
    """A promotion that has objections against it; they are in the message, a line each."""

    objections: tuple[Objection, ...] = ()

    def __str__(self) -> str:
        return self.say("en")

    def say(self, language: Language) -> str:
        lines = [super().say(language), *(f"- {each.say(language)}" for each in self.objections)]
        return "\n".join(lines)


def refusal(name: str, against: tuple[Objection, ...]) -> PromotionRefused:
    """The error that says why a release is not put in force."""
    error = PromotionRefused("{name} is not promoted; reasons: {count}", name=name, count=len(against))
    error.objections = against
    return error


def objections(
    challenger: Release, champion: str | None, evidence: Comparison | None
) -> tuple[Objection, ...]:
    """Everything against promoting `challenger`, not only the first; empty when nothing is.

    Args:
        champion: address of the release in force, or None when there is none yet.
        evidence: the latest comparison of the two.
    """
    found = [*_about_the_card(challenger.card)]
    if champion is None:
        found += _about_the_first(challenger)
    elif evidence is None:
        found.append(
            Objection(
                "there is no comparison with the release in force, {champion}; run `streetsight models "
                "compare {name} --photos DIR`",
                champion=champion, name=challenger.card.name,
            )
        )  # fmt: skip
    else:
        found += _about_the_evidence(challenger, evidence)
    return tuple(found)


def lacks(card: Card) -> tuple[str, ...]:
    """Parts of a card that a release in force must have and this one has not."""
    parts = {
        "threshold_rule": card.threshold_rule,
        "data": card.data,
        "data.licence": all(source.licence for source in card.data),
        "training": card.training,
        "evaluations.val": any(each.part == "val" for each in card.evaluations),
        "evaluations.test": any(each.part == "test" for each in card.evaluations),
        "parity": card.parity,
        "limits": card.limits,
    }
    return tuple(name for name, there in parts.items() if not there)


def _about_the_card(card: Card) -> Iterator[Objection]:
    if missing := lacks(card):
        yield Objection(
            "the card is incomplete: {missing} missing; `streetsight export` writes all of it",
            missing=", ".join(missing),
        )
    if card.parity is not None:
        yield from _about_parity(card.parity, PARITY_TOLERANCES[card.precision])


def _about_parity(parity: Parity, most: ParityTolerance) -> Iterator[Objection]:
    score, box = parity.max_score_difference, parity.max_box_difference_px
    if not (parity.photos and score <= most.score and box <= most.box_px):  # NaN is refused, too
        yield Objection(
            "parity fails: on {photos} photos the file differs from the network it came from by {score} in "
            "score (at most {most_score}) and {box} px in boxes (at most {most_box}); export it again",
            photos=parity.photos, score=f"{score:.2g}", most_score=most.score,
            box=f"{box:.2g}", most_box=most.box_px,
        )  # fmt: skip


def _about_the_first(challenger: Release) -> Iterator[Objection]:
    if challenger.card.training and read_trained_on(challenger) is None:
        yield Objection(
            "cannot show what it was trained on: the card binds no trained_on.txt; export it again with "
            "`streetsight export`"
        )


def _about_the_evidence(challenger: Release, evidence: Comparison) -> Iterator[Objection]:
    if evidence.challenger.card_sha256 != challenger.card_sha256():
        yield Objection(
            "the card was changed after the comparison of {day}; restore it, or compare again",
            day=evidence.created.date(),
        )
    if evidence.frozen_set.part != FROZEN_PART:
        yield Objection(
            "compared on the part {part}, on which thresholds were chosen; compare on {frozen}",
            part=evidence.frozen_set.part, frozen=FROZEN_PART,
        )  # fmt: skip
    yield from _about_leaks(evidence.leak)
    if evidence.missing_classes:
        yield Objection(
            "trained on other classes: it lacks {missing}, which the release in force has; train it on all "
            "classes",
            missing=", ".join(evidence.missing_classes),
        )
    yield from _about_coverage(evidence)
    gated = sum(row.gated for row in evidence.rows)
    yield from (_worse(row, gated) for row in evidence.worse)


def _about_leaks(leak: LeakCheck) -> Iterator[Objection]:
    if leak.proof == "none":
        yield Objection(
            "cannot show that none of the judged photos were trained on: the card binds no trained_on.txt, "
            "and the training part made again from these photos is not the one in the card; export it again, "
            "or compare on the photos it was trained beside"
        )
    elif not leak.clean:
        yield Objection(
            "trained on what it was judged on: {photos} photos ({some_photos}) and {groups} groups "
            "({some_groups}); compare on photos of other places, or train without these",
            photos=leak.shared_photos, groups=leak.shared_groups,
            some_photos=", ".join(leak.photos) or "-", some_groups=", ".join(leak.groups) or "-",
        )  # fmt: skip


def _about_coverage(evidence: Comparison) -> Iterator[Objection]:
    """Not judged is not "no worse": every condition the champion serves needs enough labels."""
    taxonomy = default_taxonomy()
    served = {lead for name in evidence.champion.classes for lead in taxonomy.leads_of(name)}
    judged = {row.name: row for row in evidence.rows if row.kind == "condition"}
    for name in taxonomy.conditions:
        row = judged.get(name)
        boxes, groups = (row.boxes, row.groups) if row else (0, 0)
        if name in served and (boxes < MIN_BOXES or groups < MIN_GROUPS):
            yield Objection(
                "{condition} was hardly judged: {boxes} boxes in {groups} groups, expected at least "
                "{least_boxes} in {least_groups}; compare on photos that show it",
                condition=name, boxes=boxes, groups=groups, least_boxes=MIN_BOXES, least_groups=MIN_GROUPS,
            )  # fmt: skip


def _worse(row: Row, gated: int) -> Objection:
    return Objection(
        "{name} is worse: AP50 {challenger} against {champion}, difference {difference} with a 95 % interval "
        "of {low} to {high} ({boxes} boxes in {groups} groups), more than chance among {gated} figures; "
        "train again with more photos that show it",
        name=row.name, challenger=f"{row.challenger:.3f}", champion=f"{row.champion:.3f}",
        difference=f"{row.difference:+.3f}", low=f"{row.low:+.3f}", high=f"{row.high:+.3f}",
        boxes=row.boxes, groups=row.groups, gated=gated,
    )  # fmt: skip
