"""Beside the score: how much was looked at, how it was handled, when it was found, by how good a detector."""

from collections import defaultdict
from decimal import Decimal

from streetsight.service.bulletins.basis import Basis, Subject
from streetsight.service.bulletins.document import Column, Table, Value
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.words import count_said, split_said, value_said
from streetsight.service.candidates.exports import class_label
from streetsight.service.scoring.fairness import ClassQuality, Fairness, fairness_of

RATES = (
    ("handled", "dispatched"), ("handled_in_time", "dispatched"), ("overdue", "dispatched"),
    ("closed", "found"), ("reworked", "found"),
)  # fmt: skip
"""Counts over counts; the denominator stands in the head of the column."""


def fairness(basis: Basis) -> list[tuple[str, str, Fairness, int, float]]:
    """Period, name, figures, problem places and square metres of ground of each subject."""
    return [
        (
            each.month.span.name, each.sheet.name, fairness_of(each.facts, each.sheet, basis.card),
            each.sheet.counts.get("places", 0), each.facts.exposure.ground_m2,
        )
        for each in basis.subjects
    ]  # fmt: skip


def looked_table(basis: Basis, pen: Pen) -> Table:
    """How much of each subject was looked at, and what waits there."""
    say, long = pen.say, basis.result.span.grain != "month"
    columns = [
        Column(say("Subject"), "text", 1.8),
        Column(say("km driven"), "measure"),
        Column(say("Photos"), "count"),
        Column(say("Patrols"), "count"),
        Column(say("Days seen"), "count"),
        Column(say("Visits"), "count"),
        Column(say("Never seen"), "share"),
        Column(say("of m²"), "count"),
        Column(say("Leads waiting"), "count"),
        Column(say("Problem places"), "count"),
        Column(say("Places per km"), "measure"),
        Column(say("95 % interval"), "text", 1.5),
    ]
    rows: list[list[Value]] = []
    for period, name, found, places, ground_m2 in fairness(basis):
        rate = found.rate
        between = f"{rate.low:.2f} – {rate.high:.2f}" if rate else None
        rows.append(
            [*([period] if long else []), name, found.driven_km, found.photos, found.patrols, found.days,
             found.visits, found.never_seen_share if ground_m2 else None, round(ground_m2) or None,
             found.unreviewed, places, rate.per_km if rate else None, between]
        )  # fmt: skip
    columns = [*([Column(say("Period"))] if long else []), *columns]
    return Table(say("Coverage of subjects"), columns, rows)


def quality_table(basis: Basis, pen: Pen) -> Table | None:
    """How good the release in force is at the classes of these cases; None where there are none."""
    say = pen.say
    classes: dict[str, ClassQuality] = {
        each.class_name: each for _, _, found, _, _ in fairness(basis) for each in found.classes
    }
    columns = [
        Column(say("Class"), "text", 2), Column(say("Precision"), "share"), Column(say("Recall"), "share"),
        Column(say("of labelled boxes"), "count"),
    ]  # fmt: skip
    rows: list[list[Value]] = [
        [class_label(name, pen.language), each.precision, each.recall, each.boxes]
        for name, each in sorted(classes.items())
    ]
    return Table(say("Detector"), columns, rows) if rows else None


def handling_table(basis: Basis, pen: Pen) -> Table:
    """Rates of handling, each beside the count that it is a share of."""
    say, long = pen.say, basis.result.span.grain != "month"
    names = dict.fromkeys(under for _, under in RATES)
    columns = [*([Column(say("Period"))] if long else []), Column(say("Subject"), "text", 1.8)]
    columns += [Column(count_said(name, pen.language), "count") for name in names]
    columns += [
        Column(f"{count_said(over, pen.language)} / {count_said(under, pen.language)}", "text", 1.6)
        for over, under in RATES
    ]
    rows: list[list[Value]] = []
    for each in basis.subjects:
        counts = each.sheet.counts
        if counts:
            head: list[Value] = [each.month.span.name] if long else []
            rates: list[Value] = [_rate(counts, over, under, pen) for over, under in RATES]
            rows.append([*head, each.sheet.name, *(counts.get(name) for name in names), *rates])
    return Table(say("Handling of issues"), columns, rows)


def splits_table(basis: Basis, pen: Pen) -> Table:
    """Cases and points by when they were found, all subjects together."""
    sums: dict[tuple[str, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for each in basis.subjects:
        for split in each.sheet.splits:
            cases, points = sums[split.tag, split.value]
            sums[split.tag, split.value] = cases + split.cases, points + split.points
    totals: dict[str, int] = defaultdict(int)
    for (tag, _), (cases, _points) in sums.items():
        totals[tag] += cases
    rows: list[list[Value]] = [
        [
            split_said(tag, pen.language),
            value_said(value, pen.language),
            cases,
            cases / totals[tag],
            totals[tag],
            points,
        ]
        for (tag, value), (cases, points) in sorted(sums.items())
    ]
    say = pen.say
    columns = [
        Column(say("Split by"), "text", 1.6),
        Column(say("When"), "text", 1.6),
        Column(say("Issues found"), "count"),
        Column(say("Share"), "share"),
        Column(say("of issues"), "count"),
        Column(say("Points"), "change"),
    ]
    return Table(say("Splits"), columns, rows)


def splits_sheet(basis: Basis, pen: Pen) -> Table:
    """The same for each subject."""
    say = pen.say
    columns = [
        Column(say("Period")),
        Column(say("Code of the subject")),
        Column(say("Subject")),
        Column(say("Split by")),
        Column(say("When")),
        Column(say("Issues found"), "count"),
        Column(say("Points"), "change"),
    ]
    rows: list[list[Value]] = [
        [each.month.span.name, each.sheet.code, each.sheet.name, split_said(split.tag, pen.language),
         value_said(split.value, pen.language), split.cases, split.points]
        for each in basis.subjects for split in each.sheet.splits
    ]  # fmt: skip
    return Table(say("Splits"), columns, rows)


def figures_sheet(basis: Basis, pen: Pen) -> Table:
    """Figures that were brought in, with where from; counts that rates go by."""
    say = pen.say
    columns = [
        Column(say("Period")),
        Column(say("Code of the subject")),
        Column(say("Subject")),
        Column(say("Figure")),
        Column(say("Value"), "points"),
        Column(say("Source")),
    ]
    rows: list[list[Value]] = []
    known = [*basis.subjects, *_long(basis)]
    for each in known:
        head: list[Value] = [each.sheet.period, each.sheet.code, each.sheet.name]
        rows += [[*head, figure.key, figure.value, figure.source] for figure in each.facts.figures]
        rows += [[*head, count_said(name, pen.language), value, say("counted")]
                 for name, value in each.sheet.counts.items()]  # fmt: skip
    return Table(say("Figures"), columns, rows)


def _long(basis: Basis) -> list[Subject]:
    """Sheets of a quarter or year itself, that who asks may see."""
    if basis.result.span.grain == "month":
        return []
    codes = {each.sheet.code for each in basis.subjects} if basis.partial else None
    pairs = zip(basis.result.facts, basis.result.sheets, strict=True)
    return [Subject(basis.result, *each) for each in pairs if codes is None or each[0].code in codes]


def _rate(counts: dict[str, int], over: str, under: str, pen: Pen) -> str:
    top, bottom = counts.get(over, 0), counts.get(under, 0)
    if not bottom:
        return f"{top} / 0"
    return f"{pen.written(top / bottom, 'share')} ({top} / {bottom})"
