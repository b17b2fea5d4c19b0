"""The bulletin (通报) of a period: from what is known of it to a document, in one language."""

from collections.abc import Sequence
from dataclasses import dataclass

from streetsight.models.card import Card
from streetsight.service.auth.actor import Actor
from streetsight.service.bulletins import looked, standings
from streetsight.service.bulletins.adjustments import adjustments_table
from streetsight.service.bulletins.basis import Basis, basis_of
from streetsight.service.bulletins.document import (
    Block,
    Document,
    Paragraph,
    Picture,
    Pictures,
    Section,
    Table,
)
from streetsight.service.bulletins.ledger import ledger_table
from streetsight.service.bulletins.pen import Pen, points_said
from streetsight.service.bulletins.shots import Album, Pair, Typical, pairs, typical
from streetsight.service.bulletins.words import kind_said
from streetsight.service.scoring.long_periods import needs, recommended
from streetsight.service.scoring.spans import Span
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

TYPICAL, PAIRS = 6, 4


@dataclass(frozen=True, eq=False)
class Material:
    """A bulletin's content before it is worded. Attributes: paired: closed issues with photos of both."""

    basis: Basis
    typical: Sequence[Typical]
    pairs: Sequence[Pair]
    paired: int


def material_of(
    session: ReadSession, settings: Settings, actor: Actor, key: str, span: Span, card: Card | None,
    most_pairs: int = PAIRS,
) -> Material:  # fmt: skip
    """All that a bulletin needs of the database.

    Raises:
        NoScheme, NotAdopted, CalendarLacksYear
    """
    basis = basis_of(session, settings, actor, key, span, card)
    shown, paired = pairs(session, actor, settings, basis, most_pairs)
    return Material(basis, typical(session, actor, settings, basis, TYPICAL), shown, paired)


def bulletin(material: Material, pen: Pen, album: Album) -> Document:
    """The bulletin."""
    basis, say = material.basis, pen.say
    span, scheme = basis.result.span, basis.result.scheme
    sections = [
        *_ranking(basis, pen), *_months(basis, pen), *_marks(basis, pen), *_typical(material, pen, album),
        *_pairs(material, pen, album), *_splits(basis, pen), *_handling(basis, pen), *_restored(basis, pen),
        *_fairness(basis, pen),
    ]  # fmt: skip
    return Document(
        language=pen.language, moment=basis.moment, marks=marks(material, pen, album), sections=sections,
        title=say("Ranking bulletin, {period}", period=span_said(span, pen)),
        subtitle=say("{scheme}, version {version}", scheme=pen.named(scheme), version=basis.result.version),
        foot=foot(basis, pen), sheets=_sheets(basis, pen),
    )  # fmt: skip


def comparison(material: Material, pen: Pen, album: Album) -> Document:
    """Before and after, side by side (观摩对比)."""
    basis, say = material.basis, pen.say
    return Document(
        language=pen.language, moment=basis.moment, marks=marks(material, pen, album), foot=foot(basis, pen),
        title=say("Before and after, {period}", period=span_said(basis.result.span, pen)),
        subtitle=pen.named(basis.result.scheme),
        sections=_pairs(material, pen, album) or [
            Section(say("Before and after"), [Paragraph(say("No issue was closed with photos of both."))])
        ],
    )  # fmt: skip


def span_said(span: Span, pen: Pen) -> str:
    """A period in words: 2026年10月, October 2026 as 2026-10."""
    say = pen.say
    if span.grain == "month":
        return say("{year}-{month}", year=span.starts.year, month=f"{span.starts.month:02d}")
    if span.grain == "quarter":
        return say("quarter {quarter} of {year}", year=span.starts.year, quarter=span.quarter)
    return say("the year {year}", year=span.starts.year)


def marks(material: Material, pen: Pen, album: Album) -> list[str]:
    """What nobody may overlook."""
    say, found, basis = pen.say, list[str](), material.basis
    if basis.result.scheme.example:
        found.append(say("Example scheme: its marks are made up, and no city goes by them."))
    if basis.result.closed is None:
        found.append(say("Preliminary: the period is not closed, and all of this may change."))
    if basis.partial:
        found.append(
            say("Lines, pictures and figures are of the places that you may see; the ranking is whole.")
        )
    if (material.typical or material.pairs) and album.uncovered():
        found.append(
            say("The pictures are not fit to be published: number plates or people are not covered.")
        )
    return found


def foot(basis: Basis, pen: Pen) -> list[str]:
    """Who closed it, when, and by which digests it can be checked."""
    say, closed = pen.say, basis.result.closed
    moment = pen.written(basis.moment.astimezone(pen.zone), "moment")
    if closed is None:
        return [say("State of {moment}; not closed.", moment=moment)]
    found = [
        say("Closed by {who} on {moment}.", who=closed.closed_by, moment=moment),
        say("SHA-256 of the facts: {digest}", digest=closed.facts_sha256),
        say("SHA-256 of the sheets: {digest}", digest=closed.sheets_sha256),
    ]
    return [*found, say("Note: {note}", note=closed.note)] if closed.note else found


def _ranking(basis: Basis, pen: Pen) -> list[Section]:
    say, blocks = pen.say, list[Block]()
    scored = [each for each in basis.result.standings if each.rank is not None]
    missing = [each.name for each in basis.result.standings if each.status == "not_inspected"]
    blocks.append(
        Paragraph(say("{scored} of {all} subjects have a total out of {total}.", scored=len(scored),
                      all=len(basis.result.standings), total=f"{basis.result.scheme.total:f}"))
    )  # fmt: skip
    if missing:
        said = say(
            "Not inspected, so without a total and never with full marks: {names}.", names=", ".join(missing)
        )
        blocks.append(Paragraph(said))
    for group, table in standings.ranking_tables(basis, pen):
        if group:
            blocks.append(Paragraph(say("Peer group: {group}", group=group)))
        blocks.append(table)
    if basis.before is None:
        blocks.append(
            Paragraph(say("The period before is not closed: there is nothing to compare with."), True)
        )
    return [Section(say("Ranking"), [*blocks, *_recommended(basis, pen)])]


def _recommended(basis: Basis, pen: Pen) -> list[Block]:
    say = pen.say
    if basis.result.span.grain == "month":
        return []
    how_many = needs(basis.result.scheme, basis.result.span.grain).recommend
    names = [each.name for each in recommended(list(basis.result.standings), how_many)]
    return [Paragraph(say("Recommended by rank: {names}.", names=", ".join(names)))] if names else []


def _months(basis: Basis, pen: Pen) -> list[Section]:
    say = pen.say
    if basis.result.span.grain == "month" or not basis.months:
        return []
    return [Section(say("Months"), [standings.members_table(basis, pen)])]


def _marks(basis: Basis, pen: Pen) -> list[Section]:
    say = pen.say
    table = standings.marks_table(basis, pen)
    if table is None or not table.rows:
        return []
    note = say("Every line is in the table of adjustments: issue, decision, photo, rule and version.")
    return [Section(say("Marks by item"), [table, Paragraph(note, True)])]


def _typical(material: Material, pen: Pen, album: Album) -> list[Section]:
    say = pen.say
    if not material.typical:
        return []
    pictures = [
        _example(number, each, material.basis, pen, album) for number, each in enumerate(material.typical, 1)
    ]
    said = say("What took points most often.")
    return [Section(say("Typical problems"), [Paragraph(said, True), Pictures("", pictures)])]


def _example(number: int, each: Typical, basis: Basis, pen: Pen, album: Album) -> Picture:
    """The first of its examples that has a picture."""
    say, found = pen.say, None
    for example in each.examples:
        caption = say(
            "{number}. {rule}: {cases} problems took {points} points. "
            "Here: {kind}, {subject}, {issue}, {moment}",
            number=number,
            rule=standings.rule_said(basis, each.path, each.rule, pen),
            cases=each.cases,
            points=points_said(each.points),
            kind=kind_said(example.case.tags, pen.language),
            subject=example.subject.sheet.name,
            issue=example.case.number,
            moment=_day(example.case.found_at, pen),
        )
        found = album.picture(example.shot, caption)
        if found.jpeg is not None:
            break
    assert found is not None
    return found


def _pairs(material: Material, pen: Pen, album: Album) -> list[Section]:
    if not material.pairs:
        return []
    say, blocks = pen.say, list[Block]()
    blocks.append(
        Paragraph(say("{shown} of {paired} closed issues with photos of before and after.",
                      shown=len(material.pairs), paired=material.paired), True)
    )  # fmt: skip
    for each in material.pairs:
        kind, where = kind_said(each.case.tags, pen.language), each.place or each.subject.sheet.name
        title = f"{each.case.number} · {kind} · {where}"
        before = say("Before: found {moment}", moment=_day(each.case.found_at, pen))
        after = say("After: closed {moment}", moment=_day(each.case.closed_at, pen))
        blocks.append(Pictures(title, [album.picture(each.before, before), album.picture(each.after, after)]))
    return [Section(say("Before and after"), blocks)]


def _splits(basis: Basis, pen: Pen) -> list[Section]:
    say = pen.say
    table = looked.splits_table(basis, pen)
    note = say("Days and nights are not looked at equally often: a share of issues is no rate of problems.")
    return [Section(say("When they were found"), [table, Paragraph(note, True)])] if table.rows else []


def _handling(basis: Basis, pen: Pen) -> list[Section]:
    say = pen.say
    table = looked.handling_table(basis, pen)
    return [Section(say("Handling of issues"), [table])] if table.rows else []


def _restored(basis: Basis, pen: Pen) -> list[Section]:
    say, blocks = pen.say, list[Block]()
    if (table := standings.restored_table(basis, pen)) is not None:
        said = say(
            "Earlier months took points for issues that turned out to be none. They are in these totals."
        )
        blocks += [Paragraph(said), table]
    if (spared := standings.spared_table(basis, pen)) is not None:
        blocks += [Paragraph(say("Lines that took less than their rule says, or nothing:")), spared]
    return [Section(say("Given back and not deducted"), blocks)] if blocks else []


def _fairness(basis: Basis, pen: Pen) -> list[Section]:
    if not basis.subjects:
        return []
    say = pen.say
    meaning = say(
        "Ground that no camera saw hides its problems: a subject that was seen little has few issues on "
        "record, and that is no praise. Leads that wait are what nobody has decided about; confirmed, they "
        "count, in the next open month if this one is closed. Places per km driven have an exact 95 % "
        "interval (Poisson): where two intervals overlap, the difference may be chance."
    )
    blocks: list[Block] = [
        Paragraph(say("For reading only: nothing here changes a score, which follows the scheme.")),
        looked.looked_table(basis, pen), Paragraph(meaning, quiet=True), *_detector(basis, pen),
    ]  # fmt: skip
    return [Section(say("How much was looked at"), blocks)]


def _detector(basis: Basis, pen: Pen) -> list[Block]:
    table, say = looked.quality_table(basis, pen), pen.say
    if table is None or basis.card is None:
        return []
    meaning = say(
        "Of the release in force, {release}, on test photos that it never learned from: precision is the "
        "share of its marks that are right, recall the share of labelled boxes that it finds. What it does "
        "not find is in no score, unless people find it.",
        release=basis.card.name,
    )
    return [table, Paragraph(meaning, quiet=True)]


def _sheets(basis: Basis, pen: Pen) -> list[Table]:
    found = [
        standings.ranking_sheet(basis, pen),
        standings.sheets_table(basis, pen),
        adjustments_table(basis, pen),
        ledger_table(basis, pen),
        looked.splits_sheet(basis, pen),
        looked.looked_table(basis, pen),
        looked.quality_table(basis, pen),
        standings.restored_table(basis, pen),
        looked.figures_sheet(basis, pen),
    ]
    return [table for table in found if table is not None]


def _day(seconds: int | None, pen: Pen) -> str:
    moment = pen.moment(seconds)
    return "–" if moment is None else f"{moment:%Y-%m-%d}"
