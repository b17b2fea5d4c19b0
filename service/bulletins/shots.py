"""Pictures for a document: chosen while the database is open, made publishable afterwards.

Only redacted copies leave, without metadata: plates and people are covered as the release in force can, and
what may not be shown at all says why.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import select

from streetsight.inference.reading import PhotoError, read_photo
from streetsight.inference.redaction.publishing import published_jpeg
from streetsight.models.language import SpokenError
from streetsight.service.auth.actor import Actor
from streetsight.service.bulletins.basis import Basis, Subject, blocks
from streetsight.service.bulletins.document import Picture
from streetsight.service.bulletins.pen import Pen
from streetsight.service.campaigns.ledger import photos_of
from streetsight.service.detections.tables import Result as Looked
from streetsight.service.faults import Forbidden, Gone, NotFound
from streetsight.service.files.blobs import NoBlob
from streetsight.service.frames.tables import Frame
from streetsight.service.issues.tables import Issue
from streetsight.service.privacy.publishing import Publisher
from streetsight.service.privacy.service import frame_for
from streetsight.service.scoring.facts import Case
from streetsight.service.scoring.sheets import SheetLine
from streetsight.service.settings import Settings
from streetsight.service.store.sessions import ReadSession

LONGEST_PX = 1000
FRAME_COLOUR, FRAME_SHARE = (214, 40, 40), 0.006
TRIED, SHOWN_FIRST = 30, 4
"""Issues of a kind that are looked through for one whose picture may be shown; of these so many are tried."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A photo that may be shown once it is redacted; `refused` says why there is none.

    Attributes:
        box: of the problem, pixels of the upright original, which is `width` wide.
    """

    sha256: str | None
    box: tuple[float, ...] | None = None
    width: int | None = None
    refused: SpokenError | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A case that shows a problem."""

    subject: Subject
    case: Case
    shot: Shot


@dataclass(frozen=True, slots=True)
class Typical:
    """A rule that took points, and cases that show what for, the best one first.

    Attributes:
        path: `part.item` of the rule; cases, points: how many it took points for, and how many points.
    """

    path: str
    rule: str
    cases: int
    points: Decimal
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Pair:
    """An issue that was put right: before and after."""

    subject: Subject
    case: Case
    place: str | None
    before: Shot
    after: Shot


def shot_of(
    session: ReadSession, actor: Actor, settings: Settings, frame_id: str, box: Sequence[float] | None = None
) -> Shot:
    """A frame's photo, if the actor may see it; else why not."""
    try:
        frame = frame_for(session, actor, frame_id, settings)
    except (NotFound, Gone, Forbidden) as error:
        return Shot(None, refused=error)
    width = session.scalar(
        select(Looked.width).join(Frame, Frame.result_id == Looked.id).where(Frame.id == frame_id)
    )
    return Shot(frame.sha256, tuple(box) if box else None, width)


def best_shot(session: ReadSession, actor: Actor, settings: Settings, issue: Issue) -> Shot | None:
    """Where an issue is seen best; None without any photo."""
    if issue.best_frame_id is not None:
        return shot_of(session, actor, settings, issue.best_frame_id, issue.best_box)
    before, _ = photos_of(session, [issue.id])[issue.id]
    return shot_of(session, actor, settings, before[0]) if before else None


def pairs(
    session: ReadSession, actor: Actor, settings: Settings, basis: Basis, most: int
) -> tuple[list[Pair], int]:
    """Closed issues with a photo of before and one of after, the first found first; and how many there are.

    Args:
        most: pairs; subjects take turns, so that each has its share.
    """
    closed = {case.id: (subject, case) for subject, case in basis.cases()
              if case.closed_at is not None and case.void is None}  # fmt: skip
    photos = {
        name: each for block in blocks(sorted(closed)) for name, each in photos_of(session, block).items()
    }
    found: list[tuple[Subject, Case, str, str]] = []
    for issue_id, (subject, case) in closed.items():
        before, after = photos.get(issue_id, ([], []))
        first = basis.issues[issue_id].best_frame_id or (before[0] if before else None)
        if first is not None and after:
            found.append((subject, case, first, after[-1]))
    chosen = _in_turns(found)[:most]
    return [
        Pair(
            subject, case, basis.issues[case.id].place,
            shot_of(session, actor, settings, before, _box(basis.issues[case.id], before)),
            shot_of(session, actor, settings, after),
        )
        for subject, case, before, after in chosen
    ], len(found)  # fmt: skip


def typical(session: ReadSession, actor: Actor, settings: Settings, basis: Basis, most: int) -> list[Typical]:
    """The kinds of problems that took points most often, each with a case whose picture may be shown.

    Of one kind the case that took most comes first, then the first found; those without a picture come last.
    """
    lines: dict[tuple[str, str], list[tuple[Subject, SheetLine]]] = defaultdict(list)
    cases = {(id(subject), case.id): case for subject, case in basis.cases()}
    for subject in basis.subjects:
        for path, line in _lines(subject):
            if line.why == "counted" and line.stage == 1 and (id(subject), line.issue) in cases:
                lines[path, line.rule].append((subject, line))
    often = sorted(lines.items(), key=lambda each: (-len(each[1]), each[0]))[:most]
    return [
        _typical(session, actor, settings, basis, path, rule, rows, cases) for (path, rule), rows in often
    ]


@dataclass(frozen=True, eq=False)
class Album:
    """Makes pictures that may be published, in the words of a pen."""

    publisher: Publisher
    pen: Pen

    def uncovered(self) -> list[str]:
        """What the operator lets through although the release in force cannot cover it: plates, people."""
        return [kind for kind, done in self.publisher.state().items() if done == "not-covered"]

    def picture(self, shot: Shot, caption: str) -> Picture:
        """Redacted, small, the problem framed; where none may be shown, the caption says why. Raises Busy."""
        refused, say = shot.refused, self.pen.say
        if shot.sha256 is not None:
            try:
                return Picture(_printable(self.publisher.copy(shot.sha256, "1600").content, shot), caption)
            except NoBlob:
                refused = None
            except (Forbidden, PhotoError) as error:
                refused = error
        why = refused.say(self.pen.language) if refused is not None else say("no photo")
        return Picture(None, f"{caption} ({why})")


def _lines(subject: Subject) -> Iterator[tuple[str, SheetLine]]:
    for part in subject.sheet.parts:
        for item in part.items:
            for line in item.lines:
                if line.issue is not None and line.points < 0:
                    yield f"{part.key}.{item.key}", line


def _typical(
    session: ReadSession, actor: Actor, settings: Settings, basis: Basis, path: str, rule: str,
    rows: list[tuple[Subject, SheetLine]], cases: Mapping[tuple[int, str], Case],
) -> Typical:  # fmt: skip
    rows = sorted(rows, key=lambda row: (row[1].points, row[1].found_at or 0, row[1].issue or ""))
    examples = []
    for subject, line in rows[:TRIED]:
        case = cases[id(subject), line.issue or ""]
        shot = best_shot(session, actor, settings, basis.issues[case.id]) or Shot(None)
        examples.append(Example(subject, case, shot))
    examples.sort(key=lambda each: each.shot.sha256 is None)
    points = -sum((line.points for _, line in rows), Decimal(0))
    return Typical(path, rule, len(rows), points, examples[:SHOWN_FIRST])


def _box(issue: Issue, frame_id: str) -> Sequence[float] | None:
    return issue.best_box if issue.best_frame_id == frame_id else None


def _in_turns(found: list[tuple[Subject, Case, str, str]]) -> list[tuple[Subject, Case, str, str]]:
    """One of each subject, then the next one of each."""
    queues: dict[str, list[tuple[Subject, Case, str, str]]] = defaultdict(list)
    for each in sorted(found, key=lambda row: (row[0].sheet.code, row[1].found_at, row[1].id)):
        queues[each[0].sheet.code].append(each)
    longest = max(map(len, queues.values()), default=0)
    return [queue[turn] for turn in range(longest) for queue in queues.values() if turn < len(queue)]


def _printable(content: bytes, shot: Shot) -> bytes:
    image = Image.fromarray(read_photo(content).image_rgb_hwc)
    if shot.box and shot.width:
        scale = image.width / shot.width
        x1, y1, x2, y2 = (edge * scale for edge in shot.box)
        line = max(3, round(FRAME_SHARE * max(image.size)))
        edges = [x1 - line, y1 - line, max(x1, x2) + line, max(y1, y2) + line]
        ImageDraw.Draw(image).rectangle(edges, outline=FRAME_COLOUR, width=line)
    return published_jpeg(np.asarray(image), LONGEST_PX)
