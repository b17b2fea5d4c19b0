"""What another scheme would have made of periods, subject by subject, beside what is."""

from collections.abc import Iterable, Sequence

from streetsight.service.scoring import periods
from streetsight.service.scoring.schemas import Change, PreviewShown
from streetsight.service.scoring.schemes import Scheme
from streetsight.service.scoring.spans import Span
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession


def preview(session: ReadSession, settings: Settings, scheme: Scheme, spans: Sequence[Span]) -> PreviewShown:
    """Subjects whose total or rank would be another one: of what was frozen where a period is closed.

    Raises:
        CalendarLacksYear
    """
    changes, subjects = list[Change](), 0
    for span in spans:
        there = periods.preview(session, settings, scheme, span)
        here = periods.result_if_any(session, settings, scheme.key, span)
        subjects += len(there.standings)
        changes += _changes(span, here, there)
    return PreviewShown(subjects=subjects, changes=changes)


def _changes(span: Span, here: periods.Result | None, there: periods.Result) -> Iterable[Change]:
    before = {each.code: each for each in here.standings} if here else {}
    for then in there.standings:
        now = before.get(then.code)
        if now is None or (now.total, now.rank) != (then.total, then.rank):
            yield Change(
                period=span.name, code=then.code, name=then.name, total_now=now.total if now else None,
                total_then=then.total, rank_now=now.rank if now else None, rank_then=then.rank,
            )  # fmt: skip
