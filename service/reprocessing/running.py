"""Looking at an archive with another release. What is written is done, so a run that was killed goes on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import select

from streetsight.inference.pipeline import FrameResult, in_order
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release
from streetsight.service.detections.looking import Engine, Seen
from streetsight.service.detections.service import add_result
from streetsight.service.faults import Unavailable
from streetsight.service.files.blobs import NoBlob
from streetsight.service.frames.tables import Frame
from streetsight.service.reprocessing.frames import Archive, in_pages
from streetsight.service.store.database import Database
from streetsight.service.store.sessions import WriteSession

STRETCH = 50_000  # frames that are handed to the engine at once
WRITTEN_TOGETHER = 32
TRIES, WAIT_SECONDS = 4, 5.0  # in a row that bring nothing, before a run ends; it can be started again

Answer = FrameResult | Exception
Looks = Callable[[Sequence[str]], Iterable[tuple[str, Answer]]]
"""Photos by their digests to what was found, in any order; those that it says nothing of are asked again.

It raises `Unavailable` when storage or machines do not answer.
"""


@dataclass(slots=True)
class Report:
    """What a run did.

    Attributes:
        written: frames with a new result.
        gone: frames whose photo is not stored any more.
        failed: what went wrong with others, by digest; the next run tries them again.
    """

    written: int = 0
    gone: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def reprocess(
    database: Database,
    archive: Archive,
    release: Release,
    looks: Looks,
    wait: Callable[[float], object],
    told: Callable[[int], object] = lambda count: None,
    stretch: int = STRETCH,
) -> Report:
    """Look at every frame of an archive that the release has no result of, and write its results.

    The results in force stay. A frame gets one result of a release however often it is looked at.

    Args:
        wait: called with seconds before it is tried again.
        told: called with the number of frames that are done, again and again.

    Raises:
        Unavailable: when nothing could be looked at for a while; what was written stays.
    """
    report = Report()
    for frames in in_pages(database, archive.left(), stretch):
        left, tries = {frame.sha256: frame.id for frame in frames}, 0
        while left:
            before, trouble = len(left), Unavailable("nobody has answered")
            try:
                answers = iter(looks([*left]))
                while group := [*islice(answers, WRITTEN_TOGETHER)]:
                    trouble = _write(database, release, left, group, report) or trouble
                    told(report.written + report.gone + len(report.failed))
            except Unavailable as error:
                trouble = error
            tries = 0 if len(left) < before else tries + 1
            if left and tries >= TRIES:
                raise trouble
            if left:
                wait(WAIT_SECONDS)
    return report


def look_here(engine: Engine) -> Looks:
    """Photos by this machine's cores."""

    def one(key: str) -> tuple[str, Answer]:
        try:
            return key, engine.look_at(key).result
        except SpokenError as error:
            return key, error

    return lambda keys: in_order(one, keys, engine.calls)


def _write(
    database: Database,
    release: Release,
    left: dict[str, str],
    group: Iterable[tuple[str, Answer]],
    report: Report,
) -> Unavailable | None:
    """Write answers, in one commit, and take them from what is left; gives what kept others from coming."""
    trouble, done = None, list[str]()
    with database.write() as session:
        for key, answer in group:
            if key in done or key not in left:  # of machines that were lost and asked again
                continue
            if isinstance(answer, Unavailable):
                trouble = answer
                continue
            if isinstance(answer, FrameResult):
                _add(session, left[key], Seen(answer, release))
            done.append(key)
            _count(report, key, answer)
    for key in done:
        del left[key]
    return trouble


def _add(session: WriteSession, frame_id: str, seen: Seen) -> None:
    """Write a result beside those that are there; the lock keeps a frame to one of each release."""
    of_frame = select(Frame.created_at).where(Frame.id == frame_id).with_for_update(key_share=True)
    add_result(session, frame_id, session.execute(of_frame).scalar_one(), seen)


def _count(report: Report, key: str, answer: Answer) -> None:
    if isinstance(answer, FrameResult):
        report.written += 1
    elif isinstance(answer, NoBlob):
        report.gone += 1
    else:
        report.failed[key] = str(answer)
