"""Supervision orders (督办单) of a period as one document: a page for each, as the single page has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from streetsight.models.codes import find_code
from streetsight.models.language import translate
from streetsight.models.taxonomy import Language
from streetsight.service.auth.actor import SYSTEM, Actor
from streetsight.service.bulletins.document import (
    Block,
    Column,
    Document,
    Paragraph,
    Pictures,
    Section,
    Table,
)
from streetsight.service.bulletins.pen import Pen
from streetsight.service.bulletins.shots import Album, Shot, best_shot
from streetsight.service.candidates.exports import class_label, condition_label
from streetsight.service.issues.service import visible
from streetsight.service.issues.tables import Issue, IssueUnit, Supervision
from streetsight.service.pages.issues import area_names
from streetsight.service.places.tables import IssuePlace
from streetsight.service.scoring.spans import Span
from streetsight.service.scoring.versions import scheme_for
from streetsight.service.settings import Settings
from streetsight.service.store.ids import first_id
from streetsight.service.store.sessions import ReadSession
from streetsight.service.store.types import now

MOST = 300


@dataclass(frozen=True, slots=True)
class Order:
    """An order with the issue that it is about. Attributes: area: names of all that hold it."""

    order: Supervision
    issue: Issue
    area: str
    co_units: Sequence[str]
    shot: Shot | None


@dataclass(frozen=True, slots=True)
class Orders:
    """Attributes: all: how many there are; a document has at most `MOST`."""

    span: Span
    items: Sequence[Order]
    all: int


def orders_of_period(session: ReadSession, settings: Settings, actor: Actor, key: str, span: Span) -> Orders:
    """Orders that were issued in a period about issues in the subjects of a scheme, the first one first.

    Raises:
        NoScheme, NotAdopted
    """
    begins, ends = span.moments(settings.zone)
    wanted = _wanted(actor, scheme_for(session, key, span.last_month).scheme.subjects)
    found = (
        select(Supervision, Issue)
        .join(Issue, Issue.id == Supervision.issue_id)
        .where(wanted, Supervision.id >= first_id(begins), Supervision.id < first_id(ends))
    )
    count = session.scalar(select(func.count()).select_from(found.subquery().alias())) or 0
    area_name = area_names(session)
    rows = session.execute(found.order_by(Supervision.id).limit(MOST)).all()
    items = [
        Order(order, issue, area_name(issue.area_path), _co_units(session, issue),
              best_shot(session, actor, settings, issue))
        for order, issue in rows
    ]  # fmt: skip
    return Orders(span, items, count)


def orders_document(found: Orders, pen: Pen, album: Album) -> Document:
    """The orders, a page for each."""
    say = pen.say
    sections = [_order(each, pen, album) for each in found.items]
    if not sections:
        nothing = Paragraph(say("No supervision order was issued in this period."))
        sections = [Section(say("Supervision orders"), [nothing])]
    marks = []
    if found.all > len(found.items):
        marks = [say("The first {shown} of {all} orders.", shown=len(found.items), all=found.all)]
    return Document(
        language=pen.language, moment=now(), marks=marks, sections=sections,
        title=say("Supervision orders, {period}", period=found.span.name),
        subtitle=say("{count} orders", count=found.all),
    )  # fmt: skip


def _order(each: Order, pen: Pen, album: Album) -> Section:
    order, issue, say = each.order, each.issue, pen.say
    with_units = f" ({say('with {units}', units=', '.join(each.co_units))})" if each.co_units else ""
    ended = f" ({say('struck off {when}', when=_moment(order.ended_at, pen))})" if order.ended_at else ""
    issued_by = say("the program, by the city's steps") if order.issued_by == SYSTEM.name else order.issued_by
    where = " · ".join(part for part in (each.area, issue.place) if part) or "–"
    if issue.lon is not None and issue.lat is not None:
        where += f" ({issue.lat:.5f}, {issue.lon:.5f} WGS-84)"
    rows = [
        (say("Colour"), colour_said(order.colour, pen.language)),
        (say("To the unit"), (order.unit or "–") + with_units),
        (say("Issued"), _moment(order.created_at, pen)),
        (say("Deadline"), _moment(order.due_at, pen)),
        (say("Issue"), issue.number),
        (say("Kind"), _kind(issue, pen.language)),
        (say("National code"), _code(issue, pen.language)),
        (say("Where"), where),
        (say("Confirmed at"), _moment(issue.confirmed_at, pen)),
        (say("What is ordered"), order.text),
        (say("What was done about it"), (order.ended_text or "") + ended),
        (say("Issued by"), issued_by),
        (say("Received: signature, day"), ""),
    ]
    columns = [Column(say("Supervision order"), "text", 1), Column(order.number, "text", 3)]
    blocks: list[Block] = [Table(order.number, columns, [[head, said] for head, said in rows], form=True)]
    if each.shot is not None:
        blocks.append(Pictures("", [album.picture(each.shot, say("The photo that shows it best"))]))
    return Section(f"{say('Supervision order')} {order.number}", blocks, own_page=True)


def colour_said(colour: str, language: Language) -> str:
    """A colour of orders."""
    said = {
        "white": translate("white", language),
        "yellow": translate("yellow", language),
        "red": translate("red", language),
    }
    return said.get(colour, colour)


def _wanted(actor: Actor, kind: str) -> ColumnElement[bool]:
    lying = select(IssuePlace.issue_id).where(IssuePlace.issue_id == Issue.id, IssuePlace.kind == kind)
    return visible(actor) & lying.exists()


def _co_units(session: ReadSession, issue: Issue) -> list[str]:
    units = select(IssueUnit.unit).where(IssueUnit.issue_id == issue.id).order_by(IssueUnit.unit)
    return list(session.scalars(units))


def _kind(issue: Issue, language: Language) -> str:
    if issue.class_name is not None:
        return class_label(issue.class_name, language)
    return condition_label(issue.condition, language)


def _code(issue: Issue, language: Language) -> str:
    if issue.code is None:
        return "–"
    entry = find_code(issue.code["scheme"], issue.code["code"], issue.code.get("kind"))
    return f"{issue.code['code']} {entry.label(language) if entry else issue.code.get('name') or ''}"


def _moment(moment: object, pen: Pen) -> str:
    return pen.written(moment, "moment")  # type: ignore[arg-type]
