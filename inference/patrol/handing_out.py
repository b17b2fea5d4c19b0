"""What a run leaves behind: files in the output folder, or candidates on standard output, and a summary."""

import json
import sys
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streetsight.inference.console import print_place, print_tally
from streetsight.inference.patrol.evidence import annotate_all, make_evidence
from streetsight.inference.patrol.job import Request, Run
from streetsight.inference.patrol.looking import Looker
from streetsight.inference.patrol.memory import write_memory
from streetsight.inference.patrol.patrols import pose_problems
from streetsight.inference.patrol.report import render_report
from streetsight.inference.patrol.writers import document, measures, write_files
from streetsight.models.durable import replace_file
from streetsight.models.language import SpokenError, translate
from streetsight.models.taxonomy import Language, default_taxonomy


class OutputError(SpokenError):
    """The results cannot be written."""


def hand_out(run: Run, looker: Looker, request: Request) -> None:
    """Write all that was asked for, the places of later runs last.

    Raises:
        OutputError: the folder cannot be written.
        PlacesFileError: the file of places cannot.
    """
    if request.output is None:
        json.dump(document(run, request.language, {}), sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")
    else:
        try:
            _write(run, looker, request, request.output)
        except OSError as error:
            raise OutputError(
                "cannot write to {path}: {reason}", path=request.output, reason=error.strerror
            ) from error
    if request.places:
        write_memory(request.places, run.memory)
    if not request.quiet:
        print_summary(Console(stderr=True), run, request)


def print_summary(console: Console, run: Run, request: Request) -> None:
    """What was found and what became of everything, for a terminal."""
    language = request.language
    print_tally(console, run.tally, run.card, language)
    for outing in run.outings:
        for told in (each for each in run.posed if each.outing is outing):
            for one in told.outcomes:
                console.print(f"{outing.path}: {one.say(language)}", markup=False, soft_wrap=True)
        if outing.track_file and outing.track_file.fault:
            console.print(outing.track_file.fault.say(language), markup=False, soft_wrap=True)
    for report in (*run.ground.zone_reports, *run.ground.area_reports):
        if report.outcome != "accepted":
            console.print(f"{report.name}: {report.say(language)}", markup=False, soft_wrap=True)
    if run.unplaced:
        said = translate(
            "{count} sightings have no position and could not be compared with the sensitive zones.",
            language, count=run.unplaced,
        )  # fmt: skip
        console.print(said, soft_wrap=True)
    problems = pose_problems(run.frames)
    if problems:
        console.print(_counts("positions and times", problems.most_common(), language))
    _print_coverage(console, run, language)
    if run.leads:
        console.print(_lead_table(run, language))
    else:
        said = translate("No candidates. That says nothing about ground that was not seen.", language)
        console.print(said)
    if request.output:
        print_place(console, request.output, language)


def _write(run: Run, looker: Looker, request: Request, output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    evidence = make_evidence(run, looker, output, request.language)
    if request.annotated:
        annotate_all(run, looker, output, request.language)
    write_files(run, output, request.language, evidence.files, request.district)
    page = render_report(run, evidence, request.language)
    replace_file(output / "report.html", page.encode())


def _print_coverage(console: Console, run: Run, language: Language) -> None:
    for name, measure in measures(run):
        where = name or translate("everywhere", language)
        day = measure.day or translate("no date", language)
        said = translate(
            "{where}, {day}: {driven} m driven, {seen} m of it in view, {m2} m2 of ground seen", language,
            where=where, day=day,
            driven=round(measure.driven_m), seen=round(measure.driven_seen_m), m2=round(measure.seen_m2),
        )  # fmt: skip
        console.print(said, markup=False, soft_wrap=True)


def _lead_table(run: Run, language: Language) -> Table:
    taxonomy = default_taxonomy()
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for lead in run.leads:
        row = counts[lead.candidate.condition]
        row[("high", "medium", "low").index(lead.candidate.severity.level)] += 1
        row[3] += lead.state == "gone"
    table = Table(
        translate("condition", language), title=translate("Candidates", language), title_justify="left"
    )
    for heading in ("high", "medium", "low", "gone by the last pass"):
        table.add_column(translate(heading, language), justify="right")
    for condition, row in counts.items():
        entry = taxonomy.conditions[condition]
        table.add_row(f"[{entry.colour}]■[/] {entry.label(language)}", *map(str, row))
    return table


def _counts(title: str, rows: list[tuple[str, int]], language: Language) -> Table:
    table = Table(translate("outcome", language), title=translate(title, language), title_justify="left")
    table.add_column(translate("photos", language), justify="right")
    for name, count in rows:
        table.add_row(translate(name, language), str(count))
    return table
