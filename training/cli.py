"""`streetsight train | export | evaluate`: offered where the training extra is installed."""

from pathlib import Path
from typing import Annotated

import typer

PhotosOption = Annotated[
    Path, typer.Option("--photos", envvar="STREETSIGHT_DATA", help="Folder with sources/<name>/.")
]


def train(
    weights: Annotated[Path, typer.Option(help="Checkpoint to start from.")],
    run: Annotated[Path, typer.Option(help="Folder for checkpoints and the run's description.")],
    photos: PhotosOption,
    recipe: Annotated[str, typer.Option(help="A shipped recipe by name, or a file.")] = "first",
    teacher: Annotated[
        Path | None, typer.Option(help="COCO checkpoint that labels vehicles; WEIGHTS when not given.")
    ] = None,
) -> None:
    """Train by a recipe. The split is by group and leaves validation and test photos untouched."""
    from streetsight.training.recipe import load_recipe
    from streetsight.training.train import train as run_training

    checkpoint = run_training(load_recipe(recipe), photos, weights, teacher or weights, run)
    typer.echo(f"checkpoint: {checkpoint}")


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    name: Annotated[str, typer.Option(help="Name of the release.")],
    photos: PhotosOption,
    head: Annotated[str, typer.Option(help="one_to_many | end_to_end")] = "one_to_many",
    size: Annotated[int, typer.Option(help="Longest side of the input, pixels.")] = 640,
    output: Annotated[Path, typer.Option(help="Folder that holds releases.")] = Path("models/releases"),
) -> None:
    """Make a release: ONNX, parity, thresholds chosen on validation photos, figures on test photos, card."""
    from streetsight.training.release import make_release

    folder = make_release(run, name, photos, head, size, output)  # type: ignore[arg-type]
    typer.echo(f"release: {folder}")


def evaluate(
    photos: PhotosOption,
    release: Annotated[
        str | None, typer.Argument(help="Name or folder; the one in force when not given.")
    ] = None,
    part: Annotated[str, typer.Option(help="val | test")] = "val",
) -> None:
    """Judge a release on photos whose places were never trained on."""
    from rich.console import Console

    from streetsight.models.cli import figures_table
    from streetsight.models.releases import load_release
    from streetsight.training.release import evaluate_part

    Console().print(figures_table(evaluate_part(load_release(release), photos, part)))
