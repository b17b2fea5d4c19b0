"""One run of `streetsight detect`: sources through the detector into files, with progress and a summary."""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from streetsight.inference.drawing import draw_detections, not_scorable_note, shrink
from streetsight.inference.pipeline import FrameResult, Options, detect_source, in_order, open_detector
from streetsight.inference.reading import read_photo
from streetsight.inference.report import Entry, Report, Tally
from streetsight.inference.sources import PhotoSource, find_photos
from streetsight.inference.tiling import Tiling
from streetsight.inference.writers import FILE_NAMES, Format, write
from streetsight.models.card import Card
from streetsight.models.detections import Detections
from streetsight.models.language import SpokenError, translate
from streetsight.models.releases import Release
from streetsight.models.taxonomy import Language, default_taxonomy

ANNOTATED_SIDE_PX, THUMBNAIL_SIDE_PX = 1920, 480


class JobError(SpokenError):
    """The request cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the user asked for; see the help of `streetsight detect`."""

    paths: tuple[str, ...]
    output: Path | None
    form: Format
    annotated: bool
    report: bool
    min_score: float | None
    class_ids: frozenset[int] | None
    tile: bool
    tile_size: int
    provider: str
    language: Language
    quiet: bool


def named_classes(wanted: str | None, card: Card) -> frozenset[int] | None:
    """Ids of the classes named, by comma, or of all that can lead to the conditions named; None stays None.

    Raises:
        JobError: naming what the release does not have.
    """
    if wanted is None:
        return None
    taxonomy, ids = default_taxonomy(), set()
    for name in filter(None, (part.strip() for part in wanted.split(","))):
        matching = {each.id for each in card.classes if name in (each.name, *taxonomy.leads_of(each.name))}
        if not matching:
            known = ", ".join([*card.class_names, *taxonomy.conditions])
            raise JobError(
                "no class or condition {name} in this release; known: {known}", name=name, known=known
            )
        ids |= matching
    return frozenset(ids)


def run(job: Job, release: Release) -> int:
    """Carry out a job and return how many photos could not be read.

    Raises:
        NoPhotosError, JobError: for requests that cannot be carried out.
        ReleaseError: when the release cannot run.
    """
    sources = find_photos(job.paths, without=job.output)
    detector, workers = open_detector(release, len(sources), job.provider)
    options = Options(job.min_score, job.class_ids, Tiling(size=job.tile_size) if job.tile else None)
    report, console = Report(release.card, job.language), Console(stderr=True)
    tasks = [_Task(*each) for each in zip(sources, picture_paths(job, sources), strict=True)]

    def work(task: _Task) -> Entry:
        # Read once: the picture must show what was looked at, even if the file has changed since.
        source = replace(task.source, read=cache(task.source.read))
        result = detect_source(source, detector, options)
        return Entry(result, _pictures(replace(task, source=source), result, release.card, job))

    with _output(job) as out, _progress(console, len(tasks), job) as advance:

        def results() -> Iterator[FrameResult]:
            for entry in in_order(work, tasks, workers):
                report.add(entry)
                advance()
                yield entry.result

        write(results(), release.card, job.form, out)
    if job.report and job.output:
        (job.output / "report.html").write_text(report.render(), encoding="utf-8")
    if not job.quiet:
        _print_summary(console, report.tally, release.card, job)
    return report.tally.failed


@dataclass(frozen=True, slots=True)
class _Task:
    source: PhotoSource
    picture: Path | None


def picture_paths(job: Job, sources: Sequence[PhotoSource]) -> list[Path | None]:
    """Where each annotated picture goes: the photo's own path below what all photos share, as .jpg."""
    if not job.annotated or job.output is None:
        return [None] * len(sources)
    names = [os.path.abspath(source.name) for source in sources]
    shared = os.path.commonpath([os.path.dirname(name) for name in names])
    taken: set[Path] = set()
    targets: list[Path | None] = []
    for name in names:
        base = job.output / "annotated" / Path(os.path.relpath(name, shared)).with_suffix("")
        target, number = base.with_name(base.name + ".jpg"), 2
        while target in taken:  # a.png beside a.jpg
            target, number = base.with_name(f"{base.name}-{number}.jpg"), number + 1
        taken.add(target)
        targets.append(target)
    return targets


@contextlib.contextmanager
def _output(job: Job) -> Iterator[TextIO]:
    """Standard output, or the results file in the output folder."""
    if job.output is None:
        yield sys.stdout
        return
    try:
        job.output.mkdir(parents=True, exist_ok=True)
        # The byte order mark tells spreadsheets that a CSV is UTF-8.
        encoding = "utf-8-sig" if job.form == "csv" else "utf-8"
        file = (job.output / FILE_NAMES[job.form]).open("w", encoding=encoding, newline="")
    except OSError as error:
        raise JobError("cannot write to {path}: {reason}", path=job.output, reason=error.strerror) from error
    with file:
        yield file


def _pictures(task: _Task, result: FrameResult, card: Card, job: Job) -> bytes | None:
    """Write the annotated picture if wanted; give a thumbnail if a report is."""
    if result.detections is None or not (task.picture or job.report):
        return None
    photo = read_photo(task.source.read(), ANNOTATED_SIDE_PX if task.picture else THUMBNAIL_SIDE_PX)
    faults = result.quality.faults if result.quality else ()
    note = not_scorable_note(faults, job.language) if faults else None

    def jpeg(longest_px: int, quality: int) -> bytes:
        image = shrink(photo.image_rgb_hwc, longest_px)
        drawn = draw_detections(
            image, photo.size_wh, result.detections or Detections.empty(), card, job.language, note
        )
        buffer = io.BytesIO()
        drawn.save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()

    if task.picture:
        task.picture.parent.mkdir(parents=True, exist_ok=True)
        task.picture.write_bytes(jpeg(ANNOTATED_SIDE_PX, 88))
    return jpeg(THUMBNAIL_SIDE_PX, 80) if job.report else None


@contextlib.contextmanager
def _progress(console: Console, total: int, job: Job) -> Iterator[Callable[[], None]]:
    """A bar on standard error where somebody looks at it."""
    if job.quiet or not console.is_terminal or total < 2:
        yield lambda: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(translate("photos", job.language), total=total)
        yield lambda: progress.advance(bar)


def _print_summary(console: Console, tally: Tally, card: Card, job: Job) -> None:
    def say(message: str, **values: object) -> str:
        return translate(message, job.language, **values)

    taxonomy = default_taxonomy()
    seen = Table(say("class"), say("condition"), title=say("What was seen"), title_justify="left")
    for heading in ("detections", "photos"):
        seen.add_column(say(heading), justify="right")
    for name in sorted(card.class_names, key=lambda each: -tally.detections[each]):
        if tally.detections[name]:
            condition = taxonomy[name].condition
            seen.add_row(
                f"[{taxonomy[name].colour}]■[/] {taxonomy[name].label(job.language)}",
                taxonomy.conditions[condition].label(job.language) if condition else say("context"),
                str(tally.detections[name]), str(tally.photos_with[name]),
            )  # fmt: skip
    outcomes = Table(say("outcome"), title=say("Photos"), title_justify="left")
    outcomes.add_column(say("photos"), justify="right")
    for outcome, count in tally.outcomes.most_common():
        outcomes.add_row(say(outcome), str(count))
    for fault, count in tally.faults.most_common():
        outcomes.add_row(f"  {say('not scorable')}: {say(fault)}", str(count))
    if tally.detections:
        console.print(seen)
    else:
        console.print(say("Nothing was detected."))
    console.print(outcomes)
    if job.output:
        # A path may look like markup, and must stay in one piece to be copied.
        console.print(say("Results are in {path}", path=job.output), markup=False, soft_wrap=True)
