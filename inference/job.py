"""One run of `streetsight detect`: sources through the detector into files, with progress and a summary."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TextIO

from rich.console import Console

from streetsight.inference.console import print_place, print_tally, progress_bar
from streetsight.inference.pictures import (
    ANNOTATED_SIDE_PX,
    THUMBNAIL_QUALITY,
    THUMBNAIL_SIDE_PX,
    annotated_jpeg,
    picture_paths,
    write_picture,
)
from streetsight.inference.pipeline import FrameResult, Options, detect_source, in_order, open_detector
from streetsight.inference.reading import read_photo
from streetsight.inference.report import Entry, Report
from streetsight.inference.sources import PhotoSource, find_photos
from streetsight.inference.tiling import Tiling
from streetsight.inference.writers import FILE_NAMES, Format, write
from streetsight.models.card import Card
from streetsight.models.language import SpokenError
from streetsight.models.releases import Release
from streetsight.models.taxonomy import Language, default_taxonomy


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
    targets: list[Path] | list[None] = [None] * len(sources)
    if job.annotated and job.output:
        targets = picture_paths(job.output / "annotated", [source.name for source in sources])
    tasks = [_Task(*each) for each in zip(sources, targets, strict=True)]

    def work(task: _Task) -> Entry:
        # Read once: the picture must show what was looked at, even if the file has changed since.
        source = replace(task.source, read=cache(task.source.read))
        result = detect_source(source, detector, options)
        return Entry(result, _pictures(replace(task, source=source), result, release.card, job))

    with _output(job) as out, progress_bar(console, len(tasks), job.language, job.quiet) as advance:

        def results() -> Iterator[FrameResult]:
            for entry in in_order(work, tasks, workers):
                report.add(entry)
                advance()
                yield entry.result

        write(results(), release.card, job.form, out)
    if job.report and job.output:
        (job.output / "report.html").write_text(report.render(), encoding="utf-8")
    if not job.quiet:
        print_tally(console, report.tally, release.card, job.language)
        if job.output:
            print_place(console, job.output, job.language)
    return report.tally.failed


@dataclass(frozen=True, slots=True)
class _Task:
    source: PhotoSource
    picture: Path | None


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
    image = read_photo(
        task.source.read(), ANNOTATED_SIDE_PX if task.picture else THUMBNAIL_SIDE_PX
    ).image_rgb_hwc
    if task.picture:
        write_picture(task.picture, annotated_jpeg(image, result, card, job.language))
    if not job.report:
        return None
    return annotated_jpeg(image, result, card, job.language, THUMBNAIL_SIDE_PX, THUMBNAIL_QUALITY)
