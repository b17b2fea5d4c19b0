"""`streetsight sample` and `streetsight dataset`: this folder's verbs."""

from pathlib import Path
from typing import Annotated

import typer

from streetsight.datasets import version_cli as versions
from streetsight.datasets.formats import cli as exchange
from streetsight.datasets.quality.cli import check

app = typer.Typer(no_args_is_help=True, help="Label data: import, check, split, freeze, compare, export.")
app.command("import")(exchange.import_)
app.command()(exchange.export)
for verb in (check, versions.split, versions.build, versions.show, versions.diff):
    app.command()(verb)


def sample(
    directory: Annotated[
        Path, typer.Argument(help="Folder to write; existing frames of the same name are replaced.")
    ],
    frames: Annotated[int, typer.Option(min=1, max=2000, help="How many; 40 cover both streets.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Decides street, objects and noise.")] = 0,
    step_m: Annotated[float, typer.Option(min=0.2, help="Metres between frames.")] = 4.0,
    drive: Annotated[
        int, typer.Option(min=0, help="0 is the first drive along this street, 1 the same three hours later.")
    ] = 0,
) -> None:
    """Render a simulated patrol: frames with EXIF time, GPS and heading, a GPX track, and the truth.

    The street is made up. It shows every class the detector knows of an imagined camera, by day, at dusk
    and in rain; it is for trying things out and for tests, never for accuracy figures.
    """
    from rich.progress import track

    from streetsight.datasets.simulation.patrol import simulate_patrol

    patrol = simulate_patrol(directory, seed=seed, frames=frames, step_m=step_m, number=drive)
    for _ in track(patrol, total=frames, description="rendering", transient=True):
        pass
    typer.echo(f"{frames} simulated frames, track.gpx and truth.json are in {directory}")
