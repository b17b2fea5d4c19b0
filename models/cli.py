"""`streetsight models`: which releases there are, and what their cards say."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from streetsight.models.card import Evaluation

app = typer.Typer(no_args_is_help=True, help="Releases: list them, read their cards.")

Lang = Annotated[str | None, typer.Option(help="zh-CN or en; by locale when not given.")]


@app.command("list")
def list_() -> None:
    """Releases that are installed; the one in force is marked."""
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.releases import ReleaseError, current_name, list_releases, load_release

    table = Table("", "release", "created", "classes", "input", "mean AP50 (test)")
    for name in list_releases():
        try:
            card = load_release(name).card
        except ReleaseError as error:
            table.add_row("!", name, str(error))
            continue
        figure = next((each.map50 for each in card.evaluations if each.part == "test"), None)
        table.add_row(
            "*" if name == current_name() else "", card.address, str(card.created), str(len(card.classes)),
            f"{card.input.size} px", f"{figure:.3f}" if figure is not None else "-",
        )  # fmt: skip
    Console().print(table)


@app.command()
def show(
    release: Annotated[
        str | None, typer.Argument(help="Name or folder; the one in force when not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The card as it is stored.")] = False,
    lang: Lang = None,
) -> None:
    """The card of a release: classes, thresholds, data, figures, limits.

    Exit status: 0, or 3 when the release is missing or damaged.
    """
    from rich.console import Console
    from rich.table import Table

    from streetsight.models.language import resolve_language
    from streetsight.models.releases import ReleaseError, load_release
    from streetsight.models.taxonomy import default_taxonomy

    try:
        card = load_release(release).card
    except ReleaseError as error:
        typer.secho(str(error), err=True, fg=typer.colors.RED)
        raise typer.Exit(3) from error
    if as_json:
        typer.echo(card.model_dump_json(indent=2))
        return
    console, taxonomy, language = Console(), default_taxonomy(), resolve_language(lang)
    console.print(f"[bold]{card.address}[/]  {card.architecture}, {card.licence}, {card.created}")
    console.print(f"input {card.input.size} px, head {card.output.head}, taxonomy {card.taxonomy_version}")
    table = Table("class", "name", "condition", "threshold", title="classes", title_justify="left")
    for each in card.classes:
        entry = taxonomy[each.name]
        table.add_row(each.name, entry.label(language), entry.condition or "-", f"{each.threshold:.3f}")
    console.print(table)
    for evaluation in card.evaluations:
        console.print(figures_table(evaluation))
    for source in card.data:
        console.print(
            f"data: {source.name}, {source.photos} photos, {', '.join(source.labelled_classes)}; "
            f"{source.licence}",
            markup=False,
        )
    for limit in card.limits:
        console.print(f"limit: {limit}", markup=False)


def figures_table(evaluation: "Evaluation") -> "Table":
    """The figures of one part of the photos, a row per class, for a terminal."""
    from rich.table import Table

    title = (
        f"{evaluation.part}: {evaluation.photos} photos, mean AP50 {evaluation.map50:.3f}, "
        f"AP50-95 {evaluation.map50_95:.3f}"
    )
    table = Table(title=title, title_justify="left")
    for heading in ("class", "photos", "boxes", "AP50", "AP50-95", "precision", "recall"):
        table.add_column(heading)
    for row in evaluation.classes:
        table.add_row(
            row.name, str(row.photos), str(row.boxes), f"{row.ap50:.3f}", f"{row.ap50_95:.3f}",
            *(f"{value:.2f}" if value is not None else "-" for value in (row.precision, row.recall)),
        )  # fmt: skip
    return table
