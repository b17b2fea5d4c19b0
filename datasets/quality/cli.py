"""`streetsight dataset check`: what is wrong with labelled photos, file by file."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.datasets.version_cli import AsJson, Dataset, progress, spoken
from streetsight.models.cli import Lang

if TYPE_CHECKING:
    from streetsight.datasets.quality.check import Check
    from streetsight.models.taxonomy import Language

EXIT_ERRORS = 1
SHOWN = 10  # problems of each kind on the terminal


def check(
    dataset: Dataset,
    report: Annotated[
        Path | None, typer.Option(help="Write a contact sheet: one HTML file with pictures.")
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="A split as CSV: look for leaks between its parts.")
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Look for what spoils a dataset: unusable files, wrong boxes, outliers, duplicates, leaks.

    Exit status: 0 no errors (there may be warnings), 1 errors, 2 usage, 3 there is no dataset.
    """
    from streetsight.datasets.quality.check import check_dataset
    from streetsight.models.durable import replace_file

    with spoken(lang) as language:
        with progress() as (cache, advance):
            found = check_dataset(dataset, split, cache, advance)
        if report:
            from streetsight.datasets.quality.sheet import render_sheet

            report.parent.mkdir(parents=True, exist_ok=True)
            replace_file(report, render_sheet(found, language).encode())
        if as_json:
            typer.echo(json.dumps(found.to_json(language), indent=1, ensure_ascii=False))
        else:
            _print(found, report, language)
    raise typer.Exit(EXIT_ERRORS if found.errors else 0)


def _print(found: "Check", report: Path | None, language: "Language") -> None:
    from streetsight.datasets.quality.problems import KINDS
    from streetsight.models.language import translate

    shown: Counter[str] = Counter()
    colours = {"error": typer.colors.RED, "warning": typer.colors.YELLOW}
    for problem in found.problems:
        kind = KINDS[problem.kind]
        if not shown[problem.kind]:
            typer.secho(
                f"{translate(kind.title, language)}: {found.counts[problem.kind]}", fg=colours[kind.severity]
            )
        shown[problem.kind] += 1
        if shown[problem.kind] <= SHOWN:
            typer.echo(f"  {problem.place}: {problem.say(language)}")
        elif shown[problem.kind] == SHOWN + 1:
            typer.echo(f"  … +{found.counts[problem.kind] - SHOWN}")
    message = "{photos} photos looked at: {errors} errors, {warnings} warnings"
    values = {"photos": len(found.records), "errors": found.errors, "warnings": found.warnings}
    typer.echo(translate(message, language, **values))
    if report:
        message = "The contact sheet is in {path}"
        typer.echo(translate(message, language, path=report))
