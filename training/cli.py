"""`streetsight train | export | evaluate`: offered where the training extra is installed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streetsight.models.cli import Lang, RegistryOption, open_registry, spoken_errors

if TYPE_CHECKING:
    from rich.table import Table

    from streetsight.models.comparison import Comparison
    from streetsight.models.releases import Release
    from streetsight.models.taxonomy import Language

PhotosOption = Annotated[
    Path, typer.Option("--photos", envvar="STREETSIGHT_DATA", help="Folder with sources/<name>/.")
]

VersionOption = Annotated[
    Path | None,
    typer.Option("--version", help="Folder of a dataset version; the split of all sources if not given."),
]
ThresholdRuleOption = Annotated[
    list[str] | None,
    typer.Option(
        help="best-f1 | precision>=0.8, or for one class or condition: street_vendor=precision>=0.7; "
        "several by comma or by repeating."
    ),
]


def train(
    weights: Annotated[
        str, typer.Option(help="What to start from: a checkpoint (.pt), or a release by name or folder.")
    ],
    run: Annotated[Path, typer.Option(help="Folder for checkpoints, progress and the run's description.")],
    photos: PhotosOption,
    recipe: Annotated[
        str,
        typer.Option(
            help="few (on a release), first (on COCO weights), street (on a checkpoint), or a file."
        ),
    ] = "first",
    teacher: Annotated[
        Path | None, typer.Option(help="COCO checkpoint that labels vehicles where nobody did.")
    ] = None,
    version: VersionOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the training input, pixels, instead of the recipe's.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Learn in so many processes, by Ray (the extra `cluster`).")
    ] = None,
    worker_cores: Annotated[int, typer.Option(min=1, help="Of each worker.")] = 1,
    worker_gpus: Annotated[bool, typer.Option("--worker-gpus", help="Each worker has a GPU.")] = False,
    ray: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Ray cluster of the workers; this machine without."),
    ] = None,
    lang: Lang = None,
) -> None:
    """Train by a recipe. Validation and test photos are never learned from.

    A killed run goes on after its last whole epoch when the same command is given again.

    Example:

      streetsight train --weights street-n-2 --recipe few --photos data --version versions/3f2a --run runs/one

    Exit status: 0, 2 usage or data, 3 when the release to start from is missing, damaged or INT8.
    """
    from dataclasses import replace

    from streetsight.models.language import translate
    from streetsight.training.recipe import load_recipe
    from streetsight.training.spread import Spread
    from streetsight.training.train import train as run_training

    with spoken_errors(lang) as language:
        chosen = load_recipe(recipe)
        chosen = replace(chosen, epochs=epochs or chosen.epochs, image_size=size or chosen.image_size)
        spread = Spread(workers, worker_cores, worker_gpus, ray) if workers else None
        checkpoint = run_training(chosen, photos, weights, teacher, run, version, spread)
        typer.echo(translate("checkpoint: {path}", language, path=checkpoint))


def average(
    runs: Annotated[list[Path], typer.Argument(help="Folders of training runs, the latest last.")],
    run: Annotated[Path, typer.Option(help="Folder to write: a run that can be exported or gone on from.")],
    lang: Lang = None,
) -> None:
    """Average the weights of runs that came from one another; judge the result before you trust it.

    Exit status: 0, or 2 when the runs cannot be averaged.
    """
    from streetsight.models.language import translate
    from streetsight.training.average import average_runs

    with spoken_errors(lang) as language:
        checkpoint = average_runs(runs, run)
        typer.echo(translate("checkpoint: {path}", language, path=checkpoint))


def add_class(
    name: Annotated[str, typer.Argument(metavar="CLASS", help="Class of the taxonomy, such as person.")],
    source: Annotated[Path, typer.Option("--from", help="Folder of a finished training run.")],
    run: Annotated[Path, typer.Option(help="Folder to write: a run that can be exported or gone on from.")],
    photos: PhotosOption,
    teacher: Annotated[
        Path | None, typer.Option(help="COCO checkpoint that finds the class where nobody labelled it.")
    ] = None,
    version: VersionOption = None,
    lang: Lang = None,
) -> None:
    """Give a finished model one class more, in minutes; what it says of all others stays as it was.

    Example:

      streetsight add-class person --from runs/street --teacher coco.pt --photos data --run runs/people

    Exit status: 0, or 2 when the class cannot be added.
    """
    from streetsight.models.language import translate
    from streetsight.training.added_class import add_class as add

    with spoken_errors(lang) as language:
        checkpoint = add(source, name, photos, teacher, run, version)
        typer.echo(translate("checkpoint: {path}", language, path=checkpoint))


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    name: Annotated[str, typer.Option(help="Name of the release.")],
    photos: PhotosOption,
    head: Annotated[str, typer.Option(help="one_to_many | end_to_end")] = "one_to_many",
    size: Annotated[
        int | None, typer.Option(help="Longest side of the input, pixels; the recipe's when not given.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder that holds releases.")] = Path("models/releases"),
    threshold_rule: ThresholdRuleOption = None,
    version: VersionOption = None,
    lang: Lang = None,
) -> None:
    """Make a release: ONNX, parity, thresholds chosen on validation photos, figures on test photos, card.

    It is not put in force: see `models register`, `compare` and `promote`.

    Examples:

      streetsight export runs/one --name spring-1 --photos data --version versions/3f2a --output made

      streetsight export runs/one --name spring-1 --photos data --output made
      --threshold-rule "best-f1,exposed_garbage=precision>=0.8"

    Exit status: 0, 2 usage or data, 3 when the name is taken; then nothing is written.
    """
    from streetsight.models.language import translate
    from streetsight.training.release import make_release

    with spoken_errors(lang) as language:
        folder = make_release(
            run,
            name,
            photos,
            head,  # type: ignore[arg-type]
            size,
            output,
            threshold_rule or ["best-f1"],
            version,
        )
        typer.echo(translate("release: {path}", language, path=folder))


def quantise(
    release: Annotated[str, typer.Argument(help="A float32 release, by name or folder.")],
    name: Annotated[str, typer.Option(help="Name of the INT8 release.")],
    photos: PhotosOption,
    output: Annotated[Path, typer.Option(help="Folder that holds releases.")] = Path("models/releases"),
    calibration: Annotated[
        int, typer.Option(min=1, help="Training photos on which the ranges are measured.")
    ] = 100,
    threshold_rule: ThresholdRuleOption = None,
    version: VersionOption = None,
    registry: RegistryOption = None,
    lang: Lang = None,
) -> None:
    """Make the INT8 variant of a release, for processors with VNNI but without bf16: docs/quantisation.md.

    Thresholds are chosen anew on validation photos, figures are its own; promote it like any other release.

    Exit status: 0, 2 usage or data, 3 when the release cannot be quantised.
    """
    from streetsight.models.language import translate
    from streetsight.models.releases import load_release
    from streetsight.training.quantise import quantise_release

    with spoken_errors(lang) as language:
        source = load_release(release, open_registry(registry).roots)
        folder = quantise_release(
            source, name, photos, output, calibration, threshold_rule or ("best-f1",), version
        )
        typer.echo(translate("Results are in {path}", language, path=folder))


def evaluate(
    photos: PhotosOption,
    release: Annotated[
        str | None, typer.Argument(help="Name or folder; the one in force when not given.")
    ] = None,
    part: Annotated[str, typer.Option(help="val | test. Look at val while you work.")] = "val",
    version: VersionOption = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="HTML with curves, slices and the worst mistakes as pictures."),
    ] = None,
    label_errors: Annotated[
        Path | None,
        typer.Option("--label-errors", help="Likely label errors, best first, as .csv, .json or .html."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All figures, slices and intervals.")] = False,
    registry: RegistryOption = None,
    lang: Lang = None,
) -> None:
    """Judge a release, as it is served, on photos whose places were never trained on.

    Examples:

      streetsight evaluate --photos data --report out.html

      streetsight evaluate my-release --photos data --part test --json

      streetsight evaluate --photos data --label-errors suspects.html

    Exit status: 0, 2 usage or data, 3 when the release is missing or damaged.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from streetsight.datasets.records import data_digest
    from streetsight.models.cli import figures_table
    from streetsight.models.language import translate
    from streetsight.models.releases import load_release
    from streetsight.models.tables import print_table
    from streetsight.training.evaluation.assessment import assess, labelled_part
    from streetsight.training.evaluation.output import check_targets, write_label_errors, write_report

    with spoken_errors(lang) as language:
        check_targets(report, label_errors)
        chosen = load_release(release, open_registry(registry).roots)
        records = labelled_part(photos, part, version)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(part, total=len(records))
            assessment = assess(chosen, records, part, data_digest(records), lambda: bar.advance(task))
        if report:
            write_report(assessment, report, language)
        if label_errors:
            write_label_errors(assessment, label_errors, language)
        if as_json:
            typer.echo(json.dumps(assessment.as_data(), indent=2, ensure_ascii=False))
            return
        print_table(figures_table(assessment.evaluation, language))
        for path in filter(None, (report, label_errors)):
            typer.echo(translate("Results are in {path}", language, path=path))


def compare(
    challenger: Annotated[str, typer.Argument(help="A release, by name or folder.")],
    photos: PhotosOption,
    champion: Annotated[
        str | None, typer.Argument(help="Compared with this one; the one in force when not given.")
    ] = None,
    version: VersionOption = None,
    part: Annotated[str, typer.Option(help="test | val. Promotion asks for test.")] = "test",
    draws: Annotated[int, typer.Option(min=200, help="Draws of the bootstrap.")] = 1000,
    registry: RegistryOption = None,
    by: Annotated[str | None, typer.Option("--by", help="Who does this.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The evidence as it is recorded.")] = False,
    lang: Lang = None,
) -> None:
    """Judge two releases on the same photos of places never trained on, and record the evidence.

    Exit status: 0 whichever is better, 2 usage or data, 3 when they cannot be compared.
    """
    from rich.console import Console
    from rich.progress import Progress

    from streetsight.models.history import caller
    from streetsight.models.releases import load_release
    from streetsight.models.tables import print_table
    from streetsight.training.gate import compare as compare_releases
    from streetsight.training.gate import frozen_part

    with spoken_errors(lang) as language:
        releases = open_registry(registry)
        old, new = load_release(champion, releases.roots), load_release(challenger, releases.roots)
        frozen = frozen_part(photos, part, version)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(part, total=2 * len(frozen.records))
            evidence = compare_releases(new, old, frozen, draws, seen=lambda: bar.advance(task))
        digest = releases.record(evidence, by or caller())
        if as_json:
            typer.echo(evidence.model_dump_json(indent=2))
            return
        print_table(_comparison_table(evidence, language))
        _say_verdict(new, evidence, digest, language)


def _comparison_table(evidence: "Comparison", language: "Language") -> "Table":
    """A row per class, condition and the mean, for a terminal."""
    from streetsight.models.language import translate
    from streetsight.models.tables import figure_table

    photos, headings, rows = evidence.frozen_set, [""], []
    for word in ("boxes", "groups", "champion", "challenger", "interval", "verdict"):
        headings.append(translate(word, language))
    for row in evidence.rows:
        counts = row.gated and (row.verdict != "worse" or row in evidence.worse)
        interval = f"{row.low:+.3f} .. {row.high:+.3f}" if None not in (row.low, row.high) else "-"
        verdict = "-" if row.verdict == "no difference shown" else translate(row.verdict, language)
        rows.append(
            (
                row.name, str(row.boxes), str(row.groups), f"{row.champion:.3f}", f"{row.challenger:.3f}",
                interval, verdict if counts else f"({verdict})",
            )
        )  # fmt: skip
    title = translate(
        "AP50 on {part}, {photos} photos, {groups} groups; 95 % interval of the difference", language,
        part=photos.part, photos=photos.photos, groups=photos.groups,
    )  # fmt: skip
    return figure_table(headings, [rows], names=(0, 6), title=title)


def _say_verdict(challenger: "Release", evidence: "Comparison", digest: str, language: "Language") -> None:
    """Who was compared, and what stands against promoting the challenger."""
    from streetsight.models.language import translate
    from streetsight.models.promotion import objections

    def say(message: str, /, **values: object) -> None:
        typer.echo(translate(message, language, **values))

    old, new = evidence.champion.address, evidence.challenger.address
    say("champion {champion}, challenger {challenger}", champion=old, challenger=new)
    say("evidence: {digest}", digest=digest[:12])
    known = evidence.champion_leak
    if known.shared_photos or known.shared_groups:
        say(
            "{name} has learned {photos} of these photos and {groups} of their groups: its figures flatter "
            "it",
            name=old, photos=known.shared_photos, groups=known.shared_groups,
        )  # fmt: skip
    against = objections(challenger, old, evidence)
    if not against:
        say("nothing stands against promoting {name}", name=new)
    for objection in against:
        typer.echo(f"- {objection.say(language)}")
