"""`streetsight models`: which releases there are, and what their cards say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from streetsight.models.card import Card, Evaluation
    from streetsight.models.history import Entry
    from streetsight.models.language import SpokenError
    from streetsight.models.listing import Listed
    from streetsight.models.registry import Registry
    from streetsight.models.taxonomy import Language

app = typer.Typer(no_args_is_help=True, help="Releases: list, read, register, compare, promote, roll back.")

EXIT_USAGE, EXIT_DATA = 2, 3

Lang = Annotated[str | None, typer.Option(help="zh-CN or en; by locale when not given.")]
RegistryOption = Annotated[
    Path | None,
    typer.Option(
        "--registry", envvar="STREETSIGHT_RELEASES",
        help="Your own folder of releases; looked into before the shipped ones.",
    ),
]  # fmt: skip


@contextmanager
def spoken_errors(
    lang: str | None, data_errors: "tuple[type[SpokenError], ...]" = ()
) -> "Iterator[Language]":
    """The language to speak; errors for people are said in it and end the command.

    With status 3 end errors with releases and `data_errors`, with 2 all others.
    """
    from streetsight.models.language import SpokenError, resolve_language, translate
    from streetsight.models.releases import ReleaseError

    language: Language = "en"
    try:
        language = resolve_language(lang)
        yield language
    except SpokenError as error:
        typer.secho(f"{translate('Error', language)}: {error.say(language)}", err=True, fg=typer.colors.RED)
        raise typer.Exit(
            EXIT_DATA if isinstance(error, (ReleaseError, *data_errors)) else EXIT_USAGE
        ) from error


def open_registry(folder: Path | None) -> "Registry":
    """The operator's registry over the shipped one."""
    from streetsight.models.registry import Registry
    from streetsight.models.releases import search_path

    return Registry(search_path(folder))


@app.command("list")
def list_(
    registry: RegistryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per release.")] = False,
    lang: Lang = None,
) -> None:
    """Releases that are there; the one in force is marked."""
    from streetsight.models.language import translate
    from streetsight.models.listing import list_registry
    from streetsight.models.tables import figure_table, print_table

    with spoken_errors(lang) as language:
        rows = list_registry(open_registry(registry))
        if as_json:
            typer.echo(json.dumps([_as_data(row) for row in rows], indent=2, ensure_ascii=False))
            return
        headings = [""]
        for word in ("release", "created", "registered", "AP50 (test)", "registry"):
            headings.append(translate(word, language))
        print_table(figure_table(headings, [[_cells(row, language) for row in rows]], names=(0, 1, 5)))
        for row in rows:
            if row.fault:
                typer.secho(f"! {row.name}: {row.fault.say(language)}", err=True, fg=typer.colors.RED)


@app.command()
def history(
    registry: RegistryOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per event.")] = False,
    lang: Lang = None,
) -> None:
    """Who registered, compared, promoted or rolled back what, when and why; oldest first.

    Exit status: 0, or 3 when the history was damaged or edited.
    """
    with spoken_errors(lang) as language:
        events = open_registry(registry).history()
        if as_json:
            typer.echo(f"[{','.join(each.model_dump_json() for each in events)}]")
            return
        for each in events:
            for line in _event_lines(each, language):
                typer.echo(line)


@app.command()
def show(
    release: Annotated[
        str | None, typer.Argument(help="Name or folder; the one in force when not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The card as it is stored.")] = False,
    registry: RegistryOption = None,
    lang: Lang = None,
) -> None:
    """The card of a release: classes, thresholds, data, figures, limits.

    Exit status: 0, or 3 when the release is missing or damaged.
    """
    from streetsight.models.releases import load_release, search_path

    with spoken_errors(lang) as language:
        card = load_release(release, search_path(registry)).card
        if as_json:
            typer.echo(card.model_dump_json(indent=2))
        else:
            _print_card(card, language)


def _print_card(card: "Card", language: "Language") -> None:
    """The card for a terminal."""
    from rich.console import Console

    from streetsight.models.language import translate
    from streetsight.models.tables import print_table

    console = Console(highlight=False)

    def say(message: str, /, **values: object) -> None:
        console.print(translate(message, language, **values), markup=False)

    console.print(f"[bold]{card.address}[/]  {card.architecture}, {card.licence}, {card.created}")
    say(
        "input {size} px, head {head}, taxonomy {version}",
        size=card.input.size, head=card.output.head, version=card.taxonomy_version,
    )  # fmt: skip
    console.print()
    print_table(_class_table(card, language))
    for evaluation in card.evaluations:
        console.print()
        print_table(figures_table(evaluation, language))
    console.print()
    if card.training:
        say(
            "training: recipe {recipe}, {epochs} epochs, {photos} photos", recipe=card.training.recipe,
            epochs=card.training.epochs, photos=card.training.train_photos,
        )  # fmt: skip
        if card.training.version_address:
            say("dataset version: {address}", address=card.training.version_address)
    for source in card.data:
        say(
            "data: {name}, {photos} photos, {classes}; {licence}",
            name=source.name, photos=source.photos, classes=", ".join(source.labelled_classes),
            licence=source.licence,
        )  # fmt: skip
    for limit in card.limits:
        say("limit: {limit}", limit=limit)


def _class_table(card: "Card", language: "Language") -> "Table":
    from streetsight.models.language import translate
    from streetsight.models.tables import figure_table
    from streetsight.models.taxonomy import default_taxonomy

    taxonomy, headings = default_taxonomy(), list[str]()
    for word in ("class", "name", "condition", "threshold"):
        headings.append(translate(word, language))
    rows = [
        (each.name, entry.label(language), entry.condition or "-", f"{each.threshold:.3f}")
        for each in card.classes
        for entry in (taxonomy[each.name],)
    ]
    return figure_table(headings, [rows], names=(0, 1, 2))


def _event_lines(entry: "Entry", language: "Language") -> Iterator[str]:
    """An event for a terminal: what happened, and below it why."""
    from streetsight.models.language import translate

    change = " -> ".join(filter(None, (entry.from_address, entry.to_address)))
    when = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}"
    yield f"{when}  {translate(entry.action, language)}  {change}  ({entry.who})"
    if entry.reason:
        yield f"    {entry.reason}"
    for objection in entry.overridden:
        yield f"    {translate('forced against: {objection}', language, objection=objection)}"
    if entry.evidence_sha256:
        yield f"    {translate('evidence: {digest}', language, digest=entry.evidence_sha256[:12])}"


def _cells(row: "Listed", language: "Language") -> tuple[str, ...]:
    """A row of the listing."""
    from streetsight.models.language import translate
    from streetsight.models.releases import SHIPPED

    place = translate("shipped", language) if row.folder == SHIPPED else translate("your own", language)
    registered = f"{row.registered.astimezone():%Y-%m-%d}" if row.registered else "-"
    mark = "!" if row.fault else "*" if row.in_force else ""
    if row.card is None:
        return (mark, row.name, "-", registered, "-", place)
    figure = f"{row.map50_test:.3f}" if row.map50_test is not None else "-"
    return (mark, row.card.address, str(row.card.created), registered, figure, place)


def _as_data(row: "Listed") -> dict[str, object]:
    """A row of the listing as JSON has it."""
    return {
        "name": row.name,
        "address": row.card and row.card.address,
        "in_force": row.in_force,
        "created": row.card and str(row.card.created),
        "registered": row.registered and row.registered.isoformat(),
        "classes": list(row.card.class_names) if row.card else None,
        "input_px": row.card and row.card.input.size,
        "map50_test": row.map50_test,
        "folder": str(row.folder),
        "fault": row.fault and str(row.fault),
    }


def figures_table(evaluation: "Evaluation", language: "Language") -> "Table":
    """The figures of one part of the photos, a row per class and condition, for a terminal.

    95 % intervals stand beside AP50; `~` marks figures that rest on little.
    """
    from streetsight.models.language import translate
    from streetsight.models.tables import figure_table

    headings = []
    for word in ("class", "photos", "boxes"):
        headings.append(translate(word, language))
    return figure_table(
        (*headings, "AP50", "95 %", "AP\n50-95", "P", "R", "FA"),
        [
            [
                (
                    row.name, str(row.photos), f"{'~' if row.rough else ''}{row.boxes}", f"{row.ap50:.3f}",
                    _interval(row.intervals.get("ap50"), 2), f"{row.ap50_95:.3f}",
                    _figure(row.precision), _figure(row.recall), _figure(row.false_alarms_per_100, 1),
                )
                for row in rows
            ]
            for rows in (evaluation.classes, evaluation.conditions)
        ],
        title=_means(evaluation, language),
        caption=translate(
            "P, R, FA: precision, recall, false alarms per 100 photos, as deployed. ~ rests on little.",
            language,
        ),
    )  # fmt: skip


def _means(evaluation: "Evaluation", language: "Language") -> str:
    """Which photos, and the means over classes with their intervals, a line each."""
    from streetsight.models.language import translate

    lines = [f"{evaluation.part}: {translate('{count} photos', language, count=evaluation.photos)}"]
    for figure, said in (
        ("condition_map50", translate("mean AP50, classes of conditions", language)),
        ("map50", translate("mean AP50, all classes", language)),
        ("map50_95", translate("mean AP50-95, all classes", language)),
    ):
        value, ends = getattr(evaluation, figure), evaluation.intervals.get(figure)
        if value is not None:
            lines.append(f"{said}: {value:.3f}" + (f" ({_interval(ends, 3)})" if ends else ""))
    return "\n".join(lines)


def _figure(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _interval(ends: tuple[float, float] | None, digits: int) -> str:
    return "-" if ends is None else f"{ends[0]:.{digits}f}-{ends[1]:.{digits}f}"
