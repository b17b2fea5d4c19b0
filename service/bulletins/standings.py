"""The ranking, the marks by item, and what was given back: the sheets of a period as tables."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from streetsight.service.bulletins.adjustments import rule_names
from streetsight.service.bulletins.basis import Basis, Subject
from streetsight.service.bulletins.document import Column, Table, Value
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.words import why_said
from streetsight.service.scoring.ranking import Standing
from streetsight.service.scoring.scoring import seen_share

MOST_ITEMS = 8
"""Items that find room beside each other on a page."""


def ranking_tables(basis: Basis, pen: Pen) -> list[tuple[str, Table]]:
    """Peer group -> its ranking; one table named "" where all are peers."""
    say = pen.say
    groups: dict[str, list[Standing]] = {}
    for standing in basis.result.standings:
        groups.setdefault(standing.group, []).append(standing)
    columns = _ranking_columns(basis, pen)
    return [
        (group, Table(say("Ranking"), columns, [_ranked(basis, each, pen) for each in rows]))
        for group, rows in groups.items()
    ]


def ranking_sheet(basis: Basis, pen: Pen) -> Table:
    """All groups in one table."""
    say = pen.say
    columns = [Column(say("Peer group")), Column(say("Code of the subject")), *_ranking_columns(basis, pen)]
    rows = [[each.group, each.code, *_ranked(basis, each, pen)] for each in basis.result.standings]
    return Table(say("Ranking"), columns, rows)


def marks_table(basis: Basis, pen: Pen) -> Table | None:
    """Marks by item, a row for each subject; None where the items find no room on a page."""
    say, scheme = pen.say, basis.result.scheme
    items = [(part, item) for part in scheme.parts for item in part.items]
    if basis.result.span.grain != "month" or len(items) > MOST_ITEMS:
        return None
    heads = [Column(f"{pen.named(item)} ({item.full:f})", "points", 0.8) for _, item in items]
    rows: list[list[Value]] = []
    for subject in basis.subjects:
        got = {(part.key, item.key): item.got for part in subject.sheet.parts for item in part.items}
        if got:
            rows.append([subject.sheet.name, *(got.get((part.key, item.key)) for part, item in items),
                         subject.sheet.total])  # fmt: skip
    columns = [Column(say("Subject"), "text", 1.6), *heads, Column(say("Total"), "points", 0.8)]
    return Table(say("Marks by item"), columns, rows, say("In brackets: full marks of the item."))


def sheets_table(basis: Basis, pen: Pen) -> Table:
    """Score sheets, a row for each item of each subject."""
    say = pen.say
    columns = [
        Column(say("Period")),
        Column(say("Code of the subject")),
        Column(say("Subject")),
        Column(say("Part of the scheme")),
        Column(say("Weight"), "points"),
        Column(say("Part has"), "points"),
        Column(say("Item of the sheet")),
        Column(say("Full marks"), "points"),
        Column(say("Marks"), "points"),
        Column(say("Lines"), "count"),
        Column(say("Total"), "points"),
        Column(say("State")),
        Column(say("Digest of the facts")),
    ]
    rows = [row for subject in basis.subjects for row in _sheet_rows(subject, pen)]
    return Table(say("Score sheets"), columns, rows)


def members_table(basis: Basis, pen: Pen) -> Table:
    """Totals of the months in a quarter or year."""
    say = pen.say
    months = [month.span.name for month in basis.months]
    totals = {
        (month.span.name, sheet.code): _total(sheet.status, sheet.total, pen)
        for month in basis.months
        for sheet in month.sheets
    }
    rows: list[list[Value]] = [
        [
            each.name,
            *(totals.get((month, each.code)) for month in months),
            _total(each.status, each.total, pen),
        ]
        for each in basis.result.standings
    ]
    columns = [Column(say("Subject"), "text", 2), *(Column(month, "points") for month in months),
               Column(say("Total"), "points")]  # fmt: skip
    return Table(say("Months"), columns, rows)


def restored_table(basis: Basis, pen: Pen) -> Table | None:
    """What earlier months took and this one gives back, and why; None where there is nothing."""
    say = pen.say
    columns = [
        Column(say("Subject"), "text", 1.5),
        Column(say("Taken in")),
        Column(say("Given back in")),
        Column(say("Issues found"), "text", 2.2),
        Column(say("Why"), "text", 1.5),
        Column(say("Points"), "change"),
    ]
    rows: list[list[Value]] = [
        [
            subject.sheet.name,
            back.period,
            subject.month.span.name,
            ", ".join(back.issues),
            ", ".join(why_said(each, pen.language) for each in basis.reasons_of(subject, back)),
            back.points,
        ]
        for subject in basis.subjects
        if subject.sheet.total is not None
        for back in subject.facts.restorations
    ]
    return Table(say("Given back"), columns, rows) if rows else None


def spared_table(basis: Basis, pen: Pen) -> Table | None:
    """Lines that took nothing, by why: who reads the marks sees what was let go."""
    say = pen.say
    found: dict[str, tuple[int, Decimal]] = {}
    for subject in basis.subjects:
        for part in subject.sheet.parts:
            for line in (line for item in part.items for line in item.lines):
                if line.why != "counted":
                    count, points = found.get(line.why, (0, Decimal(0)))
                    found[line.why] = count + 1, points + line.points - line.nominal
    columns = [Column(say("Why"), "text", 2), Column(say("Lines"), "count"),
               Column(say("Points not taken"), "points")]  # fmt: skip
    rows: list[list[Value]] = [[why_said(why, pen.language), *each] for why, each in sorted(found.items())]
    return Table(say("Not deducted"), columns, rows) if rows else None


def rule_said(basis: Basis, path: str, rule: str, pen: Pen) -> str:
    """A rule with the item that it stands in."""
    scheme = basis.result.scheme
    part_key, item_key = path.split(".")
    item = next(each for part in scheme.parts if part.key == part_key for each in part.items
                if each.key == item_key)  # fmt: skip
    return f"{pen.named(item)} · {rule_names(scheme, pen).get((path, rule), rule)}"


def _ranking_columns(basis: Basis, pen: Pen) -> list[Column]:
    say = pen.say
    columns = [
        Column(say("Rank"), "count", 0.6),
        Column(say("Subject"), "text", 2),
        Column(say("Total"), "points", 0.9),
        Column(say("Change of total"), "change", 0.8),
        Column(say("Rank before"), "count", 0.7),
    ]
    if basis.result.span.grain != "month":
        return columns
    return [
        *columns, Column(say("Issues found"), "count", 0.7), Column(say("Problem places"), "count", 0.7),
        Column(say("Deducted"), "points", 0.8), Column(say("Share of ground seen"), "share", 0.9),
        Column(say("Leads waiting"), "count", 0.8),
    ]  # fmt: skip


def _ranked(basis: Basis, standing: Standing, pen: Pen) -> list[Value]:
    before = (basis.before or {}).get(standing.code)
    change = None if before is None or standing.total is None else standing.total - before
    row: list[Value] = [
        standing.rank, standing.name, _total(standing.status, standing.total, pen), change, standing.before,
    ]  # fmt: skip
    if basis.result.span.grain != "month":
        return row
    looked = {each.sheet.code: each.facts.exposure for each in basis.subjects}.get(standing.code)
    return [
        *row, standing.cases, standing.places, standing.deducted,
        seen_share(looked) if looked and looked.ground_m2 else None, looked.unreviewed if looked else None,
    ]  # fmt: skip


def _total(status: str, total: Decimal | None, pen: Pen) -> Value:
    """A total, or why there is none: who was not looked at has no full marks."""
    say = pen.say
    if total is not None:
        return total
    return say("not inspected") if status == "not_inspected" else say("figures missing")


def _sheet_rows(subject: Subject, pen: Pen) -> Iterator[Sequence[Value]]:
    say = pen.say
    sheet, known = subject.sheet, {part.key: part for part in subject.month.scheme.parts}
    head: list[Value] = [sheet.period, sheet.code, sheet.name]
    tail: list[Value] = [sheet.total, _total(sheet.status, sheet.total, pen) if sheet.total is None else
                         say("scored"), sheet.facts]  # fmt: skip
    if not sheet.parts:
        yield [*head, None, None, None, None, None, None, None, *tail]
    for part in sheet.parts:
        names = {item.key: pen.named(item) for item in known[part.key].items}
        of_part: list[Value] = [pen.named(known[part.key]), part.weight, part.got]
        for item in part.items:
            yield [*head, *of_part, names[item.key], item.full, item.got, len(item.lines), *tail]
        if not part.items:
            yield [*head, *of_part, None, None, None, None, *tail]
