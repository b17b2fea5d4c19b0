"""`streetsight detect`: photos in, detections, annotated pictures and a report out."""

from pathlib import Path
from typing import Annotated

import typer

from streetsight.models.cli import Lang, spoken_errors

# Everything heavy is imported when a verb runs, so that `--help` answers at once.

EXIT_SOME_FAILED = 1


def detect(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Photos, folders, globs in quotes, zip archives.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the results; without it they go to standard output."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", "-f", help="jsonl | coco | csv | geojson | labelstudio")
    ] = "jsonl",
    annotated: Annotated[
        bool, typer.Option("--annotated", help="Write pictures with boxes to OUTPUT/annotated.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Write OUTPUT/report.html, one file that needs no network.")
    ] = False,
    min_score: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Use this instead of the release's thresholds per class."),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Only these, by comma: classes (pothole) or conditions (broken_facility)."),
    ] = None,
    tile: Annotated[
        bool,
        typer.Option("--tile", help="Also look at overlapping tiles: finds small and far things, slower."),
    ] = False,
    tile_size: Annotated[
        int, typer.Option(min=0, help="Side of a tile in pixels; 0 is the model's input size.")
    ] = 0,
    release: Annotated[
        str | None, typer.Option(help="A release by name, or a folder with model.onnx and card.json.")
    ] = None,
    provider: Annotated[str, typer.Option(help="cpu | onnx | openvino | cuda | tensorrt")] = "cpu",
    lang: Lang = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no tables.")] = False,
) -> None:
    """Find street conditions in photos.

    Prints one JSON object per photo, also for photos without findings and photos that could not be read.

    Examples:

      streetsight detect photo.jpg

      streetsight detect patrol/ photos.zip -o out --annotated --report

      streetsight detect "2026-05/**/*.jpg" -o out -f csv --classes exposed_garbage,pothole

    Exit status: 0 all photos were read, 1 some were not, 2 usage, 3 release or card.
    """
    from streetsight.inference.job import Job, JobError, named_classes, run
    from streetsight.inference.writers import FILE_NAMES
    from streetsight.models.releases import load_release

    with spoken_errors(lang) as language:
        if form not in FILE_NAMES:
            raise JobError(
                "format {form} is not available; choose one of {known}",
                form=form,
                known=", ".join(FILE_NAMES),
            )
        if output is None and (annotated or report):
            raise JobError("pictures and reports need a folder: add --output DIR")
        chosen = load_release(release)
        job = Job(
            paths=tuple(paths), output=output, form=form, annotated=annotated, report=report,
            min_score=min_score, class_ids=named_classes(classes, chosen.card), tile=tile,
            tile_size=tile_size, provider=provider, language=language, quiet=quiet,
        )  # fmt: skip
        failed = run(job, chosen)
    raise typer.Exit(EXIT_SOME_FAILED if failed else 0)
