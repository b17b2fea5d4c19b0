"""Supervision orders (督办单): issued, and struck off."""

from sqlalchemy import func, select

from streetsight.service.auth.actor import Actor
from streetsight.service.events.service import publish
from streetsight.service.issues.tables import Issue, IssueAct, Supervision
from streetsight.service.store.sessions import ReadSession, WriteSession
from streetsight.service.store.types import now


def issue_order(
    session: WriteSession, actor: Actor, issue: Issue, act: IssueAct, text: str, colour: str, step: str | None
) -> Supervision:
    """One more order. Args: step: the configured one that was reached; None for a person's."""
    counted = select(func.count()).select_from(Supervision).where(Supervision.issue_id == issue.id)
    ordinal = (session.scalar(counted) or 0) + 1
    order = Supervision(
        issue_id=issue.id, ordinal=ordinal, number=f"{issue.number}-{ordinal}", act_id=act.id, colour=colour,
        step=step, text=text, unit=issue.unit, due_at=issue.due_at, issued_by_id=actor.id,
        issued_by=actor.name,
    )  # fmt: skip
    session.add(order)
    session.flush()
    said = {
        "number": order.number, "issue_number": issue.number, "colour": colour, "step": step,
        "unit": issue.unit, "due_at": issue.due_at,
    }  # fmt: skip
    publish(session, "issue.supervised", f"issue/{issue.id}", said, issue.area_path)
    return order


def end_orders(session: WriteSession, issue: Issue, text: str | None) -> None:
    """Strike all orders off that are in force."""
    issue.supervision = None
    open_ones = select(Supervision).where(Supervision.issue_id == issue.id, Supervision.ended_at.is_(None))
    for order in session.scalars(open_ones):
        order.ended_at, order.ended_text = now(), text
    session.flush()


def orders_of(session: ReadSession, issue_id: str) -> list[Supervision]:
    """Orders of an issue, the first one first."""
    found = select(Supervision).where(Supervision.issue_id == issue_id).order_by(Supervision.ordinal)
    return list(session.scalars(found))
